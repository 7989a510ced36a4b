"""Encoders: what their vectors promise, and what is said when the sentence encoder's weights are not there."""

import hashlib
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import example, given
from hypothesis import strategies as st

from kb import encoding
from kb.encoding import WEIGHTS, Encoder, SentenceEncoder, StaticEncoder, installed_folder, load_encoder
from kb.errors import EncoderUnavailable, WeightsMismatch

TEXTS = [
    "who directed this film?",
    "director",
    "",
    "born in 1984",
    "\ue000",
    "Gerard Depardieu",
    "who directed this film?",
]


@cache
def shared_static() -> StaticEncoder:
    return StaticEncoder()


@pytest.fixture
def static() -> StaticEncoder:
    return shared_static()


@pytest.fixture(scope="module")
def sentence() -> SentenceEncoder:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    try:
        return SentenceEncoder()
    except EncoderUnavailable as error:
        pytest.skip(f"no weights of all-MiniLM-L6-v2: {error.missing}")


@pytest.fixture(params=["static", "sentence"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    chosen: Encoder = request.getfixturevalue(request.param)
    return chosen


def test_vectors_have_length_one_and_texts_without_tokens_are_zero(encoder: Encoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), encoder.dim)
    assert vectors.dtype == np.float32
    lengths = np.linalg.norm(vectors, axis=1)
    assert lengths[[0, 1, 3, 5]] == pytest.approx(1.0, abs=1e-5)
    assert lengths[2] == 0.0


def test_a_text_has_the_same_vector_alone_and_in_a_batch(encoder: Encoder) -> None:
    together = encoder.encode(TEXTS)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(together[0], together[-1], atol=1e-6)


def test_no_texts_give_no_vectors(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.dim)


def test_a_paraphrase_is_nearer_than_another_relation(encoder: Encoder) -> None:
    question, right, *wrong = encoder.encode(["in which city was she born", "place of birth", "genre", "record label"])
    assert question @ right > max(question @ other for other in wrong)


def test_the_mean_of_token_vectors_is_the_vector_of_the_text(static: StaticEncoder) -> None:
    text = "what films did Tom Hanks star in"
    mean = static.token_table()[static.tokenise([text])[0]].mean(axis=0)
    np.testing.assert_allclose(static.encode([text])[0], mean / np.linalg.norm(mean), atol=1e-6)


def test_batches_meet_without_a_seam(static: StaticEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = static.encode(TEXTS)
    monkeypatch.setattr(encoding, "STATIC_BATCH", 2)
    np.testing.assert_array_equal(static.encode(TEXTS), whole)


@given(st.lists(st.text(max_size=40), max_size=5))
def test_any_text_gives_a_vector_of_length_one_or_zero(texts: list[str]) -> None:
    lengths = np.linalg.norm(shared_static().encode(texts), axis=1)
    assert all(length == pytest.approx(1.0, abs=1e-4) or length == 0.0 for length in lengths)


@given(st.lists(st.text(max_size=40), max_size=5))
@example(["Ελλάδα ΣΊΣΥΦΟΣ Σ", "a\u0301 \u0301b", "x\ty\u2028z  [UNK] [CLS]x", "東京 タワー", "a\x00b \u00a0 c", " "])
def test_words_have_the_tokens_that_their_text_has(texts: list[str]) -> None:
    encoder = shared_static()
    whole = [[token.id for token in encoder.tokens(text)] for text in texts]
    assert encoder.tokenise(texts) == whole
    assert encoder.tokenise(texts) == whole, "and the same when the words are remembered"


def test_remembered_words_are_bounded(static: StaticEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "REMEMBERED_WORDS", 3)
    for text in ("one two three four five", "six", "z" * 10_000):
        static.tokenise([text])
        assert len(static._words) <= 3
    assert not any(len(word) > encoding.REMEMBERED_CHARACTERS for word in static._words)


@pytest.mark.parametrize("num_texts", [0, 1, 50])
def test_a_vector_is_the_sum_of_its_token_vectors_beside_texts_of_any_length(
    static: StaticEncoder, num_texts: int
) -> None:
    texts = ["film " * (number % 7) + "of Amélie" * (number % 2) for number in range(num_texts)]
    sums = [static.token_table()[ids].sum(axis=0) for ids in static.tokenise(texts)]
    expected = np.array([total / (np.linalg.norm(total) or 1) for total in sums]).reshape(-1, static.dim)
    np.testing.assert_allclose(static.encode(texts), expected, rtol=1e-5, atol=1e-7)


def test_tokens_carry_spelling_and_offsets(static: StaticEncoder) -> None:
    text = "Who is Gérard Depardieu?"
    tokens = static.tokens(text)
    assert [token.id for token in tokens] == static.tokenise([text])[0]
    assert text[tokens[2].start : tokens[2].end] == "Gérard"
    assert tokens[2].text == "gerard"


def test_case_and_accents_do_not_change_the_vector(static: StaticEncoder) -> None:
    plain, written = static.encode(["gerard depardieu", "Gérard DEPARDIEU"])
    np.testing.assert_allclose(plain, written)


def test_a_word_without_pieces_is_unknown_and_says_nothing(static: StaticEncoder) -> None:
    assert static.tokenise(["\N{GRINNING FACE}"]) == [[static.unknown]]
    assert not static.encode(["\N{GRINNING FACE}"]).any()


def test_a_very_long_text_is_encoded_from_its_start(static: StaticEncoder) -> None:
    start = "director " * encoding.MAX_TOKENS
    np.testing.assert_allclose(static.encode([start + "genre " * 20_000]), static.encode([start]), atol=1e-6)
    assert len(static.tokenise([start + "genre"])[0]) == encoding.MAX_TOKENS + 1


def test_the_table_cannot_be_written_to(static: StaticEncoder) -> None:
    with pytest.raises(ValueError, match="read-only"):
        static.token_table()[0, 0] = 1.0


def test_the_id_changes_with_the_table(static: StaticEncoder, tmp_path: Path) -> None:
    shutil.copy(WEIGHTS / encoding.TOKENIZER_FILE, tmp_path)
    tensors = safetensors.numpy.load_file(WEIGHTS / encoding.TABLE_FILE)
    tensors["scales"][5000] *= 2
    safetensors.numpy.save_file(tensors, tmp_path / encoding.TABLE_FILE)
    assert StaticEncoder(tmp_path).id != static.id
    assert StaticEncoder().id == static.id


def test_all_weights_that_ship_are_under_forty_megabytes_with_their_licence() -> None:
    root = Path(encoding.__file__).parents[1]
    weights = [path for top in ("kb", "models") for path in (root / top / "weights").iterdir()]
    assert {"context-en-384.safetensors", "reader.safetensors"} <= {path.name for path in weights}
    assert sum(path.stat().st_size for path in weights) < 40_000_000
    assert "Apache License" in (WEIGHTS / "LICENSE-all-MiniLM-L6-v2.txt").read_text(encoding="utf-8")


def test_encoding_loads_neither_torch_nor_onnxruntime() -> None:
    code = "import sys, kb.encoding; kb.encoding.load_encoder('static').encode(['a']); print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "onnxruntime"} & set(found)


def test_static_is_the_encoder_of_the_static_setting(static: StaticEncoder) -> None:
    assert load_encoder("static").id == static.id


def test_sentence_likenesses_are_the_published_ones(sentence: SentenceEncoder) -> None:
    """The model card's example of sentence-transformers: 0.6660, 0.1046, 0.1411."""
    lovely, sunny, stadium = sentence.encode(
        ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    )
    found = [lovely @ sunny, lovely @ stadium, sunny @ stadium]
    assert found == pytest.approx([0.6660, 0.1046, 0.1411], abs=5e-4)


def test_a_folder_without_weights_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match=r"model\.safetensors does not exist.*folder.*static encoder"):
        load_encoder(str(tmp_path))


def test_a_folder_without_tokenizer_is_refused(tmp_path: Path) -> None:
    (tmp_path / encoding.MINILM_FILE).write_bytes(b"weights")
    with pytest.raises(EncoderUnavailable, match=r"tokenizer\.json does not exist"):
        SentenceEncoder(tmp_path)


def test_weights_with_another_checksum_are_refused(tmp_path: Path) -> None:
    (tmp_path / encoding.MINILM_FILE).write_bytes(b"not the weights")
    shutil.copy(WEIGHTS / encoding.TOKENIZER_FILE, tmp_path)
    with pytest.raises(WeightsMismatch) as caught:
        SentenceEncoder(tmp_path)
    assert caught.value.found == hashlib.sha256(b"not the weights").hexdigest()
    assert caught.value.path == tmp_path / encoding.MINILM_FILE


def test_quality_without_the_package_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "MINILM_PACKAGE", "a_package_that_nobody_has")
    with pytest.raises(EncoderUnavailable, match="a_package_that_nobody_has is not installed"):
        load_encoder("quality")


def test_an_installed_package_is_found_without_running_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "carries_weights"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('must not run')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(encoding, "MINILM_PACKAGE", "carries_weights")
    assert installed_folder() == package / encoding.MINILM_PLACE


def test_a_missing_onnxruntime_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EncoderUnavailable, match="onnxruntime is not installed"):
        encoding.start_session({}, threads=1)


def test_pieces_have_the_ids_of_the_text_that_they_spell(static: StaticEncoder) -> None:
    tokens = static.tokens("unwatchable films")
    assert static.piece_ids([token.text for token in tokens]) == [token.id for token in tokens]
    assert static.piece_ids(["##zzzzzz"]) == [static.unknown]

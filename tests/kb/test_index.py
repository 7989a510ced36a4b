from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb import index as index_module
from kb import lists
from kb.graph import FloatArray, IntArray, LongArray
from kb.index import LabelVectors, VectorIndex, normalised

DIM = 16


def unit_vectors(count: int, seed: int = 0) -> FloatArray:
    return normalised(np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32))


def written(path: Path, vectors: FloatArray, ids: LongArray, flat_limit: int = 1_000_000) -> VectorIndex:
    """An index of the vectors, written to this file and opened."""

    def vectors_of(places: IntArray) -> FloatArray:
        assert len(places) <= max(lists.BLOCK, lists.TRAINING_VECTORS_PER_LIST * lists.MIN_LISTS)
        return vectors[places].copy()

    VectorIndex.write(path, ids, vectors_of, DIM, 1, flat_limit)
    return VectorIndex.load(path, DIM, 1)


def assert_same_neighbours(found: LongArray, scores: FloatArray, exact: FloatArray, ids: LongArray) -> None:
    """The k best by brute force, where any of equally good ones may stand for another."""
    by_id = dict(zip(ids.tolist(), exact.tolist(), strict=True))
    best = np.sort(exact)[::-1][: len(found)]
    assert np.allclose([by_id[number] for number in found.tolist()], best, atol=2e-3)
    assert np.allclose(scores, best, atol=2e-3)


@pytest.fixture(scope="module")
def many() -> tuple[FloatArray, LongArray]:
    vectors = unit_vectors(30_000)
    vectors[1_000:1_010] = vectors[1_000]
    return vectors, np.arange(30_000, dtype=np.int64) * 7 + 3


def test_flat_search_is_brute_force(many: tuple[FloatArray, LongArray], tmp_path: Path) -> None:
    vectors, ids = many
    queries = vectors[[0, 1_000, 29_999]] + 0.1 * unit_vectors(3, seed=1)

    found, scores = written(tmp_path / "index", vectors, ids).search(queries, 20)

    for row in range(3):
        assert_same_neighbours(found[row], scores[row], vectors @ queries[row], ids)


def test_lists_find_most_of_what_brute_force_finds(
    many: tuple[FloatArray, LongArray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "MIN_LISTS", 64)
    monkeypatch.setattr(index_module, "PROBED_SHARE", 0.25)
    vectors, ids = many
    queries = unit_vectors(50, seed=2)

    index = written(tmp_path / "index", vectors, ids, flat_limit=100)
    found, _ = index.search(queries, 10)

    exact = ids[np.argsort(-(queries @ vectors.T), axis=1)[:, :10]]
    recall = np.mean([len(set(one.tolist()) & set(best.tolist())) / 10 for one, best in zip(found, exact, strict=True)])
    assert not index.is_flat
    assert sorted(index.ids().tolist()) == ids.tolist()
    assert recall > 0.9


def test_lists_are_written_as_faiss_writes_them(
    many: tuple[FloatArray, LongArray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "MIN_LISTS", 64)
    monkeypatch.setattr(lists, "BLOCK", 50)
    vectors, ids = many[0][:6_000].copy(), many[1][:6_000]
    vectors[:2_000] = vectors[0]

    written(tmp_path / "ours", vectors, ids, flat_limit=100)

    index = faiss.read_index(str(tmp_path / "ours"))
    index.reset()
    index.add_with_ids(vectors, ids)
    faiss.write_index(index, str(tmp_path / "theirs"))
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


def test_facts_that_are_all_alike_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MIN_LISTS", 4)
    vectors, ids = np.repeat(unit_vectors(1), 500, axis=0), np.arange(500, dtype=np.int64)

    index = written(tmp_path / "index", vectors, ids, flat_limit=100)

    assert np.array_equal(np.sort(index.ids()), ids)
    assert (index.search(vectors[:1], 10)[0] >= 0).all()


def test_a_saved_index_is_mapped_and_answers_alike(many: tuple[FloatArray, LongArray], tmp_path: Path) -> None:
    vectors, ids = many[0][:100], many[1][:100]
    index = VectorIndex.flat(DIM, 1)
    index.add(ids, vectors)
    index.save(tmp_path / "index")

    opened = VectorIndex.load(tmp_path / "index", DIM, 1)

    assert len(opened) == len(index)
    assert np.array_equal(np.sort(opened.ids()), ids)
    assert np.array_equal(opened.search(vectors[:5], 5)[0], index.search(vectors[:5], 5)[0])


@pytest.mark.parametrize("flat_limit", [1_000_000, 100])
def test_excluded_facts_are_not_found(
    many: tuple[FloatArray, LongArray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flat_limit: int
) -> None:
    monkeypatch.setattr(lists, "MIN_LISTS", 64)
    vectors, ids = many

    found, _ = written(tmp_path / "index", vectors, ids, flat_limit).search(vectors[:1], 10, excluded=ids[:1])

    assert ids[0] not in found


@settings(max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 19)), max_size=30))
def test_removed_facts_are_gone_and_added_ones_there(steps: list[tuple[bool, int]]) -> None:
    vectors = unit_vectors(20)
    index, held = VectorIndex.flat(DIM, 1), set[int]()
    for is_added, number in steps:
        ids = np.array([number], np.int64)
        if is_added and number not in held:
            index.add(ids, vectors[number : number + 1])
            held.add(number)
        elif not is_added:
            assert index.remove(ids) == (number in held)
            held.discard(number)

    found, _ = index.search(vectors[:1], 20)

    assert set(index.ids().tolist()) == held
    assert {number for number in found[0].tolist() if number >= 0} == held


def test_merged_indexes_hold_both() -> None:
    vectors, ids = unit_vectors(10), np.arange(10, dtype=np.int64)
    first, second = VectorIndex.flat(DIM, 1), VectorIndex.flat(DIM, 1)
    first.add(ids[:4], vectors[:4])
    second.add(ids[4:], vectors[4:])
    merged = first.merged(second)

    assert merged.search(vectors, 1)[0][:, 0].tolist() == list(range(10))


def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    empty = written(tmp_path / "index", unit_vectors(0), np.empty(0, np.int64))

    assert empty.search(unit_vectors(1), 3)[0].tolist() == [[-1, -1, -1]]


def test_label_vectors_lose_little_and_keep_zero() -> None:
    vectors = unit_vectors(100)
    vectors[7] = 0

    table = LabelVectors.of(vectors)
    back = table.take(np.arange(100))

    cosines = np.einsum("nd,nd->n", normalised(back.copy()), vectors)
    assert (np.delete(cosines, 7) > 0.999).all()
    assert not back[7].any()

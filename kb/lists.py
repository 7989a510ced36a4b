"""Inverted lists of vectors with 8-bit codes, written straight to a file as FAISS writes them: never in memory.

For a million facts the codes alone are 256 MB. Knows FAISS and the end of its files, not what the vectors mean.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from struct import pack
from typing import Any

import faiss
import numpy as np

from kb.graph import FloatArray, IntArray, LongArray

MIN_LISTS, MAX_LISTS = 256, 1024
"""Every fact is compared with the centre of every list: without a bound ten million would take a hundred times as long
as one million."""
FACTS_PER_LIST = 2_000
TRAINING_VECTORS_PER_LIST = 40
BLOCK = 2_048
"""Vectors made at a time: bounds the memory of building, and stays in the processor's cache."""

DIRECTIONS = 64
"""A fact's list is looked for among the centres along so many directions, those in which the centres differ most."""

VectorsOf = Callable[[IntArray], FloatArray]
"""Vectors of the facts at these places (0-based, in the order of the ids)."""

Projected = Callable[[FloatArray], VectorsOf]
"""The vectors along some directions (the columns of a matrix), of any length: made from what is projected already they
cost less than projected themselves."""


def write_lists(
    path: Path, ids: LongArray, vectors_of: VectorsOf, dim: int, threads: int, projected: Projected | None = None
) -> None:
    """Write a new index of all facts; each vector is made twice, to find its list and to be kept there."""
    faiss.omp_set_num_threads(threads)
    index = _trained(len(ids), vectors_of, dim)
    centres = index.quantizer.reconstruct_n(0, index.nlist)
    directions = _directions(centres)
    along = projected(directions) if projected else lambda places: vectors_of(places) @ directions
    with ThreadPoolExecutor(threads) as pool:
        lists = _assigned(len(ids), along, centres @ directions, pool)
        _write(path, index, ids, lists, vectors_of, pool, 8 * threads)


def _write(
    path: Path,
    index: Any,  # noqa: ANN401 - a SWIG object
    ids: LongArray,
    lists: IntArray,
    vectors_of: VectorsOf,
    pool: ThreadPoolExecutor,
    num_ahead: int,
) -> None:
    """The file, list by list; codes are made some blocks ahead of what is written, which bounds the memory."""

    def codes_of(places: IntArray) -> Any:  # noqa: ANN401 - what FAISS gives
        faiss.omp_set_num_threads(1)
        return index.sq.compute_codes(vectors_of(places))

    index.ntotal = len(ids)
    faiss.write_index(index, str(path))
    sizes = np.bincount(lists, minlength=index.nlist)
    places = np.split(np.argsort(lists, kind="stable").astype(np.int32), np.cumsum(sizes)[:-1])
    with path.open("r+b") as file:
        _begin_lists(file, index.nlist, index.code_size)
        file.write(sizes.astype("<u8").data)
        blocks = _blocks(places)
        while ahead := list(islice(blocks, num_ahead)):
            parts = (part for part, _ in ahead)
            for (_, whole), codes in zip(ahead, pool.map(codes_of, parts), strict=True):
                file.write(codes)
                if whole is not None:
                    file.write(ids[whole].astype("<i8").data)


def _blocks(lists: list[IntArray]) -> Iterator[tuple[IntArray, IntArray | None]]:
    """Blocks of the places of each list; with the last of a list the list itself, whose ids follow its codes."""
    for places in lists:
        for start in range(0, max(len(places), 1), BLOCK):
            yield places[start : start + BLOCK], places if start + BLOCK >= len(places) else None


def _trained(count: int, vectors_of: VectorsOf, dim: int) -> Any:  # noqa: ANN401 - a SWIG object
    """An empty index with its lists' centres and the range of each dimension, from a sample."""
    num_lists = min(max(MIN_LISTS, count // FACTS_PER_LIST), MAX_LISTS)
    quantizer = faiss.IndexFlatIP(dim)
    index = faiss.IndexIVFScalarQuantizer(
        quantizer, dim, num_lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT, False
    )
    index.own_fields = True
    quantizer.this.disown()  # type: ignore[attr-defined]
    sample = np.random.default_rng(0).choice(count, min(TRAINING_VECTORS_PER_LIST * num_lists, count), replace=False)
    index.cp.niter = 6
    index.train(vectors_of(np.sort(sample).astype(np.int32)))
    return index


def _directions(centres: FloatArray) -> FloatArray:
    """The directions in which the centres are longest, as columns."""
    return np.ascontiguousarray(np.linalg.svd(centres, full_matrices=False)[2][:DIRECTIONS].T)


def _assigned(count: int, vectors_of: VectorsOf, centres: FloatArray, pool: ThreadPoolExecutor) -> IntArray:
    """The nearest list of every vector; the length of a vector, which is the same for all lists, does not count.

    Not by quantizer.search: FAISS brings a BLAS that takes three times as long as numpy's.
    """
    lists = np.empty(count, np.int32)

    def assign(start: int) -> None:
        places = np.arange(start, min(start + BLOCK, count), dtype=np.int32)
        lists[places] = (vectors_of(places) @ centres.T).argmax(axis=1)

    for _ in pool.map(assign, range(0, count, BLOCK)):
        pass
    return lists


def _begin_lists(file: Any, num_lists: int, code_size: int) -> None:  # noqa: ANN401 - what open gives
    """Replace the lists that FAISS has written, all empty, by the head of full ones; their sizes come next."""
    empty = pack("<4sQQ4sQ", b"ilar", num_lists, code_size, b"sprs", 0)
    file.seek(-len(empty), os.SEEK_END)
    assert file.read() == empty, "this version of FAISS ends its files in another way"
    file.seek(-len(empty), os.SEEK_END)
    file.write(pack("<4sQQ4sQ", b"ilar", num_lists, code_size, b"full", num_lists))

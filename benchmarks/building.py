"""A generation built by one process and by tasks on three nodes, then with one of them killed; prints JSON.

    python -m benchmarks.building [--triples 100000] [--encoder static|quality] [--pause SECONDS] [--out FILE]

The triples are generated, and stored before anything is measured. The labels alone are encoded here and by tasks; the
generation is built here, by tasks, and by tasks again, each of which waits for `pause` first: a node that has begun one
is killed then. Generations are the same if the checksums of all their files are. Needs Ray, and `unshare`.
"""

import argparse
import pickle
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import structlog
from sqlalchemy import Engine

from benchmarks import nodes, report, synthetic
from benchmarks.ingestion import shape_of
from kb.building import ENCODED_TOGETHER
from kb.consistency import Views
from kb.database import create_engine, migrate, reading, writing
from kb.encoding import load_encoder
from kb.formats import ParseOptions
from kb.index import LabelVectors
from kb.ingestion import IngestionTask, ingest
from kb.shards.actors import RayCluster
from kb.shards.labels import ScatteredLabels
from kb.shards.tasks import Tasks
from kb.store import TripleStore
from models.threads import limit_threads

NODES = 3
START_SECONDS = 60.0

T = TypeVar("T")
R = TypeVar("R")


class Noted:
    """Tasks that note on which node each piece is begun, and how many bytes went to and fro."""

    def __init__(self, tasks: Tasks, notes: Path, pause: float) -> None:
        self.ahead = tasks.ahead
        self.submitted = self.replied = self.bytes_sent = self.bytes_back = 0
        self._tasks = tasks
        self._notes = notes
        self._pause = pause
        notes.touch()

    def submit(self, work: Callable[[T], R], piece: T) -> Future[R]:
        """Begin a piece of work."""
        self.submitted += 1
        self.bytes_sent += len(pickle.dumps((work, piece)))
        future = self._tasks.submit(partial(_noted, self._notes, self._pause, work), piece)
        future.add_done_callback(self._reply)
        return future

    def _reply(self, future: Future[R]) -> None:
        if not future.exception():
            self.replied += 1
            self.bytes_back += len(pickle.dumps(future.result()))

    def begun(self) -> Counter[str]:
        """How many pieces were begun on each node; a piece that was lost counts twice."""
        return Counter(self._notes.read_text().split())

    def figures(self) -> dict[str, int]:
        """What was asked for, and what came of it."""
        told = {"pieces": self.submitted, "replied": self.replied, "begun": self.begun().total()}
        return told | {"bytes_sent": self.bytes_sent, "bytes_back": self.bytes_back}


def _noted(notes: Path, pause: float, work: Callable[[T], R], piece: T) -> R:
    import ray

    with notes.open("a") as file:
        file.write(f"{ray.get_runtime_context().get_node_id()}\n")
    time.sleep(pause)
    return work(piece)


def stored(engine: Engine, folder: Path, num_triples: int) -> int:
    """The id of a new KB of so many generated triples."""
    synthetic.write_tsv(folder / "kb.tsv", shape_of(num_triples), 1)
    with writing(engine) as connection:
        kb = TripleStore(connection).create_kb("large")
    (folder / "work").mkdir()
    task = IngestionTask(kb.id, folder / "kb.tsv", ParseOptions("text/tab-separated-values"), "abort", folder / "work")
    ingest(engine, task, lambda _: None, lambda: False, lambda _: None, lambda *_: None)
    return kb.id


def label_blocks(engine: Engine, kb_id: int) -> list[list[str]]:
    """The labels of a KB as they are encoded."""
    with reading(engine) as connection:
        labels = [label for rows in TripleStore(connection).entity_rows(kb_id) for _, label, _ in rows]
    return [labels[start : start + ENCODED_TOGETHER] for start in range(0, len(labels), ENCODED_TOGETHER)]


def timed(work: Callable[[], R]) -> tuple[R, dict[str, float]]:
    """What came of it, and the seconds that it took."""
    began, here, everywhere = time.perf_counter(), time.process_time(), nodes.processor_seconds()
    made = work()
    figures = {
        "seconds": time.perf_counter() - began,
        "processor_here": time.process_time() - here,
        "processor_everywhere": nodes.processor_seconds() - everywhere,
    }
    return made, {name: round(value, 2) for name, value in figures.items()}


def together(parts: Iterator[LabelVectors]) -> LabelVectors:
    """One table."""
    return LabelVectors.joined([*parts])


def kill_when_begun(victim: nodes.Node, name: str, noted: Noted) -> None:
    """Kill a node as soon as it has begun a piece; or without that, if it begins none."""
    end = time.monotonic() + START_SECONDS
    while not noted.begun()[name] and time.monotonic() < end:
        time.sleep(0.02)
    victim.kill()


def run(folder: Path, num_triples: int, setting: str, pause: float) -> dict[str, Any]:
    """Everything, in the network that this process is in."""
    limit_threads(1)
    engine = create_engine(f"sqlite:///{folder / 'hopfact.sqlite'}")
    migrate(engine)
    encoder = load_encoder(setting)
    kb_id = stored(engine, folder, num_triples)
    blocks = label_blocks(engine, kb_id)
    here, encoding_here = timed(lambda: together(LabelVectors.of(encoder.encode(block)) for block in blocks))

    def built(name: str, scatter: ScatteredLabels | None = None) -> tuple[dict[str, list[int]], dict[str, float]]:
        views = Views(engine, folder / name, encoder, encode_blocks=scatter)
        view, figures = timed(lambda: views.rebuild(kb_id))
        return view.base.manifest.files, figures

    single, building_here = built("single")
    members = nodes.start(NODES)
    cluster = RayCluster(nodes.ADDRESS, folder, NODES, 0, 1.0)
    nodes.wait(lambda: not cluster.missing, START_SECONDS)
    first, noted, during = (
        Noted(cluster.tasks, folder / name, wait) for name, wait in (("first", 0.0), ("noted", 0.0), ("during", pause))
    )
    scatter = ScatteredLabels(encoder, setting, first)
    together(scatter(blocks))  # so that workers are there, and have loaded the encoder
    scatter = ScatteredLabels(encoder, setting, noted)
    there, encoding_there = timed(lambda: together(scatter(blocks)))
    parted, building_there = built("parted", ScatteredLabels(encoder, setting, cluster.tasks))
    names = {number: name for name, number in nodes.alive().items()}
    victim = members[-1]
    killer = threading.Thread(target=kill_when_begun, args=(victim, names[victim.number], during))
    killer.start()
    killed, building_killed = built("killed", ScatteredLabels(encoder, setting, during))
    killer.join()
    found = {
        "triples": num_triples,
        "labels": sum(map(len, blocks)),
        "encoder": encoder.id,
        "nodes": NODES,
        "encoding": {"one_process": encoding_here, "tasks": encoding_there | noted.figures()},
        "pieces_by_node": sorted(noted.begun().values()),
        "vectors_equal": bool(np.array_equal(here.codes, there.codes) and np.array_equal(here.scales, there.scales)),
        "building": {"one_process": building_here, "tasks": building_there, "killed": building_killed},
        "killed": during.figures() | {"begun_on_the_killed": during.begun()[names[victim.number]]},
        "files": len(single),
        "files_equal": sum(parted[name] == seal for name, seal in single.items()),
        "files_equal_when_killed": sum(killed[name] == seal for name, seal in single.items()),
    }
    cluster.close()
    engine.dispose()
    return found


def main() -> None:
    """Run it in a network of its own, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--triples", type=int, default=100_000)
    parser.add_argument("--encoder", default="static")
    parser.add_argument("--pause", type=float, default=0.5)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
        nodes.report(options.inside, run(options.inside, options.triples, options.encoder, options.pause))
        return
    report.put(measured(options.triples, options.encoder, options.pause), options.out)


def measured(num_triples: int = 100_000, setting: str = "static", pause: float = 0.5) -> dict[str, Any]:
    """The figures of a run in a network of its own."""
    options = ("--triples", str(num_triples), "--encoder", setting, "--pause", str(pause))
    return nodes.reported("benchmarks.building", *options)


if __name__ == "__main__":
    main()

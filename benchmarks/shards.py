"""Answers from three shards on three nodes against those of a single process, and what a killed node costs.

    python -m benchmarks.shards [--metaqa QUESTIONS] [--out FILE]

The questions are those of tests/acceptance/unseen/dev and blind/dev, on their knowledge bases, or MetaQA's. They
are asked one by one: of a single process, of the shards, and a part of them again, for which less is asked. Then a
node that holds a shard is killed, and questions go on being asked until all are back. Needs Ray, and `unshare`.
"""

import argparse
import json
import pickle
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from sqlalchemy import Engine

from app.answering import AnsweringLimits, Question, QuestionAnswerer
from app.sparql import QueryWriter
from benchmarks import nodes, report
from benchmarks.questions import DATASETS, metaqa_questions
from kb.consistency import Views
from kb.context import ContextEncoder
from kb.database import create_engine, migrate, writing
from kb.encoding import StaticEncoder
from kb.formats import ParseOptions, parse
from kb.shards.actors import GenerationKey, RayCluster, ShardActors
from kb.shards.calls import MISSING, Call
from kb.store import Kb, TripleStore
from kb.triples import Term, Triple
from models.movies import load_triples
from models.reader import Reader
from models.threads import limit_threads

NODES = 3
BACK_SECONDS = 60.0
AGAIN = 4
"""Of so many questions one is asked again."""
ACCEPTANCE = Path(__file__).parents[1] / "tests" / "acceptance"
Reply = dict[str, Any]
Asked = list[tuple[Kb, str]]


class Counted:
    """Counts what shards are asked, and what of it they do not answer; with `weighs` also its bytes."""

    def __init__(self) -> None:
        self.rounds = self.calls = self.missed = self.bytes = 0
        self.weighs = False
        asked = ShardActors.ask

        def ask(actors: ShardActors, of: GenerationKey, calls: Sequence[Call]) -> list[Any]:
            replies = asked(actors, of, calls)
            self.rounds += bool(calls)
            self.calls += len(calls)
            self.missed += sum(reply is MISSING for reply in replies)
            if self.weighs:
                self.bytes += sum(len(pickle.dumps(sent)) for sent in (*calls, *replies))
            return replies

        ShardActors.ask = ask  # type: ignore[method-assign, assignment]


def stored(engine: Engine, num_metaqa: int) -> Asked:
    """The knowledge bases, and the questions on them."""
    asked: Asked = []
    if num_metaqa:
        triples = [Triple(Term(one), Term(relation), Term(other)) for one, relation, other in load_triples(DATASETS)]
        kb = _store(engine, "metaqa", [triples])
        return [(kb, one.text) for one in metaqa_questions(DATASETS, num_metaqa, 1)]
    for path in sorted(ACCEPTANCE.glob("*/dev/*.jsonl")):
        options = ParseOptions("text/tab-separated-values")
        kb = _store(engine, path.stem, [one.triples for one in parse([path.with_suffix(".tsv").read_bytes()], options)])
        asked += [(kb, json.loads(line)["question"]) for line in path.read_text(encoding="utf-8").splitlines()]
    return asked


def _store(engine: Engine, name: str, batches: Sequence[Sequence[Triple]]) -> Kb:
    with writing(engine) as connection:
        store = TripleStore(connection)
        kb = store.create_kb(name)
        for batch in batches:
            store.write(kb.id, batch)
        return kb


class Measured:
    """Asks questions one by one; what was said, and what it took."""

    def __init__(self, answerer: QuestionAnswerer, asked: Asked, counted: Counted) -> None:
        self.replies: list[Reply] = []
        before = (counted.rounds, counted.calls, counted.missed)
        walls, everywhere = [], nodes.processor_seconds()
        here = time.process_time()
        for kb, text in asked:
            began = time.perf_counter()
            self.replies.append(said(answerer, kb, text))
            walls.append(time.perf_counter() - began)
        here, everywhere = time.process_time() - here, nodes.processor_seconds() - everywhere
        after = (counted.rounds, counted.calls, counted.missed)
        rounds, calls, missed = ((end - start) / len(asked) for start, end in zip(before, after, strict=True))
        self.figures = {
            "p50_ms": round(1000 * statistics.median(walls), 2),
            "p99_ms": round(1000 * float(np.quantile(walls, 0.99)), 2),
            "processor_ms": round(1000 * here / len(asked), 2),
            "processor_everywhere_ms": round(1000 * everywhere / len(asked), 2),
            "rounds": round(rounds, 2),
            "calls": round(calls, 2),
            "missed": missed,
        }


def said(answerer: QuestionAnswerer, kb: Kb, text: str) -> Reply:
    """The reply, without the time that it took."""
    reply = answerer.ask(kb, [Question(text)])[0]
    del reply["timings_ms"]
    return reply


def equal(replies: Sequence[Reply], expected: Sequence[Reply]) -> int:
    """How many replies are the same, to the last digit."""
    return sum(one == other for one, other in zip(replies, expected, strict=True))


def outage(
    killed: nodes.Node, cluster: RayCluster, answerer: QuestionAnswerer, asked: Asked, expected: Sequence[Reply]
) -> dict[str, Any]:
    """Kill a node and go on asking until all shards answer again, on the nodes that are left."""
    killed.kill()
    began, noticed, told, longest = time.monotonic(), 0.0, 0, 0.0
    same = 0
    while time.monotonic() - began < BACK_SECONDS and (not noticed or cluster.missing):
        kb, text = asked[told % len(asked)]
        started = time.monotonic()
        same += said(answerer, kb, text) == expected[told % len(asked)]
        longest = max(longest, time.monotonic() - started)
        told += 1
        if cluster.missing and not noticed:
            noticed = time.monotonic() - began
    return {
        "noticed_seconds": round(noticed, 2),
        "back_seconds": round(time.monotonic() - began, 2),
        "asked": told,
        "equal": same,
        "longest_seconds": round(longest, 2),
        "missing": cluster.missing,
    }


def run(data: Path, num_metaqa: int) -> dict[str, Any]:
    """Everything, in the network that this process is in."""
    limit_threads(1)
    engine = create_engine(f"sqlite:///{data / 'hopfact.sqlite'}")
    migrate(engine)
    encoder, counted = StaticEncoder(), Counted()
    reader = Reader.load(encoder=ContextEncoder(encoder))
    asked = stored(engine, num_metaqa)
    here = QuestionAnswerer(Views(engine, data, encoder), reader, encoder, QueryWriter(engine), AnsweringLimits())
    for kb in dict.fromkeys(kb for kb, _ in asked):
        said(here, kb, "Which one is it?")
    single = Measured(here, asked, counted)
    members = nodes.start(NODES)
    cluster = RayCluster(nodes.ADDRESS, data, NODES, 0, 1.0)

    def sharded() -> QuestionAnswerer:
        views = Views(engine, data, encoder, source_of=cluster.source)
        answerer = QuestionAnswerer(views, reader, encoder, QueryWriter(engine), AnsweringLimits())
        for kb in dict.fromkeys(kb for kb, _ in asked):
            said(answerer, kb, "Which one is it?")
        return answerer

    began = time.monotonic()
    while cluster.missing and time.monotonic() - began < BACK_SECONDS:
        time.sleep(0.1)
    there = round(time.monotonic() - began, 2)
    answerer = sharded()
    first, again = Measured(answerer, asked, counted), Measured(answerer, asked[::AGAIN], counted)
    places = cluster.places()
    victim = next(node for node in members[1:] if node.number in {nodes.alive()[place] for place in places.values()})
    lost = [shard for shard, place in places.items() if nodes.alive()[place] == victim.number]
    during = outage(victim, cluster, sharded(), asked, single.replies)
    answerer = sharded()
    counted.missed, counted.weighs = 0, True
    after = Measured(answerer, asked[::AGAIN], counted)
    found = {
        "questions": len(asked),
        "kbs": len({kb.id for kb, _ in asked}),
        "nodes": NODES,
        "there_seconds": there,
        "places": {shard: nodes.alive().get(place, victim.number) for shard, place in places.items()},
        "single": single.figures,
        "shards": first.figures | {"equal": equal(first.replies, single.replies)},
        "shards_again": again.figures | {"equal": equal(again.replies, single.replies[::AGAIN])},
        "lost_shards": lost,
        "outage": during,
        "after": after.figures | {"equal": equal(after.replies, single.replies[::AGAIN])},
        "asked_again": len(again.replies),
        "bytes_a_question": round(counted.bytes / len(after.replies)),
        "nodes_after": sorted({nodes.alive()[place] for place in cluster.places().values()}),
    }
    cluster.close()
    engine.dispose()
    return found


def main() -> None:
    """Run it in a network of its own, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--metaqa", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
        nodes.report(options.inside, run(options.inside, options.metaqa))
        return
    report.put(measured(options.metaqa), options.out)


def measured(num_metaqa: int = 0) -> dict[str, Any]:
    """The figures of a run in a network of its own."""
    return nodes.reported("benchmarks.shards", "--metaqa", str(num_metaqa))


if __name__ == "__main__":
    main()

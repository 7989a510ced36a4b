"""Adapts the reader to one KB: the process that a training job starts, with low priority and one thread.

    python -m app.adapting < order.json

The order comes in and lines of progress, the last one the outcome, go out as JSON. Questions that are held out are
never trained on; the reader that answers now and the candidate are both asked them, and generated questions likewise.
What the job promotes is decided by `app.training`.
"""

import hashlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import orjson

from app import evaluation
from app.answering import AnsweringLimits, Question, QuestionAnswerer
from app.evaluation import GoldQuestion
from app.key_cache import keys_of
from app.settings import Settings
from app.sparql import QueryWriter
from kb import database
from kb.consistency import Views
from kb.context import ContextEncoder
from kb.encoding import StaticEncoder, load_encoder
from kb.errors import EntitiesUnknown
from kb.view import KnowledgeView
from models.adaptation import SETTINGS, AskedTask, adapt, share_right
from models.chains import ReadRequest
from models.checkpoints import CheckpointUnusable
from models.episodes import PathEpisode, PathTask
from models.gold_chains import gold_episodes
from models.networks.path_inference import Keys
from models.reader import Reader
from models.tasks.generated import LEXICON, GeneratedTask
from models.tasks.grammar import Lexicon
from models.tasks.inventions import Vocabulary
from models.tasks.own import OwnTask
from models.threads import limit_threads

NICENESS = 15
HELD_OUT = 5
"""One question in so many is held out."""
GENERATED_HELD_OUT = 400
SHARES = (0.35, 0.35, 0.3)
"""Of the KB's own generated questions, of those asked, of those over made-up schemas."""

Tell = Callable[[dict[str, Any]], object]


def main() -> None:
    """Read an order, carry it out, tell."""
    os.nice(NICENESS)
    limit_threads(1)
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0) as out:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever else is printed is no line of ours
        carry_out(orjson.loads(sys.stdin.buffer.read()), lambda line: out.write(orjson.dumps(line) + b"\n"))


def carry_out(order: dict[str, Any], tell: Tell) -> None:
    """Train a candidate and evaluate it beside the reader that answers now."""
    started = time.perf_counter()
    settings = Settings.model_validate(order["settings"])
    gold = [
        GoldQuestion(one["question"], tuple(one["answers"]), entities=tuple(one["entities"]))
        for one in order["questions"]
    ]
    engine, static = database.create_engine(settings.url_of_database), StaticEncoder()
    encoder = static if settings.encoder == "static" else load_encoder(settings.encoder, 1)
    words = ContextEncoder(static)
    views = Views(engine, settings.data, encoder)
    view = views.current(order["kb_id"])
    if not view.num_triples:
        tell({"problem": ["nothing_to_learn", "The knowledge base has no facts to make questions from: add some."]})
        return
    unknown = sorted({name for one in gold for name in one.entities if not len(view.entities_named(name))})
    if unknown:
        tell({"problem": ["unknown_entity", str(EntitiesUnknown(unknown))]})
        return
    (base, reader), out = _answering([Path(base) for base in order["bases"]], words), Path(order["out"])
    limits = AnsweringLimits(max_hops=settings.max_hops, fact_budget=settings.fact_budget)

    def answerer(reader: Reader) -> QuestionAnswerer:
        return QuestionAnswerer(views, reader, encoder, QueryWriter(engine), limits)

    held_out = [one for one in gold if is_held_out(one.text)]
    learnt = [one for one in gold if not is_held_out(one.text)]
    keys = keys_of(view, reader)
    explained = explain(answerer(reader), reader, keys, view, learnt)
    own = OwnTask.of_memory(view, view.relation_labels, keys.profiles)
    tasks: list[tuple[PathTask, float]] = [(own, SHARES[0]), (_general(), SHARES[2])]
    if explained:
        tasks.append((AskedTask(explained), SHARES[1]))

    def report(line: str) -> None:
        step = int(line.split()[1].partition("/")[0])
        tell({"done": step})

    adapt(base, out, tasks, words, replace(SETTINGS, steps=settings.training_steps), report)
    candidate = Reader.load(out, encoder=words)
    random = Random("held out")
    generated = [own.episode(random) for _ in range(GENERATED_HELD_OUT)]
    least = settings.abstain_below
    metrics = {
        "questions": len(gold),
        "explained": len(explained),
        "held_out": len(held_out),
        "active": figures(answerer(reader), view, held_out, least) | {"generated": share_right(base, generated, words)},
        "candidate": figures(answerer(candidate), view, held_out, least)
        | {"generated": share_right(out, generated, words)},
        "seconds": round(time.perf_counter() - started, 1),
    }
    tell({"metrics": metrics, "kb_revision": view.revision, "base": reader.name})


def _answering(bases: Sequence[Path], words: ContextEncoder) -> tuple[Path, Reader]:
    """The reader that answers now: the first that can be used; the last one is the shipped one."""
    for base in bases[:-1]:
        try:
            return base, Reader.load(base, encoder=words)
        except CheckpointUnusable:
            continue
    return bases[-1], Reader.load(bases[-1], encoder=words)


def is_held_out(question: str) -> bool:
    """Whether a question is kept for evaluation: told from its words, so that it is at every training."""
    return hashlib.sha256(question.strip().casefold().encode()).digest()[0] % HELD_OUT == 0


def explain(
    answerer: QuestionAnswerer, reader: Reader, keys: Keys, view: KnowledgeView, questions: Sequence[GoldQuestion]
) -> list[PathEpisode]:
    """The paths that lead to the answers of questions, of those that have one."""
    requests = [
        ReadRequest(
            view,
            keys,
            answerer.readings(view, Question(one.text, one.entities), keys.profiles),
            reader.max_hops,
            answerer.fact_budget,
        )
        for one in questions
    ]
    answers = [frozenset(one.answers) for one in questions]
    return [one for one in gold_episodes(reader, requests, view.relation_labels, answers) if one is not None]


def figures(
    answerer: QuestionAnswerer, view: KnowledgeView, questions: Sequence[GoldQuestion], abstain_below: float
) -> dict[str, float]:
    """Hits@1, F1 and exact sets on questions, as a user meets them: what must be refused is right when it is."""
    if not questions:
        return {}
    replies = [answerer.ask_view(view, one.asked()) for one in questions]
    all_of_them: dict[str, float] = evaluation.report(questions, replies, abstain_below, 0)["all"]
    return {name: all_of_them[name] for name in ("hits_at_1", "f1", "exact")}


def _general() -> GeneratedTask:
    """Questions over made-up schemas, by the lexicon alone."""
    lexicon = Lexicon.read(LEXICON)
    words = sorted({word for kind in lexicon.types.values() for noun in kind.singular for word in noun.split()})
    return GeneratedTask(lexicon, Vocabulary(words, words, {}), wrong_mentions=0.07, missing=0.15, invented=0.0)


if __name__ == "__main__":
    main()

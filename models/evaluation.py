"""A reader and asked questions to a report: right first answers, F1 of the answer set, exact sets, refusals."""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from kb.context import ContextEncoder
from models.chains import Chain, Reading, ReadRequest
from models.memory import TripleMemory
from models.metrics import exact_set, hits_at_1, mean, set_f1
from models.movies import load_triples
from models.profiles import profiles_of
from models.reader import Reader
from models.recipe import settings_of
from models.tasks import metaqa, pathquestion, simplequestions
from models.threads import limit_threads

BATCH = 64
BUDGET = 20_000

Report = Callable[[str], None]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question with its topic replaced by the placeholder; no answers means that it must be refused."""

    text: str
    topic: str
    answers: frozenset[str]
    hops: int


@dataclass(slots=True)
class Scores:
    """Scores of the questions of one kind; `rejected` is the probability that nothing in reach fits."""

    hits_at_1: list[float] = field(default_factory=list)
    f1: list[float] = field(default_factory=list)
    exact: list[float] = field(default_factory=list)
    rejected: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, float]:
        """Means, and how many questions there were."""
        return {
            "questions": len(self.hits_at_1),
            "hits_at_1": mean(self.hits_at_1),
            "f1": mean(self.f1),
            "exact": mean(self.exact),
            "rejected": mean(self.rejected),
        }


@dataclass(frozen=True, slots=True)
class Read:
    """A question with what the reader made of it."""

    question: AskedQuestion
    answers: tuple[str, ...]
    chains: tuple[Chain, ...]


def read_all(
    reader: Reader, memory: TripleMemory, questions: Iterable[AskedQuestion], max_hops: int = 3, beam: int = 4
) -> Iterator[Read]:
    """Ask questions with their topics given, in batches; answers of the best chain, best first."""
    keys = reader.key_vectors(memory.relation_labels, profiles_of(memory))
    waiting = iter(questions)
    while batch := list(islice(waiting, BATCH)):
        requests = [
            ReadRequest(memory, keys, (Reading(q.text, memory.entities([q.topic]), 1.0),), max_hops, BUDGET)
            for q in batch
        ]
        for question, chains in zip(batch, reader.read(requests, beam), strict=True):
            yield Read(question, tuple(answers_of(memory, chains)), tuple(chains))


def answers_of(memory: TripleMemory, chains: Sequence[Chain]) -> list[str]:
    """Labels of the best chain's entities, heaviest first; none if nothing fits better than the best chain."""
    if not chains or chains[0].rejected > 0.5:
        return []
    last = chains[0].steps[-1]
    return [memory.labels[position] for position in last.entities[np.argsort(-last.weights, kind="stable")].tolist()]


def score(
    reader: Reader, memory: TripleMemory, questions: Iterable[AskedQuestion], max_hops: int = 3, beam: int = 4
) -> dict[int, Scores]:
    """Score a reader by the questions' numbers of hops; a question to refuse scores 1 when there is no answer."""
    scores: defaultdict[int, Scores] = defaultdict(Scores)
    for read in read_all(reader, memory, questions, max_hops, beam):
        row, gold = scores[read.question.hops], read.question.answers
        row.hits_at_1.append(hits_at_1(read.answers, gold) if gold else float(not read.answers))
        row.f1.append(set_f1(read.answers, gold))
        row.exact.append(exact_set(read.answers, gold))
        row.rejected.append(read.chains[0].rejected if read.chains else 1.0)
    return dict(sorted(scores.items()))


Asked = tuple[str, TripleMemory, Sequence[AskedQuestion]]


def metaqa_questions(datasets: Path, split: str) -> Iterator[Asked]:
    """Give MetaQA's questions of a split by hops, topics as in the brackets."""
    memory = TripleMemory(load_triples(datasets))
    for hops in range(1, metaqa.MAX_HOPS + 1):
        lines = metaqa.load_questions(datasets, split, hops)
        asked = [AskedQuestion(line.text, line.topic, frozenset(line.answers), hops) for line in lines]
        yield f"metaqa {split} {hops} hops", memory, asked


def path_questions(datasets: Path, split: str) -> Iterator[Asked]:
    """Give PathQuestion's parts; it has one split only."""
    for part in pathquestion.PARTS:
        memory = TripleMemory(pathquestion.load_triples(datasets, part))
        lines = [line for line in pathquestion.load_questions(datasets, part) if line.topic in memory.positions]
        hops = int(part[-2])
        yield part, memory, [AskedQuestion(line.text, line.topic, frozenset(line.answers), hops) for line in lines]


def simple_questions(datasets: Path, split: str) -> Iterator[Asked]:
    """Give SimpleQuestions' questions of a split whose relation the facts have for their topic, topics given.

    The facts are those behind all questions of the set: far fewer than Wikidata's.
    """
    memory = TripleMemory(simplequestions.load_triples(datasets))
    relations = {label: number for number, label in enumerate(memory.relation_labels)}
    asked = []
    for question in simplequestions.load_wikidata(datasets, "valid" if split == "dev" else split):
        if question.topic not in memory.positions or question.key.label not in relations:
            continue
        key = 2 * relations[question.key.label] + question.key.direction
        found = memory.follow(memory.entities([question.topic]), np.ones(1, np.float32), key, BUDGET)
        answers = frozenset(memory.label(entity) for entity in found.entities.tolist())
        if answers:
            asked.append(AskedQuestion(question.text, question.topic, answers, 1))
    yield f"simplequestions {split}", memory, asked


SETS: Mapping[str, Callable[[Path, str], Iterator[Asked]]] = {
    "metaqa": metaqa_questions,
    "pathquestion": path_questions,
    "simplequestions": simple_questions,
}


def evaluate(
    recipe: Path,
    checkpoint: Path | None,
    datasets: Path,
    threads: int = 1,
    split: str = "dev",
    report: Report = logger.info,
) -> dict[str, dict[str, float]]:
    """Evaluate a checkpoint (the shipped one if none is named) on the sets that a recipe lists, topics given."""
    limit_threads(threads)
    reader = Reader.load(checkpoint, encoder=ContextEncoder())
    results = {}
    for name in settings_of(recipe)["evaluation"]["sets"]:
        for part, memory, questions in SETS[name](datasets, split):
            started = time.perf_counter()
            (scores,) = score(reader, memory, questions).values()
            results[part] = scores.summary()
            shown = "  ".join(f"{key} {value:.4f}" for key, value in results[part].items() if key != "questions")
            report(f"{part}: {len(questions)} questions  {shown}  {time.perf_counter() - started:.0f} s")
    return results

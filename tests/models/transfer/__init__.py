"""Small knowledge bases with questions in people's words, none of them ever trained on.

`<name>.kb.tsv` holds triples. A line of `<name>.questions.tsv` is a question with its topic in brackets, and the path
to its answers: relations between ` / `, `^` before one read from object to subject; `none` where the KB has no answer.
"""

from pathlib import Path

import numpy as np

from models.episodes import MENTION
from models.evaluation import AskedQuestion
from models.memory import TripleMemory

FOLDER = Path(__file__).parent
NAMES = ("bookshop", "countries", "football", "office", "space")
BUDGET = 1000


def load(name: str) -> tuple[TripleMemory, list[AskedQuestion]]:
    """Read a KB and its questions, answers found by following the paths."""
    memory = TripleMemory(triples(name))
    return memory, _questions(name, memory)


def triples(name: str) -> list[tuple[str, str, str]]:
    """Read the facts of a KB."""
    found = []
    for line in (FOLDER / f"{name}.kb.tsv").read_text(encoding="utf-8").splitlines():
        subject, relation, value = line.split("\t")
        found.append((subject, relation, value))
    return found


def _questions(name: str, memory: TripleMemory) -> list[AskedQuestion]:
    questions = []
    for line in (FOLDER / f"{name}.questions.tsv").read_text(encoding="utf-8").splitlines():
        text, path = line.split("\t")
        before, rest = text.split("[")
        topic, after = rest.split("]")
        relations = [] if path == "none" else path.split(" / ")
        answers = follow(memory, topic, relations)
        questions.append(AskedQuestion(before + MENTION + after, topic, answers, len(relations)))
    return questions


def follow(memory: TripleMemory, topic: str, relations: list[str]) -> frozenset[str]:
    """Answers of a path; the topic is left out from the second hop on."""
    start = memory.entities([topic])
    entities = start
    for hop, relation in enumerate(relations):
        key = 2 * memory.relation_labels.index(relation.removeprefix("^")) + relation.startswith("^")
        entities = memory.follow(entities, np.ones(len(entities), np.float32), key, BUDGET).entities
        if hop > 0:
            entities = entities[entities != start[0]]
    if relations and not len(entities):
        raise ValueError(f"nothing at the end of {relations} from {topic}")
    return frozenset(memory.labels[entity] for entity in entities.tolist()) if relations else frozenset()

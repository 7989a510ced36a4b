"""PathQuestion: questions of two and three hops over pieces of Freebase; for evaluation only, never for training.

Source: Zhou, Huang, Zhu, "An Interpretable Reasoning Network for Multi-Relation Question Answering" (COLING 2018);
no licence stated, so no weights that ship may learn from it. Questions: PQ-2H 1,908, PQ-3H 5,198, PQL-2H 1,594,
PQL-3H 1,031, each with its knowledge base; no published split.
Example: `which nationality is anna 's couple ?<TAB>uk(uk/)<TAB>anna#spouse#ernest#nationality#uk#<end>#uk`.
Scored by whether the first answer is in the gold set.
"""

import lzma
import re
from dataclasses import dataclass
from pathlib import Path

from models.episodes import MENTION

PARTS = {"PQ-2H": "2H-kb", "PQ-3H": "3H-kb", "PQL-2H": "PQL2-KB", "PQL-3H": "PQL3-KB"}


@dataclass(frozen=True, slots=True)
class Question:
    """A line of a question file."""

    text: str  # with the placeholder
    topic: str
    answers: tuple[str, ...]


def load_triples(datasets: Path, part: str) -> list[tuple[str, str, str]]:
    """Read the knowledge base of a part, relation labels with blanks."""
    triples = []
    for line in _lines(datasets / "pathquestion" / f"{PARTS[part]}.txt.xz"):
        subject, relation, value = (field for field in line.split("\t") if field)
        triples.append((subject, re.sub(r"[_/]+", " ", relation).strip(), value))
    return triples


def load_questions(datasets: Path, part: str) -> list[Question]:
    """Read the questions of a part whose topic stands in the text."""
    questions = []
    for line in _lines(datasets / "pathquestion" / f"{part}.txt.xz"):
        text, answers, path = line.split("\t")[:3]
        topic = path.split("#")[0]
        cut = text.strip().replace(topic, MENTION, 1)
        given = answers[answers.index("(") + 1 :].removesuffix(")").strip("/").split("/")
        if MENTION in cut:
            questions.append(Question(cut.replace("_", " "), topic, tuple(given)))
    return questions


def _lines(path: Path) -> list[str]:
    with lzma.open(path, "rt", encoding="utf-8") as file:
        return file.read().splitlines()

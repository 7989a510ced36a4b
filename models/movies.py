"""The movie knowledge base that MetaQA and WikiMovies share, and MetaQA's questions.

Files: the folder `metaqa` of the data sets; 133,582 triples, 43,234 entities, 9 relations. Knows no episodes.
"""

import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

Triple = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of MetaQA's question files, with the type of the question."""

    before: str  # what stands before the topic
    topic: str
    after: str
    answers: tuple[str, ...]
    kind: str


def load_triples(datasets: Path) -> list[Triple]:
    """Read the knowledge base, relation labels with blanks."""
    triples = []
    for line in read_lines(datasets / "metaqa" / "kb.txt.xz"):
        subject, relation, value = line.split("|")
        triples.append((subject, relation.replace("_", " "), value))
    return triples


def load_metaqa(datasets: Path, split: str, hops: int) -> Iterator[Line]:
    """Read MetaQA's questions of `split` (train, dev, test)."""
    folder = datasets / "metaqa" / f"{hops}-hop"
    train = "_reconstructed" if split == "train" else ""
    types = "_reconstructed" if split == "train" and hops == 1 else ""
    lines = read_lines(folder / f"qa_{split}{train}.txt.xz")
    kinds = read_lines(folder / f"qa_{split}{types}_qtype.txt.xz")
    for line, kind in zip(lines, kinds, strict=True):
        text, answers = line.split("\t")
        before, rest = text.split("[", 1)
        topic, after = rest.rsplit("]", 1)
        yield Line(before, topic, after, tuple(answers.split("|")), kind)


def read_lines(path: Path) -> list[str]:
    """Read a packed text file."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        return file.read().splitlines()

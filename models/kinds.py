"""What the entities that a key leads to look like: names, numbers or dates.

Told from labels alone, so that it works on any knowledge base: a relation says "founded", its values say that it is a
year.
"""

import re
from collections.abc import Iterable, Sequence
from enum import IntEnum

from models.numbers import quantity

MOST = 0.8
SAMPLE = 20

_DATE = re.compile(
    r"(1\d|20)\d\d|-?\d{3,4}-\d\d?(-\d\d?.*)?|\d\d?[./]\d\d?[./]\d{2,4}|\d\d? [A-Z][a-z]{2,8}\.? \d{4}|"
    r"[A-Z][a-z]{2,8}\.? (\d\d?(st|nd|rd|th)?,? )?\d{4}|\d+ BCE?"
)


class Kind(IntEnum):
    """What most of the entities that a key leads to look like."""

    UNKNOWN = 0
    NAME = 1
    NUMBER = 2
    DATE = 3
    """A date, or a year."""


def kind_of(labels: Sequence[str]) -> Kind:
    """Tell the kind of most of some labels; UNKNOWN of none."""
    if not labels:
        return Kind.UNKNOWN
    if sum(_DATE.fullmatch(label) is not None for label in labels) >= MOST * len(labels):
        return Kind.DATE
    if sum(quantity(label) is not None for label in labels) >= MOST * len(labels):
        return Kind.NUMBER
    return Kind.NAME


def kinds_of_keys(facts: Iterable[tuple[str, int, str]], num_relations: int) -> list[Kind]:
    """Tell the kind of every key from facts (subject's label, relation, object's label), a sample of them or all.

    The list has two a relation: of its objects, then of its subjects. No more than `SAMPLE` labels are kept of each.
    """
    labels: list[dict[str, None]] = [{} for _ in range(2 * num_relations)]
    for subject, relation, value in facts:
        for key, label in ((2 * relation, value), (2 * relation + 1, subject)):
            if len(labels[key]) < SAMPLE:
                labels[key][label] = None
    return [kind_of(list(seen)) for seen in labels]

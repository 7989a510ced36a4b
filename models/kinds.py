"""What the entities that a key leads to look like: names, numbers or dates.

Told from labels alone, so that it works on any knowledge base: a relation says "founded", its values say that it is a
year.
"""

import re
from collections.abc import Sequence
from enum import IntEnum

from models.numbers import quantity

MOST = 0.8

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

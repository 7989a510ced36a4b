"""What the entities that a key leads to look like: names, numbers or dates.

Told from labels alone, so that it works on any knowledge base: a relation says "founded", its values say that it is a
year.
"""

import re
from collections.abc import Sequence
from enum import IntEnum

from models.numbers import DATE, quantity

MOST = 0.8

_YEAR = re.compile(
    r"(1\d|20)\d\d|\d\d?[./]\d\d?[./]\d\d|"
    r"(?:spring|summer|autumn|fall|winter|easter|christmas|early|mid|late|about|around|term|season) (1\d|20)\d\d",
    re.IGNORECASE,
)
"""A mere year, and dates that are not exact enough to be compared: `4/5/16`, `Spring 2016`; no `Patient 1001`."""


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
    quantities = [quantity(label) for label in labels]
    dated = zip(labels, quantities, strict=True)
    if sum(bool(_YEAR.fullmatch(label) or (one and one.measure == DATE)) for label, one in dated) >= MOST * len(labels):
        return Kind.DATE
    if sum(one is not None for one in quantities) >= MOST * len(labels):
        return Kind.NUMBER
    return Kind.NAME

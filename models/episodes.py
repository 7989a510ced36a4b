"""What a network learns from: a question, and at each hop the keys in reach with the right one among them.

Pure values: no tensors, no files. Tasks make episodes, batching turns them into tensors.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from random import Random
from typing import NamedTuple, Protocol

MENTION = "\N{OBJECT REPLACEMENT CHARACTER}"
"""Stands in a question where the topic entity was named."""

FORWARD = 0
"""Direction of a key read from subject to object."""

INVERSE = 1
"""Direction of a key read from object to subject."""


class End(IntEnum):
    """What a reader may choose instead of a key."""

    STOP = 0
    """The entities reached are the answer; not possible before the first hop."""
    REJECT = 1
    """Nothing in reach fits what the question asks."""


class Kind(IntEnum):
    """What the entities that a key leads to look like."""

    UNKNOWN = 0
    NAME = 1
    NUMBER = 2
    DATE = 3
    """A date, or a year."""


class LabelledKey(NamedTuple):
    """A relation, by its label, read in one direction, and the kind of what it leads to."""

    label: str
    direction: int
    kind: Kind = Kind.UNKNOWN


@dataclass(frozen=True, slots=True)
class Choice:
    """One hop: the keys in reach and what to choose; `gold` is an `End` or one of the keys in reach."""

    reach: tuple[LabelledKey, ...]
    gold: LabelledKey | End


@dataclass(frozen=True, slots=True)
class PathEpisode:
    """A question with its topic replaced by `MENTION`, and the choices that lead to its answers.

    The last choice is an `End`, except where the path is as long as a reader ever goes.
    """

    question: str
    choices: tuple[Choice, ...]


_NUMBER = re.compile(r"[-+~]?[$€£]?\d[\d.,' ]*(%|[^\W\d]{1,3}\d?)?")
_DATE = re.compile(r"(1\d|20)\d\d|-?\d{3,4}-\d\d?(-\d\d?.*)?|\d\d?[./]\d\d?[./]\d{2,4}|\d\d? [A-Z][a-z]{2,8}\.? \d{4}")
MOST = 0.8


def kind_of(labels: Sequence[str]) -> Kind:
    """Tell the kind of most of some labels, of what one key leads to; UNKNOWN of none."""
    if not labels:
        return Kind.UNKNOWN
    if sum(_DATE.fullmatch(label) is not None for label in labels) >= MOST * len(labels):
        return Kind.DATE
    if sum(_NUMBER.fullmatch(label) is not None for label in labels) >= MOST * len(labels):
        return Kind.NUMBER
    return Kind.NAME


class PathTask(Protocol):
    """A source of episodes; the same state of `random` gives the same episode."""

    name: str

    def episode(self, random: Random) -> PathEpisode:
        """Draw one episode."""
        ...


def path_episode(
    question: str, path: Sequence[LabelledKey], reaches: Sequence[Sequence[LabelledKey]], max_hops: int
) -> PathEpisode:
    """Build the episode of a gold path; `reaches` has one entry a hop and one more for the entities it ends in."""
    golds: list[LabelledKey | End] = [*path, End.STOP]
    choices = [Choice(tuple(dict.fromkeys(reach)), gold) for reach, gold in zip(reaches, golds, strict=True)]
    return PathEpisode(question, tuple(choices[:max_hops]))


def rejection(question: str, reach: Sequence[LabelledKey]) -> PathEpisode:
    """Build the episode of a question that nothing in reach fits."""
    return PathEpisode(question, (Choice(tuple(dict.fromkeys(reach)), End.REJECT),))

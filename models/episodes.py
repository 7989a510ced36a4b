"""What a network learns from: a question, and at each hop the keys in reach with the right one among them.

Pure values: no tensors, no files. Tasks make episodes, batching turns them into tensors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from random import Random
from typing import NamedTuple, Protocol

from models.kinds import Kind

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

"""What a network learns from: a memory, a question and its answer.

For the service's reader: a question, and at each hop the keys in reach with the right one among them.
Pure values: no tensors, no files. Tasks make episodes, batching turns them into tensors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import lru_cache
from random import Random
from typing import NamedTuple, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from models.profiles import Profile

Words = tuple[str, ...]
Picture = NDArray[np.uint8]  # rows columns colours


class Split(StrEnum):
    """A part of a data set; what is chosen is chosen on `valid`."""

    train = "train"
    valid = "valid"
    test = "test"


@dataclass(frozen=True, slots=True)
class KeyValue:
    """A slot that is addressed by the words of its key and returns its value."""

    key: Words
    value: str


@dataclass(frozen=True, slots=True)
class Episode:
    """A memory, a question and its answer.

    `memory` is a tuple of slots in order (sentences, single words, or keys with values), or a picture. `answers` holds
    the one right label; or all right ones, any of which will do; or one label for each slot, where the network gives a
    sequence. `supporting` numbers the slots that prove the answer, in the order in which they are to be read.
    """

    memory: tuple[Words, ...] | tuple[KeyValue, ...] | Picture
    question: Words
    answers: Words
    supporting: tuple[int, ...] = ()


class Windows(Sequence[Episode]):
    """A text as episodes: runs of words, each word to be told from the `width` words before it.

    The memory of a run has the windows of all its answers: the words before the first, and the answers but the last.
    The last run of a text may begin inside the one before it; what was asked there has empty labels and is not asked.
    """

    def __init__(self, text: Words, width: int, run: int = 1) -> None:
        self.text = text
        self.width = width
        self.run = run

    def __len__(self) -> int:
        return -(-(len(self.text) - 1) // self.run)

    @overload
    def __getitem__(self, at: int) -> Episode: ...
    @overload
    def __getitem__(self, at: slice) -> list[Episode]: ...
    def __getitem__(self, at: int | slice) -> Episode | list[Episode]:
        if isinstance(at, slice):
            return [self[row] for row in range(*at.indices(len(self)))]
        first = 1 + range(len(self))[at] * self.run
        start = max(1, min(first, len(self.text) - self.run))
        end = min(start + self.run, len(self.text))
        memory = tuple((word,) for word in self.text[max(0, start - self.width) : end - 1])
        return Episode(memory, (), ("",) * (first - start) + self.text[first:end])


MENTION = "\N{OBJECT REPLACEMENT CHARACTER}"
"""Stands in a question where the topic entity was named; twice where one of two topics is asked for.

A question without it starts from everything there is.
"""

OTHER = "\N{INTERLINEAR ANNOTATION ANCHOR}"
"""Stands in a question where an entity was named that is not the topic: what a condition is about."""

VALUE = "\N{INTERLINEAR ANNOTATION SEPARATOR}"
"""Stands in a question for a number or a date to compare with."""

MAX_READS = 3
"""A path never goes to values more often than this."""

MAX_STEPS = 4
"""A path never has more hops, those that keep included."""

UNSAID_COST = 1.5
"""How much less (in log) a key is worth that comes in reach only by a step which the question does not speak of."""

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


class Manner(IntEnum):
    """What a hop does with the facts of a key."""

    READ = 0
    """Go to their values."""
    KEEP = 1
    """Keep the entities with a value that the question names: an `OTHER`, or one equal to a `VALUE`."""
    ABOVE = 2
    """Keep those whose value is more, or later, than a `VALUE` or the value of an `OTHER`.

    Of a key whose values are no numbers or dates, their number is compared; so in all that follow.
    """
    BELOW = 3
    """Keep those whose value is less, or earlier."""
    MOST = 4
    """Keep those whose value is the most, or the latest."""
    LEAST = 5
    """Keep those whose value is the least, or the earliest."""


class Asked(IntEnum):
    """What is wanted of the entities that a path ends in."""

    ENTITIES = 0
    COUNT = 1
    """How many they are."""
    WHETHER = 2
    """Whether there are any."""


class LabelledKey(NamedTuple):
    """A relation, by its label, read in one direction, and what it leads to and is read from look like."""

    label: str
    direction: int
    profile: Profile = Profile()
    holders: Profile = Profile()


@dataclass(frozen=True, slots=True)
class Choice:
    """One hop: the keys in reach and what to choose; `gold` is an `End` or one of the keys, used in a `manner`.

    `further` pairs keys in reach with those that come in reach by reading them, and are not in reach without; empty
    where that is not known.
    """

    reach: tuple[LabelledKey, ...]
    gold: LabelledKey | End
    manner: Manner = Manner.READ
    further: tuple[tuple[LabelledKey, LabelledKey], ...] = ()


@dataclass(frozen=True, slots=True)
class PathEpisode:
    """A question with its topic replaced by `MENTION`, and the choices that lead to its answers.

    The last choice is an `End`, except where the path is as long as a reader ever goes.
    """

    question: str
    choices: tuple[Choice, ...]
    asked: Asked = Asked.ENTITIES


@lru_cache(1024)
def manners(question: str, hop: int) -> tuple[Manner, ...]:
    """Say in which manners a hop may use a key, by what stands in the question."""
    topics = question.count(MENTION)
    possible = []
    if hop < MAX_READS and (topics or hop):
        possible.append(Manner.READ)
    if OTHER in question or VALUE in question:
        possible += [Manner.KEEP, Manner.ABOVE, Manner.BELOW]
    if hop or topics != 1:
        possible += [Manner.MOST, Manner.LEAST]
    return tuple(possible)


class PathTask(Protocol):
    """A source of episodes; the same state of `random` gives the same episode."""

    name: str

    def episode(self, random: Random) -> PathEpisode:
        """Draw one episode."""
        ...


def path_episode(question: str, path: Sequence[LabelledKey], reaches: Sequence[Sequence[LabelledKey]]) -> PathEpisode:
    """Build the episode of a gold path; `reaches` has one entry a hop and one more for the entities it ends in."""
    golds: list[LabelledKey | End] = [*path, End.STOP]
    choices = [Choice(tuple(dict.fromkeys(reach)), gold) for reach, gold in zip(reaches, golds, strict=True)]
    return PathEpisode(question, tuple(choices[:MAX_STEPS]))


def rejection(
    question: str, reach: Sequence[LabelledKey], further: Sequence[tuple[LabelledKey, LabelledKey]] = ()
) -> PathEpisode:
    """Build the episode of a question that nothing in reach fits, nor what comes in reach by it."""
    return PathEpisode(question, (Choice(tuple(dict.fromkeys(reach)), End.REJECT, further=tuple(further)),))


def without_key(episode: PathEpisode, random: Random) -> PathEpisode:
    """Take the gold key of one hop away: nothing in reach fits there."""
    at = random.randrange(sum(isinstance(choice.gold, LabelledKey) for choice in episode.choices))
    choice = episode.choices[at]
    left = tuple(key for key in choice.reach if key != choice.gold)
    further = tuple(pair for pair in choice.further if choice.gold not in pair)
    choices = (*episode.choices[:at], Choice(left, End.REJECT, further=further))
    return PathEpisode(episode.question, choices, episode.asked)

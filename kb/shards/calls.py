"""Calls of shards: scattered over those that have what is asked for, gathered in the order of what was asked.

A shard that does not answer in time costs its deadline, not the answer: its range is read here, from the same files.
So an answer is whole or there is none; it is never one of a part of the facts.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from kb.graph import LongArray
from kb.names import HashArray
from kb.shards.cuts import Cuts, owners
from kb.shards.shard import Shard


class Call(NamedTuple):
    """A method of a shard, with its arguments."""

    shard: int
    verb: str
    arguments: tuple[Any, ...]


class Missing:
    """Stands for the reply of a shard that gave none in time."""


MISSING = Missing()


class Shards(Protocol):
    """The shards of one generation, wherever they are."""

    def ask(self, calls: Sequence[Call]) -> list[Any]:
        """The reply to each call, `MISSING` where none came in time; never raises."""
        ...


class Part(NamedTuple):
    """What one shard replied, and the places of what it was asked for among all that was."""

    places: LongArray
    reply: Any


class Calls:
    """Asks all the shards of a generation."""

    def __init__(self, shards: Shards, here: Shard, cuts: Cuts) -> None:
        """Ask `shards`, and `here` for what they do not say."""
        self.cuts = cuts
        self._shards = shards
        self._here = here

    def ask(self, calls: Sequence[Call]) -> list[Any]:
        """The reply to each call."""
        replies = self._shards.ask(calls)
        return [
            self._here.answer(call.verb, call.arguments) if isinstance(reply, Missing) else reply
            for call, reply in zip(calls, replies, strict=True)
        ]

    def scatter(self, verb: str, bounds: LongArray | HashArray, numbers: Any, *arguments: object) -> list[Part]:  # noqa: ANN401
        """Ask each shard about the numbers that are in its range."""
        places, calls = self.scattered(verb, bounds, numbers, *arguments)
        return [Part(*pair) for pair in zip(places, self.ask(calls), strict=True)]

    def scattered(
        self,
        verb: str,
        bounds: LongArray | HashArray,
        numbers: Any,  # noqa: ANN401 - an array of any integers
        *arguments: object,
    ) -> tuple[list[LongArray], list[Call]]:
        """The calls that ask each shard about the numbers in its range, and the places of these."""
        of = owners(bounds, numbers)
        places = [np.flatnonzero(of == shard) for shard in range(self.cuts.num_shards)]
        found = [(shard, there) for shard, there in enumerate(places) if len(there)]
        calls = [Call(shard, verb, (numbers[there], *arguments)) for shard, there in found]
        return [there for _, there in found], calls

    def by_hash(self, verb: str, hashes: Any, *arguments: object) -> list[Part]:  # noqa: ANN401 - an array
        """Ask each shard about the hashes that are in its range."""
        bounds: HashArray = np.concatenate((np.zeros(1, np.uint64), self.cuts.hashes, np.zeros(1, np.uint64)))
        return self.scatter(verb, bounds, hashes, *arguments)

    def each(self, verb: str, *arguments: object) -> list[Any]:
        """Ask every shard about all of its range; the replies in the order of the ranges."""
        return self.ask([Call(shard, verb, (shard, *arguments)) for shard in range(self.cuts.num_shards)])

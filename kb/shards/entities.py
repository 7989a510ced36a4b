"""Entities and facts by position, asked of shards and remembered."""

from typing import NamedTuple

import numpy as np

from kb.graph import IntArray
from kb.shards.calls import Calls
from kb.shards.remembered import Remembered
from kb.source import NO_PLACES, Fact

REMEMBERED = 200_000
"""Entities, and facts."""
MANY = 20_000
"""More at once are not remembered: they would drive out all others."""


class Card(NamedTuple):
    """What is known of an entity, beside its facts."""

    id: int
    is_literal: bool
    degree: int
    label: str


class ShardedEntities:
    """The entities and facts of a generation, one by one."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._cards: Remembered[int, Card] = Remembered(REMEMBERED)
        self._facts: Remembered[int, Fact] = Remembered(REMEMBERED)

    def expect(self, entities: IntArray, triples: IntArray = NO_PLACES) -> None:
        """Ask for what is not known of these entities and facts, all at once."""
        cuts = self._calls.cuts
        unknown = [entity for entity in dict.fromkeys(entities[:MANY].tolist()) if self._cards.get(entity) is None]
        strange = [triple for triple in dict.fromkeys(triples[:MANY].tolist()) if self._facts.get(triple) is None]
        wanted, facts = np.array(unknown, np.int32), np.array(strange, np.int32)
        places, calls = self._calls.scattered("cards", cuts.entities, wanted)
        of_facts, calls_of_facts = self._calls.scattered("facts", cuts.triples, facts)
        if not calls and not calls_of_facts:
            return
        replies = self._calls.ask([*calls, *calls_of_facts])
        for there, (ids, literals, degrees, labels) in zip(places, replies, strict=False):
            rows = zip(ids.tolist(), literals.tolist(), degrees.tolist(), labels, strict=True)
            for entity, row in zip(wanted[there].tolist(), rows, strict=True):
                self._cards.put(entity, Card(*row))
        for there, found in zip(of_facts, replies[len(calls) :], strict=True):
            for triple, fact in zip(facts[there].tolist(), found, strict=True):
                self._facts.put(triple, Fact(*fact))

    def card(self, entity: int) -> Card:
        """What is known of an entity."""
        found = self._cards.get(entity)
        if found is None:
            self.expect(np.array([entity], np.int32))
            found = self._cards.get(entity)
        return found or self._asked(entity)

    def fact(self, triple: int) -> Fact:
        """The fact at a triple position."""
        found = self._facts.get(triple)
        if found is None:
            (part,) = self._calls.scatter("facts", self._calls.cuts.triples, np.array([triple], np.int32))
            found = Fact(*part.reply[0])
            self._facts.put(triple, found)
        return found

    def _asked(self, entity: int) -> Card:
        """What is known of an entity, where others drove it out at once."""
        (part,) = self._calls.scatter("cards", self._calls.cuts.entities, np.array([entity], np.int32))
        return Card(*(column[0] for column in part.reply))

"""One step of a path: what a key, used in some manner, makes of a set of entities.

Pure over a `KeyValueMemory`; knows no network and no question. Facts of a step prove it: the one that led to each
entity where it reads, the one by which each entity is kept where it keeps.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.episodes import Manner
from models.kinds import Kind
from models.memory import Facts, FloatArray, Hop, HopRead, IntArray, KeyValueMemory
from models.numbers import Quantity, are_comparable, is_more, is_same, order, quantity

COMPARED_FACTS = 200_000
"""More facts than these are not compared: a superlative over a part of them would be a guess."""
ORDERED = (Kind.NUMBER, Kind.DATE)
_BOTH_WAYS = re.compile(
    r"(?:shares? (?:an? )?border with|borders?|bordering|bordered by|neighbou?r(?:s|ing)?(?: of)?|"
    r"(?:is )?(?:adjacent|next) to|adjoins|spouse(?: of)?|(?:is )?married(?: to)?|sibling(?: of)?|"
    r"(?:is )?twinned with|twin|twin (?:city|town)|sister city|friend(?: of|s with)?|"
    r"(?:is )?allied with|ally(?: of)?|rival(?: of)?|interacts with|cousin(?: of)?|colleague(?: of)?|"
    r"(?:is )?related to|same as)",
    re.IGNORECASE,
)
BoolArray = NDArray[np.bool_]
LongArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Argument:
    """What a question names beside its topic: the entities that a name may mean, or a number or date, or both.

    `inclusive` says that what equals it is meant as well ("at least"); `left_out` is what a chain is worth that does
    nothing with it.
    """

    text: str
    entities: IntArray
    quantity: Quantity | None = None
    inclusive: bool = False
    left_out: float = 0.3


@dataclass(frozen=True, slots=True)
class Start:
    """A set of entities to go on from; without one, everything there is."""

    entities: IntArray
    weights: FloatArray
    is_everything: bool = False


@lru_cache(64)
def both_ways(labels: tuple[str, ...]) -> frozenset[int]:
    """The relations, by place, that hold both ways, whichever way they are said: borders, spouses."""
    return frozenset(place for place, label in enumerate(labels) if _BOTH_WAYS.fullmatch(label.strip()))


class Stepper:
    """Takes steps over one memory.

    `kinds` has one for each key, `both_ways` the relations that hold both ways, `units` what those measure that say so.
    """

    def __init__(
        self,
        memory: KeyValueMemory,
        kinds: Sequence[Kind],
        budget: int,
        both_ways: frozenset[int] = frozenset(),
        units: Mapping[int, tuple[str, float]] | None = None,
    ) -> None:
        self._memory = memory
        self._kinds = kinds
        self._budget = budget
        self._both_ways = both_ways
        self._units = units or {}

    def take(
        self, start: Start, key: int, manner: Manner, argument: Argument | None, beside: int | None = None
    ) -> Hop | None:
        """Take a step, a read by the key `beside` too; None where the key has no facts to go by."""
        if manner is Manner.READ:
            return self._follow(start.entities, start.weights, key, *([] if beside is None else [beside]))
        if start.is_everything:
            holders = self._memory.holders(key, COMPARED_FACTS + 1)
            if manner is Manner.KEEP and key // 2 in self._both_ways:
                holders = np.union1d(holders, self._memory.holders(key ^ 1, COMPARED_FACTS + 1))
            if len(holders) > COMPARED_FACTS:
                return None
            start = Start(holders, np.ones(len(holders), np.float32))
        if manner is Manner.KEEP:
            assert argument is not None
            return self._keep(start, key, argument)
        return self._compare(start, key, manner, argument)

    def having(self, start: Start, key: int) -> HopRead:
        """Keep those that have any fact of a key, each with the first of them."""
        rows = self._memory.facts_of(start.entities, key, self._budget)
        return _first_facts(start, rows, np.ones(len(rows.owners), np.bool_))

    def compares_counts(self, key: int, manner: Manner) -> bool:
        """Say whether a step compares numbers of values, because the values themselves have no order."""
        return manner not in (Manner.READ, Manner.KEEP) and self._kinds[key] not in ORDERED

    def _follow(self, entities: IntArray, weights: FloatArray, *keys: int) -> Hop:
        back = [key ^ 1 for key in keys if key // 2 in self._both_ways]
        first, *others = (self._memory.follow(entities, weights, key, self._budget) for key in (*keys, *back))
        for other in others:
            new = ~np.isin(other.entities, first.entities)
            first = HopRead(
                np.concatenate([first.entities, other.entities[new]]),
                np.concatenate([first.weights, other.weights[new]]),
                np.concatenate([first.facts, other.facts[new]]),
                first.facts_read + other.facts_read,
            )
        return first

    def _keep(self, start: Start, key: int, argument: Argument) -> HopRead | None:
        ones = np.ones(len(argument.entities), np.float32)
        found = self._follow(argument.entities, ones, key ^ 1) if len(argument.entities) else None
        if found is not None and len(found.entities):
            places = {entity: at for at, entity in enumerate(found.entities.tolist())}
            kept = [(at, places[one]) for at, one in enumerate(start.entities.tolist()) if one in places]
            if kept:
                ats, facts = (np.array(column, np.int64) for column in zip(*kept, strict=True))
                return _kept(start, ats, found.facts[facts], found.facts_read)
        rows = self._memory.facts_of(start.entities, key, self._budget)
        if not len(rows.targets):
            return None
        wanted = argument.quantity
        if wanted is None:
            return _kept(start, np.empty(0, np.int64), np.empty(0, np.int32), len(rows.targets))
        targets, rows_of = np.unique(rows.targets, return_inverse=True)
        equal = np.array([_is_equal(one, wanted) for one in self._quantities(targets, key)], np.bool_)
        return _first_facts(start, rows, equal[rows_of])

    def _compare(self, start: Start, key: int, manner: Manner, argument: Argument | None) -> HopRead | None:
        rows = self._memory.facts_of(start.entities, key, COMPARED_FACTS + 1)
        if not 0 < len(rows.targets) <= COMPARED_FACTS:
            return None
        limit = self._limit(key, argument) if argument is not None else None
        if self.compares_counts(key, manner):
            is_inclusive = argument is not None and argument.inclusive
            return self._compare_counts(start, rows, manner, limit, is_inclusive)
        targets, places = np.unique(rows.targets, return_inverse=True)
        quantities = self._quantities(targets, key)
        if argument is None:
            fits = _extreme(quantities, manner)
        elif limit is None or not any(one is not None and are_comparable(one, limit) for one in quantities):
            return None
        else:
            fits = np.array([one is not None and _fits(one, limit, manner, argument.inclusive) for one in quantities])
        return _first_facts(start, rows, fits[places]) if any(quantities) else None

    def _compare_counts(
        self, start: Start, rows: Facts, manner: Manner, limit: Quantity | None, inclusive: bool
    ) -> HopRead | None:
        counts = np.bincount(rows.owners, minlength=len(start.entities))
        if manner in (Manner.MOST, Manner.LEAST):
            best = counts.max() if manner is Manner.MOST else counts[counts > 0].min()
            return _first_facts(start, rows, (counts == best)[rows.owners])
        if limit is None:
            return None
        fits = counts > limit.value if manner is Manner.ABOVE else counts < limit.value
        fits |= inclusive & (counts == limit.value)
        fits &= counts > 0
        return _first_facts(start, rows, fits[rows.owners])

    def _limit(self, key: int, argument: Argument) -> Quantity | None:
        """What to compare with: the quantity named, or the value that the entity named has."""
        if argument.quantity is not None:
            return argument.quantity
        rows = self._memory.facts_of(argument.entities, key, self._budget)
        if self._kinds[key] not in ORDERED:
            return Quantity(float(len(rows.targets)))
        return next((one for one in self._quantities(rows.targets, key) if one is not None), None)

    def _quantities(self, entities: IntArray, key: int) -> list[Quantity | None]:
        """The quantities that a key leads to; those without a unit have that of its relation's label."""
        found = [quantity(label) for label in self._memory.labels_of(entities)]
        if key // 2 not in self._units:
            return found
        measure, scale = self._units[key // 2]
        return [one._replace(scale=scale, measure=measure) if one and one.measure is None else one for one in found]


def _extreme(quantities: Sequence[Quantity | None], manner: Manner) -> BoolArray:
    """Say which quantities are the most, or the least."""
    known = [one for one in quantities if one is not None]
    if not known:
        return np.zeros(len(quantities), np.bool_)
    values = np.full(len(quantities), np.nan)
    values[[one is not None for one in quantities]] = order(known)
    best = np.nanmax(values) if manner is Manner.MOST else np.nanmin(values)
    extreme: BoolArray = values == best
    return extreme


def _is_equal(one: Quantity | None, wanted: Quantity) -> bool:
    return one is not None and are_comparable(one, wanted) and is_same(one, wanted)


def _fits(one: Quantity, limit: Quantity, manner: Manner, inclusive: bool) -> bool:
    if not are_comparable(one, limit):
        return False
    if inclusive and is_same(one, limit):
        return True
    return is_more(one, limit) if manner is Manner.ABOVE else is_more(limit, one)


def _first_facts(start: Start, rows: Facts, fits: BoolArray) -> HopRead:
    """Keep the owners of the facts that fit, each with the first of them."""
    owners, first = np.unique(rows.owners[fits], return_index=True)
    return _kept(start, owners, rows.triples[fits][first], len(rows.targets))


def _kept(start: Start, ats: LongArray, facts: IntArray, facts_read: int) -> HopRead:
    return HopRead(start.entities[ats], start.weights[ats], facts, facts_read)

"""Facts as sorted arrays: for every entity its keys, for every key its values, in both directions.

Knows positions only: no labels, no files, no SQL. The arrays may be memory-mapped; nothing here writes to them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int32]
LongArray = NDArray[np.int64]
IdArray = IntArray | LongArray
FloatArray = NDArray[np.float32]

FORWARD, INVERSE = 0, 1
FEW_RELATIONS = 32
"""Of so many relations the facts are looked for one relation after the other; of more, all facts are sorted."""
_TRUE = np.ones(1, bool)
_NOTHING = np.empty(0, np.int32)
_NONE = np.empty(0, np.int64)


class Hop(NamedTuple):
    """What one hop reaches: distinct targets in the order of their first fact, that fact, and how much was read."""

    entities: IntArray
    weights: FloatArray
    facts: IntArray
    facts_read: int


class Rows(NamedTuple):
    """Facts read for a set of entities: which of the entities, its target, and the fact's position."""

    owners: LongArray
    targets: IntArray
    triples: IntArray

    @property
    def num_facts(self) -> int:
        """The number of facts read."""
        return len(self.targets)


NOWHERE = Hop(np.empty(0, np.int32), np.empty(0, np.float32), np.empty(0, np.int32), 0)
NO_ROWS = Rows(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int32))


@dataclass(frozen=True, slots=True)
class FactGraph:
    """Triples in KB order, and groups of facts, one group for each (entity, key) that has any.

    A group is found by binary search of `entity * num_keys + key` in `codes`, so that neither an array as long as
    the entities is needed, nor is anything touched beyond the groups asked for.
    """

    num_keys: int
    subjects: IntArray
    relations: IntArray
    objects: IntArray
    codes: LongArray
    starts: LongArray
    targets: IntArray
    triples: IntArray

    @classmethod
    def build(cls, subjects: IntArray, relations: IntArray, objects: IntArray, num_relations: int) -> "FactGraph":
        """Sort the triples (in KB order) into groups; n log n, about 40 bytes a triple in passing."""
        num_keys = 2 * num_relations
        count = len(subjects)
        every = np.empty(2 * count, np.int64)
        every[:count] = subjects.astype(np.int64) * num_keys + 2 * relations
        every[count:] = objects.astype(np.int64) * num_keys + (2 * relations + 1)
        order = np.argsort(every, kind="stable").astype(np.int32)
        every = every[order]
        is_first = np.empty(2 * count, bool)
        is_first[:1] = True
        np.not_equal(every[1:], every[:-1], out=is_first[1:])
        starts = np.flatnonzero(is_first)
        is_forward = order < count
        triples = np.where(is_forward, order, order - np.int32(count))
        targets = np.where(is_forward, objects[triples], subjects[triples])
        return cls(
            num_keys=num_keys,
            subjects=subjects,
            relations=relations,
            objects=objects,
            codes=every[starts],
            starts=np.append(starts, 2 * count).astype(np.int64),
            targets=targets,
            triples=triples,
        )

    @property
    def num_triples(self) -> int:
        """The number of facts, each counted once."""
        return len(self.subjects)

    def groups_of(self, entity: int) -> tuple[int, int]:
        """The half-open range of groups of one entity."""
        low = entity * self.num_keys
        return int(self.codes.searchsorted(low)), int(self.codes.searchsorted(low + self.num_keys))

    def degree(self, entity: int) -> int:
        """The number of facts at one entity; a fact from an entity to itself counts twice."""
        first, last = self.groups_of(entity)
        return int(self.starts[last] - self.starts[first])

    def keys_at(self, entity: int) -> IntArray:
        """The keys of one entity, sorted."""
        first, last = self.groups_of(entity)
        return (self.codes[first:last] - entity * self.num_keys).astype(np.int32)

    def reach(self, entities: IntArray) -> tuple[LongArray, LongArray]:
        """Every group of the entities, one entity after the other, and the key of each."""
        groups = self.entity_groups(entities)
        return groups, self.keys(groups)

    def one(self, entity: int, key: int, budget: int) -> tuple[IntArray, IntArray]:
        """Targets and fact positions of one entity's key, at most `budget` of them."""
        group = self.group(entity, key)
        return (_NOTHING, _NOTHING) if group < 0 else self.read_one(group, budget)

    def rows(self, entities: IntArray, key: int, budget: int) -> tuple[Rows, int]:
        """The facts of a key at the entities, at most `budget` of them, and how many there are."""
        return self._read(self.groups(entities, key), budget)

    def holders(self, key: int, most: int, first: int = 0, last: int | None = None) -> tuple[LongArray, IntArray]:
        """The first groups of a key, in a half-open range of groups, and their entities; looks at all of the range."""
        num_keys = max(self.num_keys, 1)
        groups = first + np.flatnonzero(self.codes[first:last] % num_keys == key)[:most]
        return groups, (self.codes[groups] // num_keys).astype(np.int32)

    def relation_counts(self, first: int, last: int) -> LongArray:
        """The number of facts of each relation, in a half-open range of triples."""
        counts: LongArray = np.bincount(self.relations[first:last], minlength=self.num_keys // 2)
        return counts

    def sampled(
        self, picks: Sequence[LongArray], first: int, last: int, deleted: LongArray = _NONE
    ) -> tuple[IntArray, IntArray]:
        """Subjects and objects of some facts of each relation, by their place among its facts in a range of triples.

        Facts that are `deleted`, of whatever range, have no place.
        """
        relations = self.relations[first:last]
        wanted = [relation for relation, pick in enumerate(picks) if len(pick)]
        if len(wanted) <= FEW_RELATIONS:
            order = np.concatenate([_NONE, *(np.flatnonzero(relations == relation) for relation in wanted)])
        else:
            order = np.argsort(relations, kind="stable")
        if len(deleted):
            is_left = np.ones(last - first, bool)
            is_left[deleted[(deleted >= first) & (deleted < last)] - first] = False
            order = order[is_left[order]]
        starts = relations[order].searchsorted(np.arange(len(picks)))
        picked = [start + pick for start, pick in zip(starts, picks, strict=True)]
        places = first + order[np.concatenate([_NONE, *picked])]
        return self.subjects[places].astype(np.int32), self.objects[places].astype(np.int32)

    def expect(self, sets: Sequence[IntArray]) -> None:
        """Nothing to do: it is all here."""

    def group(self, entity: int, key: int) -> int:
        """The group of one entity's key, or -1."""
        if key >= self.num_keys:
            return -1
        code = entity * self.num_keys + key
        group = int(self.codes.searchsorted(code))
        return group if group < len(self.codes) and self.codes[group] == code else -1

    def groups(self, entities: IntArray, key: int) -> LongArray:
        """The group of each entity's key, -1 where it has none."""
        if key >= self.num_keys or not len(self.codes):
            return np.full(len(entities), -1, np.int64)
        codes = entities.astype(np.int64) * self.num_keys + key
        groups = np.minimum(self.codes.searchsorted(codes), len(self.codes) - 1)
        return np.where(self.codes[groups] == codes, groups, -1)

    def entity_groups(self, entities: IntArray) -> LongArray:
        """Every group of the entities, one entity after the other."""
        low = entities.astype(np.int64) * self.num_keys
        return expand(self.codes.searchsorted(low), self.codes.searchsorted(low + self.num_keys))

    def keys(self, groups: LongArray) -> LongArray:
        """The key of each group."""
        return self.codes[groups] % max(self.num_keys, 1)

    def sizes(self, groups: LongArray) -> LongArray:
        """The number of facts of each group (-1: none)."""
        return np.where(groups < 0, 0, self.starts[groups + 1] - self.starts[groups])

    def read(self, groups: LongArray, budget: int) -> Rows:
        """The facts of the groups, one group after the other, cut when `budget` facts are read.

        Owners are places in `groups`.
        """
        return self._read(groups, budget)[0]

    def _read(self, groups: LongArray, budget: int) -> tuple[Rows, int]:
        found = np.flatnonzero(groups >= 0)
        starts = self.starts[groups[found]]
        ends = self.starts[groups[found] + 1]
        total = np.cumsum(ends - starts)
        count = int(total[-1]) if len(total) else 0
        if count > budget:
            kept = int(total.searchsorted(budget)) + 1
            found, starts, ends = found[:kept], starts[:kept], ends[:kept].copy()
            ends[-1] -= int(total[kept - 1]) - budget
        rows = expand(starts, ends)
        return Rows(np.repeat(found, ends - starts), self.targets[rows], self.triples[rows]), count

    def read_one(self, group: int, budget: int) -> tuple[IntArray, IntArray]:
        """Targets and fact positions of one group, at most `budget` of them."""
        start = int(self.starts[group])
        end = min(int(self.starts[group + 1]), start + budget)
        return self.targets[start:end], self.triples[start:end]

    def arrays(self) -> Iterator[tuple[str, NDArray[np.generic]]]:
        """The arrays by name, as a generation stores them."""
        for name in ("subjects", "relations", "objects", "codes", "starts", "targets", "triples"):
            yield name, getattr(self, name)


def expand(starts: LongArray, ends: LongArray) -> LongArray:
    """The numbers of every half-open range, one range after the other."""
    lengths = ends - starts
    stops = np.cumsum(lengths)
    total = int(stops[-1]) if len(stops) else 0
    return np.repeat(starts - (stops - lengths), lengths) + np.arange(total)


def merge_targets(rows: Rows, weights: FloatArray) -> Hop:
    """Distinct targets in first-fact order, each with the summed weights of the owners that lead to it.

    Sorts packed numbers rather than by `argsort`: three times faster, and this is the inner loop of every hop.
    """
    if not rows.num_facts:
        return NOWHERE
    packed, order = _sorted_with_order(rows.targets)
    starts = np.flatnonzero(np.concatenate((_TRUE, packed[1:] != packed[:-1])))
    sums = np.add.reduceat(weights[rows.owners[order]], starts)
    first_facts = np.minimum.reduceat(rows.triples[order], starts)
    _, by_first_fact = _sorted_with_order(first_facts)
    return Hop(
        packed[starts[by_first_fact]].astype(np.int32),
        sums[by_first_fact].astype(np.float32, copy=False),
        first_facts[by_first_fact],
        rows.num_facts,
    )


def _sorted_with_order(numbers: IntArray) -> tuple[LongArray, LongArray]:
    packed = (numbers.astype(np.int64) << 32) | np.arange(len(numbers))
    packed.sort()
    return packed >> 32, packed & 0xFFFFFFFF

"""What a view reads of a generation: all of it in this process (`Whole`), or part by part from shards (`kb.shards`).

Everything is addressed by the positions of the generation. Whatever is asked one by one can be expected before, so that
who has to go far for it goes once.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kb.generations import Generation
from kb.graph import FloatArray, IntArray, LongArray, Rows
from kb.names import HashArray, Named

NO_PLACES = np.empty(0, np.int32)

Draw = Callable[[Sequence[LongArray], LongArray], tuple[IntArray, IntArray]]
"""What `Source.sampled` is."""


class Fact(NamedTuple):
    """One stored triple: its SQL id, the positions of its parts, and where it came from."""

    triple_id: int
    subject: int
    relation: int
    object: int
    source: str | None


class Graph(Protocol):
    """Facts at entities, in both directions; see `kb.graph.FactGraph`."""

    @property
    def num_triples(self) -> int:
        """The number of facts, each counted once."""
        ...

    @property
    def num_keys(self) -> int:
        """Two for each relation."""
        ...

    def degree(self, entity: int) -> int:
        """The number of facts at one entity."""
        ...

    def expect(self, sets: Sequence[IntArray]) -> None:
        """Say that the keys and facts of these sets of entities will be asked for."""
        ...

    def keys_at(self, entity: int) -> IntArray:
        """The keys of one entity, sorted."""
        ...

    def reach(self, entities: IntArray) -> tuple[LongArray, LongArray]:
        """Every group of the entities, one entity after the other, and the key of each."""
        ...

    def one(self, entity: int, key: int, budget: int) -> tuple[IntArray, IntArray]:
        """Targets and fact positions of one entity's key, at most `budget` of them."""
        ...

    def rows(self, entities: IntArray, key: int, budget: int) -> tuple[Rows, int]:
        """The facts of a key at the entities, at most `budget` of them, and how many there are."""
        ...

    def holders(self, key: int, most: int) -> tuple[LongArray, IntArray]:
        """The first groups of a key, and their entities."""
        ...


class Names(Protocol):
    """Names by hash; see `kb.names.NameDictionary`."""

    def find(self, hashes: HashArray, limit: int) -> Iterable[tuple[int, int]]:
        """Pairs of a place in `hashes` and the number of a name with that hash, at most `limit` names a hash."""
        ...

    def are_heads(self, hashes: HashArray) -> NDArray[np.bool_]:
        """Which hashes are those of the first words of longer names."""
        ...

    def named(self, numbers: Sequence[int]) -> list[Named]:
        """What each name says, and of which entity."""
        ...


class Typos(Protocol):
    """Names by their words; see `kb.names.TypoIndex`."""

    def similar(self, word: str, others: Sequence[str], limit: int) -> list[int]:
        """Numbers of names that hold this word, or one a letter off; those that share more of the others first."""
        ...


class Source(Protocol):
    """A generation, as a view reads it."""

    @property
    def graph(self) -> Graph:
        """The facts at entities."""
        ...

    @property
    def names(self) -> Names:
        """The names of the entities."""
        ...

    @property
    def typos(self) -> Typos:
        """The words of the names."""
        ...

    def expect(self, entities: IntArray, triples: IntArray = NO_PLACES) -> None:
        """Say that these entities and facts will be asked for."""
        ...

    def entity_id(self, entity: int) -> int:
        """The SQL id of an entity."""
        ...

    def label(self, entity: int) -> str:
        """The label of an entity."""
        ...

    def is_literal(self, entity: int) -> bool:
        """Whether an entity is a value, not a thing."""
        ...

    def fact(self, triple: int) -> Fact:
        """The fact at a triple position."""
        ...

    def nearest(self, vector: FloatArray, k: int, excluded: LongArray) -> list[tuple[int, float]]:
        """SQL ids of the k facts whose vectors are nearest to a unit vector, and their inner products."""
        ...

    def relation_counts(self) -> LongArray:
        """The number of facts of each relation."""
        ...

    def sampled(self, picks: Sequence[LongArray], deleted: LongArray) -> tuple[IntArray, IntArray]:
        """Subjects and objects of some facts of each relation, by their place among those that are not deleted."""
        ...


class Sampler:
    """Facts of the relations of a generation, by their place; those of a relation are drawn when they are others.

    What is deleted of a generation is only ever more: as many as before are the same.
    """

    def __init__(self, relations: IntArray) -> None:
        """Sample facts that have these relations."""
        self._relations = relations
        self._known: dict[tuple[int, bytes, int], tuple[IntArray, IntArray]] = {}

    def sampled(self, draw: Draw, picks: Sequence[LongArray], deleted: LongArray) -> tuple[IntArray, IntArray]:
        """What `Source.sampled` gives; `draw` gives it of those picks that are not remembered."""
        last = self._known
        lost = np.bincount(self._relations[deleted], minlength=len(picks)).tolist()
        asked = [(relation, pick.tobytes(), lost[relation]) for relation, pick in enumerate(picks)]
        known = {one: last[one] for one in asked if one in last}
        unknown = [pick[:0] if one in known else pick for one, pick in zip(asked, picks, strict=True)]
        drawn = (parted(side, unknown) for side in draw(unknown, deleted))
        found = [known.get(one, pair) for one, pair in zip(asked, zip(*drawn, strict=True), strict=True)]
        self._known = dict(zip(asked, found, strict=True))
        subjects, objects = (np.concatenate([NO_PLACES, *(pair[side] for pair in found)]) for side in (0, 1))
        return subjects, objects


class Whole:
    """A generation that this process maps."""

    def __init__(self, base: Generation) -> None:
        self._base = base
        self._sampler = Sampler(base.graph.relations)
        self.graph = base.graph
        self.names = base.names
        self.typos = base.typos

    def expect(self, entities: IntArray, triples: IntArray = NO_PLACES) -> None:
        """Nothing to do: it is all here."""

    def entity_id(self, entity: int) -> int:
        """The SQL id of an entity."""
        return int(self._base.entity_ids[entity])

    def label(self, entity: int) -> str:
        """The label of an entity."""
        return self._base.labels[entity]

    def is_literal(self, entity: int) -> bool:
        """Whether an entity is a value, not a thing."""
        return bool(self._base.literals[entity])

    def fact(self, triple: int) -> Fact:
        """The fact at a triple position."""
        base, graph = self._base, self._base.graph
        source = int(base.triple_sources[triple])
        name = None if source < 0 else base.source_names[source]
        parts = (int(graph.subjects[triple]), int(graph.relations[triple]), int(graph.objects[triple]))
        return Fact(int(base.triple_ids[triple]), *parts, name)

    def nearest(self, vector: FloatArray, k: int, excluded: LongArray) -> list[tuple[int, float]]:
        """SQL ids of the k facts whose vectors are nearest to a unit vector, and their inner products."""
        return self._base.facts.nearest(vector, k, excluded)

    def relation_counts(self) -> LongArray:
        """The number of facts of each relation."""
        return self._counts

    @cached_property
    def _counts(self) -> LongArray:
        return self._base.graph.relation_counts(0, self.graph.num_triples)

    def sampled(self, picks: Sequence[LongArray], deleted: LongArray) -> tuple[IntArray, IntArray]:
        """Subjects and objects of some facts of each relation, by their place among those that are not deleted."""
        return self._sampler.sampled(self._drawn, picks, deleted)

    def _drawn(self, picks: Sequence[LongArray], deleted: LongArray) -> tuple[IntArray, IntArray]:
        return self._base.graph.sampled(picks, 0, self.graph.num_triples, deleted)


def parted(numbers: IntArray, parts: Sequence[LongArray]) -> list[IntArray]:
    """As many of the numbers for each part as it has, one part after the other."""
    ends = np.cumsum([0, *map(len, parts)]).tolist()
    return [numbers[first:last] for first, last in pairwise(ends)]

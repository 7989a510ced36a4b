"""What readers see of a KB: immutable, at one revision; a generation on disk and a small delta in memory.

Entities, relations and triples are addressed by dense positions, the generation's first, the delta's after.
Every method may be called from any thread. Knows no SQL and builds nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import groupby, islice
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kb.delta import Delta
from kb.generations import Generation
from kb.graph import NO_ROWS, FloatArray, Hop, IntArray, LongArray, Rows, merge_targets
from kb.names import HashArray, Named, key_hash, symbol_hash
from kb.source import NO_PLACES, Fact, Names, Source, Typos, Whole, parted
from kb.triples import surface_key

_NONE = np.empty(0, np.int64)

ANY_NUMBER = 1 << 40
"""Names of one hash, where all are wanted: an entity may have the same one as its label and as an alias."""


class NameMatch(NamedTuple):
    """A name found: at which place of what was looked up, the entity it names with its degree, and its spelling."""

    place: int
    entity: int
    degree: int
    text: str
    is_label: bool


@dataclass(frozen=True)
class ViewBudgets:
    """Limits that keep a hub from costing more than a small entity."""

    key_entities: int = 2_000
    """Entities whose keys are looked at in one `keys_of`."""


class KnowledgeView:
    """One KB at one revision."""

    def __init__(
        self, kb_id: int, base: Generation, delta: Delta, budgets: ViewBudgets, source: Source | None = None
    ) -> None:
        """See `delta` over `base`, which is read through `source` where others hold it too."""
        self.kb_id = kb_id
        self.last_change = delta.last
        self.revision = delta.last.revision
        self.base = base
        self.delta = delta
        self.relation_labels: tuple[str, ...] = base.relation_labels if delta.is_empty else delta.relation_labels
        self.num_relations = len(self.relation_labels)
        self.num_entities = len(base.entity_ids) + len(delta.entity_ids)
        self.num_triples = base.graph.num_triples - len(delta.deleted) + delta.graph.num_triples
        self.source: Source = source or Whole(base)
        self._graph = self.source.graph
        self._budgets = budgets

    def __repr__(self) -> str:
        return f"<KnowledgeView of KB {self.kb_id} at revision {self.revision}: {self.num_triples} triples>"

    # Entities and relations ---------------------------------------------------------------------------------------

    def entity_id(self, position: int) -> int:
        """The SQL id of an entity."""
        known = len(self.base.entity_ids)
        return self.source.entity_id(position) if position < known else self.delta.entity_ids[position - known]

    def position(self, entity_id: int) -> int | None:
        """The position of an SQL id; None for one that this revision does not have."""
        added = self.delta.positions.get(entity_id)
        return self.base.position(entity_id) if added is None else added

    def label(self, position: int) -> str:
        """The label of an entity."""
        changed = self.delta.labels.get(position)
        return self.source.label(position) if changed is None else changed

    def labels_of(self, positions: IntArray) -> list[str]:
        """The labels of entities."""
        self.expect(positions)
        return [self.label(position) for position in positions.tolist()]

    def expect(self, entities: IntArray, facts: IntArray = NO_PLACES) -> None:
        """Say that entities, facts and their ends will be asked for, one by one: who has to go far goes at once."""
        if isinstance(self.source, Whole):
            return
        known, facts = len(self.base.entity_ids), facts[facts < self.base.graph.num_triples]
        self.source.expect(entities[entities < known], facts)
        if len(facts):
            ends = (end for fact in map(self.source.fact, facts.tolist()) for end in (fact.subject, fact.object))
            self.source.expect(np.fromiter(ends, np.int32, 2 * len(facts)))

    def is_literal(self, position: int) -> bool:
        """Whether an entity is a value (number, date, text), not a thing."""
        known = len(self.base.entity_ids)
        return self.source.is_literal(position) if position < known else self.delta.literals[position - known]

    def degree(self, position: int) -> int:
        """The number of facts at an entity."""
        count = self._graph.degree(position) if position < len(self.base.entity_ids) else 0
        if self.delta.is_empty:
            return count
        return count - self.delta.lost_degrees.get(position, 0) + self.delta.graph.degree(position)

    def relation_id(self, position: int) -> int:
        """The SQL id of a relation."""
        known = len(self.base.relation_ids)
        return int(self.base.relation_ids[position]) if position < known else self.delta.relation_ids[position - known]

    def relation_position(self, label: str) -> int | None:
        """The (first) relation with this label."""
        return self._relation_positions.get(label)

    @cached_property
    def _relation_positions(self) -> dict[str, int]:
        return {label: place for place, label in reversed([*enumerate(self.relation_labels)])}

    @cached_property
    def relation_keys(self) -> frozenset[str]:
        """The surface keys of the relation labels."""
        return frozenset(map(surface_key, self.relation_labels))

    @cached_property
    def relation_words(self) -> frozenset[str]:
        """The words of the surface keys of the relation labels."""
        return frozenset(word for key in self.relation_keys for word in key.split(" "))

    # The memory that a reader hops over ---------------------------------------------------------------------------

    def keys_of(self, entities: IntArray) -> IntArray:
        """Distinct keys in reach of the entities, sorted; looks at no more entities than the budget says."""
        if len(entities) == 1 and self._is_untouched(entity := int(entities[0])):
            return self._graph.keys_at(entity)
        entities = entities[: self._budgets.key_entities]
        in_reach = np.zeros(2 * self.num_relations, bool)
        groups, keys = self._graph.reach(entities)
        if len(self.delta.emptied):
            keys = keys[~is_in(groups, self.delta.emptied)]
        in_reach[keys] = True
        if not self.delta.is_empty:
            in_reach[self.delta.graph.reach(entities)[1]] = True
        return np.flatnonzero(in_reach).astype(np.int32)

    def keys_of_each(self, sets: Sequence[IntArray]) -> list[IntArray]:
        """The distinct keys in reach of each set of entities."""
        self._graph.expect([entities[: self._budgets.key_entities] for entities in sets])
        return [self.keys_of(entities) for entities in sets]

    def follow(self, entities: IntArray, weights: FloatArray, key: int, budget: int) -> Hop:
        """Move weight along the facts of a key: distinct targets in first-fact order, weights summed by target.

        Reads at most `budget` facts: when there are more, those of the heaviest entities first, in KB order.
        """
        if len(entities) == 1 and self._is_untouched(entity := int(entities[0])):
            targets, facts = self._graph.one(entity, key, budget)
            return Hop(targets, np.full(len(targets), weights[0], np.float32), facts, len(targets))
        return merge_targets(self._read(entities, key, budget, weights), weights)

    def facts_of(self, entities: IntArray, key: int, budget: int) -> Rows:
        """The facts of a key at the entities, at most `budget` of them."""
        return self._read(entities, key, budget)

    def holders(self, key: int, most: int | None = None) -> IntArray:
        """Entities that have facts of a key, sorted: all, or at least the first `most`; looks at every group."""
        if self.delta.is_empty:
            return self._graph.holders(key, self._graph.num_triples if most is None else most)[1]
        held = []
        for graph, gone in ((self._graph, self.delta.emptied), (self.delta.graph, _NONE)):
            groups, entities = graph.holders(key, graph.num_triples if most is None else most + len(gone))
            held.append(entities[~is_in(groups, gone)])
        return np.union1d(*held).astype(np.int32)

    def fact(self, triple: int) -> Fact:
        """The fact at a triple position."""
        place = triple - self.base.graph.num_triples
        if place < 0:
            return self.source.fact(triple)
        delta = self.delta
        parts = (int(delta.graph.subjects[place]), int(delta.graph.relations[place]), int(delta.graph.objects[place]))
        return Fact(int(delta.triple_ids[place]), *parts, delta.sources[place])

    def triple_position(self, triple_id: int) -> int | None:
        """The position of a triple by its SQL id; None when this revision does not have it."""
        for offset, ids in ((0, self.base.triple_ids), (self.base.graph.num_triples, self.delta.triple_ids)):
            place = int(ids.searchsorted(triple_id))
            if place < len(ids) and ids[place] == triple_id:
                is_deleted = not offset and bool(is_in(np.array([place]), self.delta.deleted)[0])
                return None if is_deleted else offset + place
        return None

    def _is_untouched(self, entity: int) -> bool:
        """Whether the facts of an entity are those of the generation."""
        delta = self.delta
        return delta.is_empty or (entity not in delta.lost_degrees and not delta.graph.degree(entity))

    def _read(self, entities: IntArray, key: int, budget: int, weights: FloatArray | None = None) -> Rows:
        rows, count = self._rows(entities, key, budget)
        if weights is None or count <= budget:
            return rows
        order = np.argsort(-weights, kind="stable")
        rows, _ = self._rows(entities[order], key, budget)
        return Rows(order[rows.owners], rows.targets, rows.triples)

    def _rows(self, entities: IntArray, key: int, budget: int) -> tuple[Rows, int]:
        """Facts of a key, at most `budget` of them, and how many there are, deleted ones included."""
        rows, count = self._graph.rows(entities, key, budget)
        delta = self.delta
        if delta.is_empty:
            return rows, count
        rows = _without(rows, delta.deleted, budget)
        if rows.num_facts < budget < count:  # deleted facts were read: others take their places
            num_lost = sum(delta.lost_degrees.get(entity, 0) for entity in entities.tolist())
            rows = _without(self._graph.rows(entities, key, budget + num_lost)[0], delta.deleted, budget)
        added, num_added = delta.graph.rows(entities, key, budget - rows.num_facts)
        if not added.num_facts:
            return rows if rows.num_facts else NO_ROWS, count + num_added
        both = Rows(
            np.concatenate((rows.owners, added.owners)),
            np.concatenate((rows.targets, added.targets)),
            np.concatenate((rows.triples, added.triples + np.int32(self.base.graph.num_triples))),
        )
        return both, count + num_added

    def key_samples(self, limit: int) -> list[IntArray]:
        """For each key, at most `limit` entities that it leads to, spread over its facts.

        Looks through the facts of the relations that others were picked of before: not for each question.
        """
        delta, deleted = self.delta.graph, self.delta.deleted
        held = np.zeros(self.num_relations, np.int64)
        held[: len(self.base.relation_ids)] = self.source.relation_counts()
        held -= np.bincount(self.base.graph.relations[deleted], minlength=self.num_relations)
        counts = held + delta.relation_counts(0, delta.num_triples)
        picks = [np.linspace(0, count - 1, min(limit, count)).astype(np.int64) for count in counts.tolist()]
        old = [picked[picked < count] for picked, count in zip(picks, held.tolist(), strict=True)]
        new = [picked[picked >= count] - count for picked, count in zip(picks, held.tolist(), strict=True)]
        sides = zip(self.source.sampled(old, deleted), delta.sampled(new, 0, delta.num_triples), strict=True)
        subjects, objects = (
            [np.concatenate(both) for both in zip(parted(one, old), parted(other, new), strict=True)]
            for one, other in sides
        )
        samples = [sample for pair in zip(objects, subjects, strict=True) for sample in pair]
        self.expect(np.concatenate([NO_PLACES, *samples]))
        return samples

    def footprints(self, sets: Sequence[IntArray]) -> list[int]:
        """For each set of entities, what changes with their facts, in views over one source; 0 of untouched ones.

        It is a sum of mixed numbers of the facts added to these entities and deleted from them.
        """
        delta, base = self.delta, self.base.graph
        ends = (delta.graph.subjects, delta.graph.objects, base.subjects[delta.deleted], base.objects[delta.deleted])
        added, gone = _mixed(delta.triple_ids), _mixed(~delta.deleted)
        touched, places = np.unique(np.concatenate(ends), return_inverse=True)
        sums = np.zeros(len(touched) + 1, np.uint64)
        np.add.at(sums, places, np.concatenate((added, added, gone, gone)))
        owners = np.repeat(np.arange(len(sets)), [len(entities) for entities in sets])
        entities = np.concatenate([NO_PLACES, *sets])
        found = touched.searchsorted(entities)
        found[~is_in(entities, touched.astype(np.int64))] = len(touched)
        totals = np.zeros(len(sets), np.uint64)
        np.add.at(totals, owners, sums[found])
        return totals.tolist()

    # Names --------------------------------------------------------------------------------------------------------

    def find_names(self, hashes: HashArray, limit: int) -> list[NameMatch]:
        """Names whose surface key has one of these hashes, of entities that have facts; at most `limit` a hash.

        A hash may collide: the caller compares keys.
        """
        matches: list[NameMatch] = []
        for names, _ in self._name_parts():
            matches += self._matches(self._found(names, partial(names.find, hashes), limit))
        return matches

    def begin_long_names(self, hashes: HashArray) -> NDArray[np.bool_]:
        """Which hashes, of as many words as a head has, begin longer names."""
        found = self.source.names.are_heads(hashes)
        for names, _ in self.delta.names:
            found |= names.are_heads(hashes)
        return found

    def similar_names(
        self, word: str, others: Sequence[str], is_like: Callable[[str], bool], limit: int
    ) -> list[NameMatch]:
        """Names that hold a word, or one a letter off, and whose keys are like what is looked for.

        Of each part no more than `limit` names are tried, those first that share more of the others.
        """
        found: list[NameMatch] = []
        for names, typos in self._name_parts():
            alike = self._found(names, partial(_alike, typos, word, others), limit)
            found += self._matches([pair for pair in alike if is_like(surface_key(pair[1].text))])
        return found

    def entities_named(self, name: str, limit: int = 64) -> IntArray:
        """Positions of the entities that a label or alias names exactly, but for case and punctuation."""
        key = surface_key(name)
        name_hash = key_hash(key) if key else symbol_hash(name)
        matches = self.find_names(np.array([name_hash], np.uint64), limit)
        same = [match for match in matches if surface_key(match.text) == key]
        exact = [match for match in same if match.text == name]
        return np.array(list(dict.fromkeys(match.entity for match in exact or same)), np.int32)

    def _name_parts(self) -> list[tuple[Names, Typos]]:
        return [(self.source.names, self.source.typos), *self.delta.names]

    def _found(
        self, names: Names, find: Callable[[int], Iterable[tuple[int, int]]], limit: int
    ) -> list[tuple[int, Named]]:
        """Names with the place of what they were found by, at most `limit` a place; others for those that are stale.

        `find` gives pairs of a place and a name's number, at most as many a place as it is told.
        """
        most = limit
        while True:
            pairs = [*find(most)]
            found = [*zip((place for place, _ in pairs), names.named([number for _, number in pairs]), strict=True)]
            if self.delta.is_empty:
                return found
            self.expect(np.array([named.entity for _, named in found], np.int32))
            alive = [pair for pair in found if not self._is_stale(pair[1])]
            read, left = (Counter(place for place, _ in some) for some in (found, alive))
            if all(count < most or left[place] >= limit for place, count in read.items()):
                return [pair for _, at_place in groupby(alive, itemgetter(0)) for pair in islice(at_place, limit)]
            most *= 4

    def _is_stale(self, named: Named) -> bool:
        """Whether it is a label no longer, or of an entity that lost its facts."""
        entity, delta = named.entity, self.delta
        if named.is_label and entity in delta.labels:
            return True
        return (entity in delta.lost_degrees or entity >= len(self.base.entity_ids)) and not self.degree(entity)

    def _matches(self, found: Sequence[tuple[int, Named]]) -> list[NameMatch]:
        """Those of entities that have facts."""
        self.expect(np.array([named.entity for _, named in found], np.int32))
        matches = []
        for place, named in found:
            degree = self.degree(named.entity)
            if degree:
                is_label = named.text == self.label(named.entity)
                matches.append(NameMatch(place, named.entity, degree, named.text, is_label))
        return matches

    def has_name(self, name: str, entity: int) -> bool:
        """Whether this text is among the names of an entity that has facts; texts too long for a name never are."""
        key = surface_key(name)
        matches = self.find_names(np.array([key_hash(key)], np.uint64), ANY_NUMBER)
        return any(match.entity == entity and match.text == name for match in matches)

    # Vectors ------------------------------------------------------------------------------------------------------

    def label_code(self, position: int) -> tuple[NDArray[np.int8], np.float32]:
        """The stored vector of an entity's label: 8-bit codes and their scale."""
        row = self.delta.label_rows.get(position)
        vectors, row = (self.base.label_vectors, position) if row is None else (self.delta.label_vectors, row)
        return vectors.codes[row], vectors.scales[row]

    def nearest(self, vector: FloatArray, k: int) -> list[tuple[Fact, float]]:
        """The k facts whose vectors are nearest to a unit vector, best first, with their inner products."""
        found = self.source.nearest(vector, k, self.delta.stale_ids)
        for index in self.delta.facts:
            found += index.nearest(vector, k)
        best = sorted(found, key=lambda pair: (-pair[1], pair[0]))[:k]
        positions = [(self.triple_position(triple_id), score) for triple_id, score in best]
        there = [(position, score) for position, score in positions if position is not None]
        self.expect(NO_PLACES, np.array([position for position, _ in there], np.int32))
        return [(self.fact(position), score) for position, score in there]


def is_in(numbers: IntArray | LongArray, sorted_numbers: LongArray) -> NDArray[np.bool_]:
    """Which numbers are in a sorted array."""
    if not len(sorted_numbers):
        return np.zeros(len(numbers), bool)
    places = np.minimum(sorted_numbers.searchsorted(numbers), len(sorted_numbers) - 1)
    found: NDArray[np.bool_] = sorted_numbers[places] == numbers
    return found


def _without(rows: Rows, deleted: LongArray, most: int) -> Rows:
    """The first `most` rows that are not of deleted facts."""
    if not len(deleted):
        return rows
    alive = np.flatnonzero(~is_in(rows.triples, deleted))[:most]
    return Rows(rows.owners[alive], rows.targets[alive], rows.triples[alive])


def _alike(typos: Typos, word: str, others: Sequence[str], most: int) -> Iterable[tuple[int, int]]:
    """The names that hold a word or one a letter off, all at one place."""
    return ((0, number) for number in typos.similar(word, others, most))


def _mixed(numbers: LongArray) -> NDArray[np.uint64]:
    """Numbers of 64 bits whose sums tell sets of numbers apart (the finaliser of SplitMix64, Steele et al. 2014)."""
    mixed: NDArray[np.uint64] = numbers.astype(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))

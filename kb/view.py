"""What readers see of a KB: immutable, at one revision; a generation on disk and a small delta in memory.

Entities, relations and triples are addressed by dense positions, the generation's first, the delta's after.
Every method may be called from any thread. Knows no SQL and builds nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kb.delta import Delta
from kb.generations import Generation
from kb.graph import NO_ROWS, NOWHERE, FloatArray, Hop, IntArray, LongArray, Rows, merge_targets
from kb.names import HashArray, NameDictionary, TypoIndex, key_hash, symbol_hash
from kb.triples import surface_key

_NONE = np.empty(0, np.int64)


class Fact(NamedTuple):
    """One stored triple: its SQL id, the positions of its parts, and where it came from."""

    triple_id: int
    subject: int
    relation: int
    object: int
    source: str | None


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

    def __init__(self, kb_id: int, base: Generation, delta: Delta, budgets: ViewBudgets) -> None:
        self.kb_id = kb_id
        self.revision = delta.revision
        self.base = base
        self.delta = delta
        self.relation_labels: tuple[str, ...] = base.relation_labels if delta.is_empty else delta.relation_labels
        self.num_relations = len(self.relation_labels)
        self.num_entities = len(base.entity_ids) + len(delta.entity_ids)
        self.num_triples = base.graph.num_triples - len(delta.deleted) + delta.graph.num_triples
        self._budgets = budgets

    def __repr__(self) -> str:
        return f"<KnowledgeView of KB {self.kb_id} at revision {self.revision}: {self.num_triples} triples>"

    # Entities and relations ---------------------------------------------------------------------------------------

    def entity_id(self, position: int) -> int:
        """The SQL id of an entity."""
        known = len(self.base.entity_ids)
        return int(self.base.entity_ids[position]) if position < known else self.delta.entity_ids[position - known]

    def position(self, entity_id: int) -> int | None:
        """The position of an SQL id; None for one that this revision does not have."""
        added = self.delta.positions.get(entity_id)
        return self.base.position(entity_id) if added is None else added

    def label(self, position: int) -> str:
        """The label of an entity."""
        changed = self.delta.labels.get(position)
        return self.base.labels[position] if changed is None else changed

    def is_literal(self, position: int) -> bool:
        """Whether an entity is a value (number, date, text), not a thing."""
        known = len(self.base.entity_ids)
        return bool(self.base.literals[position]) if position < known else self.delta.literals[position - known]

    def degree(self, position: int) -> int:
        """The number of facts at an entity."""
        count = self.base.graph.degree(position)
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
        graph = self.base.graph
        if len(entities) == 1 and self._is_untouched(entity := int(entities[0])):
            first, last = graph.groups_of(entity)
            return (graph.codes[first:last] - entity * graph.num_keys).astype(np.int32)
        entities = entities[: self._budgets.key_entities]
        in_reach = np.zeros(2 * self.num_relations, bool)
        groups = graph.entity_groups(entities)
        if len(self.delta.emptied):
            groups = groups[~is_in(groups, self.delta.emptied)]
        in_reach[graph.keys(groups)] = True
        if not self.delta.is_empty:
            in_reach[self.delta.graph.keys(self.delta.graph.entity_groups(entities))] = True
        return np.flatnonzero(in_reach).astype(np.int32)

    def follow(self, entities: IntArray, weights: FloatArray, key: int, budget: int) -> Hop:
        """Move weight along the facts of a key: distinct targets in first-fact order, weights summed by target.

        Reads at most `budget` facts: when there are more, those of the heaviest entities first, in KB order.
        """
        if len(entities) == 1 and self._is_untouched(entity := int(entities[0])):
            group = self.base.graph.group(entity, key)
            if group < 0:
                return NOWHERE
            targets, facts = self.base.graph.read_one(group, budget)
            return Hop(targets, np.full(len(targets), weights[0], np.float32), facts, len(targets))
        return merge_targets(self._read(entities, key, budget, weights), weights)

    def facts_of(self, entities: IntArray, key: int, budget: int) -> Rows:
        """The facts of a key at the entities, at most `budget` of them."""
        return self._read(entities, key, budget)

    def holders(self, key: int) -> IntArray:
        """All entities that have facts of a key, sorted; looks at every group of facts."""
        held = []
        for graph, gone in ((self.base.graph, self.delta.emptied), (self.delta.graph, _NONE)):
            groups = np.flatnonzero(graph.keys(np.arange(len(graph.codes))) == key)
            held.append(graph.codes[groups[~is_in(groups, gone)]] // max(graph.num_keys, 1))
        return np.union1d(*held).astype(np.int32)

    def fact(self, triple: int) -> Fact:
        """The fact at a triple position."""
        base, delta = self.base, self.delta
        known = base.graph.num_triples
        if triple < known:
            source = int(base.triple_sources[triple])
            graph, place, triple_id = base.graph, triple, base.triple_ids[triple]
            name = None if source < 0 else base.source_names[source]
        else:
            place = triple - known
            graph, triple_id, name = delta.graph, delta.triple_ids[place], delta.sources[place]
        parts = (int(graph.subjects[place]), int(graph.relations[place]), int(graph.objects[place]))
        return Fact(int(triple_id), *parts, name)

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

    def _num_facts(self, entities: IntArray, key: int) -> int:
        graphs = (self.base.graph, self.delta.graph)
        return sum(int(graph.sizes(graph.groups(entities, key)).sum()) for graph in graphs)

    def _read(self, entities: IntArray, key: int, budget: int, weights: FloatArray | None = None) -> Rows:
        order: LongArray | None = None
        if weights is not None and self._num_facts(entities, key) > budget:
            order = np.argsort(-weights, kind="stable")
            entities = entities[order]
        rows = self.base.graph.read(self.base.graph.groups(entities, key), budget)
        if not self.delta.is_empty:
            rows = self._with_delta(rows, entities, key, budget)
        return rows if order is None else Rows(order[rows.owners], rows.targets, rows.triples)

    def _with_delta(self, rows: Rows, entities: IntArray, key: int, budget: int) -> Rows:
        delta = self.delta
        if len(delta.deleted) and rows.num_facts:
            alive = ~is_in(rows.triples, delta.deleted)
            rows = Rows(rows.owners[alive], rows.targets[alive], rows.triples[alive])
        added = delta.graph.read(delta.graph.groups(entities, key), budget - rows.num_facts)
        if not added.num_facts:
            return rows if rows.num_facts else NO_ROWS
        return Rows(
            np.concatenate((rows.owners, added.owners)),
            np.concatenate((rows.targets, added.targets)),
            np.concatenate((rows.triples, added.triples + np.int32(self.base.graph.num_triples))),
        )

    def key_samples(self, limit: int) -> list[IntArray]:
        """For each key, at most `limit` entities that it leads to, spread over its facts.

        Sorts the facts by relation: for what is asked once in a while, not with each question.
        """
        graphs = (self.base.graph, self.delta.graph)
        relations = np.concatenate([graph.relations for graph in graphs])
        subjects = np.concatenate([graph.subjects for graph in graphs])
        objects = np.concatenate([graph.objects for graph in graphs])
        order = np.argsort(relations, kind="stable")
        ends = relations[order].searchsorted(np.arange(self.num_relations + 1))
        samples = []
        for first, last in pairwise(ends.tolist()):
            facts = order[np.linspace(first, last - 1, min(limit, last - first)).astype(np.int64)]
            samples += [side[facts].astype(np.int32) for side in (objects, subjects)]
        return samples

    # Names --------------------------------------------------------------------------------------------------------

    def find_names(self, hashes: HashArray, limit: int) -> list[NameMatch]:
        """Names whose surface key has one of these hashes, of entities that have facts; at most `limit` a hash.

        A hash may collide: the caller compares keys.
        """
        matches = []
        for names, _ in self._name_parts():
            for place, number in names.find(hashes, limit):
                match = self._match(names, place, number)
                if match is not None:
                    matches.append(match)
        return matches

    def begin_long_names(self, hashes: HashArray) -> NDArray[np.bool_]:
        """Which hashes, of as many words as a head has, begin longer names."""
        found = self.base.names.are_heads(hashes)
        for names, _ in self.delta.names:
            found |= names.are_heads(hashes)
        return found

    def similar_names(
        self, word: str, others: Sequence[str], is_like: Callable[[str], bool], limit: int
    ) -> list[NameMatch]:
        """Names that hold a word, or one a letter off, and whose keys are like what is looked for.

        Of each part no more than `limit` names are tried, those first that share more of the others.
        """
        found = []
        for names, typos in self._name_parts():
            for number in typos.similar(word, others, limit):
                match = self._match(names, 0, number) if is_like(surface_key(names.text(number))) else None
                if match is not None:
                    found.append(match)
        return found

    def entities_named(self, name: str, limit: int = 64) -> IntArray:
        """Positions of the entities that a label or alias names exactly, but for case and punctuation."""
        key = surface_key(name)
        name_hash = key_hash(key) if key else symbol_hash(name)
        matches = self.find_names(np.array([name_hash], np.uint64), limit)
        same = [match for match in matches if surface_key(match.text) == key]
        exact = [match for match in same if match.text == name]
        return np.array(list(dict.fromkeys(match.entity for match in exact or same)), np.int32)

    def _name_parts(self) -> list[tuple[NameDictionary, TypoIndex]]:
        return [(self.base.names, self.base.typos), *self.delta.names]

    def _match(self, names: NameDictionary, place: int, number: int) -> NameMatch | None:
        entity = names.entity(number)
        if names.is_label(number) and entity in self.delta.labels:
            return None
        degree = self.degree(entity)
        if not degree:
            return None
        text = names.text(number)
        return NameMatch(place, entity, degree, text, text == self.label(entity))

    def has_name(self, name: str, entity: int) -> bool:
        """Whether this text is among the names of an entity that has facts; texts too long for a name never are."""
        key = surface_key(name)
        matches = self.find_names(np.array([key_hash(key)], np.uint64), self.num_entities)
        return any(match.entity == entity and match.text == name for match in matches)

    # Vectors ------------------------------------------------------------------------------------------------------

    def label_code(self, position: int) -> tuple[NDArray[np.int8], np.float32]:
        """The stored vector of an entity's label: 8-bit codes and their scale."""
        row = self.delta.label_rows.get(position)
        vectors, row = (self.base.label_vectors, position) if row is None else (self.delta.label_vectors, row)
        return vectors.codes[row], vectors.scales[row]

    def nearest(self, vector: FloatArray, k: int) -> list[tuple[Fact, float]]:
        """The k facts whose vectors are nearest to a unit vector, best first, with their inner products."""
        query = vector.reshape(1, -1)
        found = list(_pairs(*self.base.facts.search(query, k, self.delta.stale_ids)))
        for index in self.delta.facts:
            found += _pairs(*index.search(query, k))
        best = sorted(found, key=lambda pair: (-pair[1], pair[0]))[:k]
        positions = ((self.triple_position(triple_id), score) for triple_id, score in best)
        return [(self.fact(position), score) for position, score in positions if position is not None]


def is_in(numbers: IntArray | LongArray, sorted_numbers: LongArray) -> NDArray[np.bool_]:
    """Which numbers are in a sorted array."""
    if not len(sorted_numbers):
        return np.zeros(len(numbers), bool)
    places = np.minimum(sorted_numbers.searchsorted(numbers), len(sorted_numbers) - 1)
    found: NDArray[np.bool_] = sorted_numbers[places] == numbers
    return found


def _pairs(ids: LongArray, scores: FloatArray) -> list[tuple[int, float]]:
    return [(triple, score) for triple, score in zip(ids[0].tolist(), scores[0].tolist(), strict=True) if triple >= 0]

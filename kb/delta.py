"""What changed in a KB since its generation, held in memory: added facts and names, deleted facts, changed labels.

A delta is immutable; `extended` makes the next one. Positions go on where the generation's end. Cost of one extension
grows with the delta, not with the KB, except for names and vectors, which are merged like the levels of an LSM tree.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from kb.encoding import Encoder
from kb.errors import KnowledgeError
from kb.generations import Generation
from kb.graph import FactGraph, FloatArray, IntArray, LongArray
from kb.index import LabelVectors, VectorIndex, normalised
from kb.names import NameDictionary, NameIndexBuilder, TypoIndex
from kb.records import Changes, LastChange
from kb.texts import TextTable

MAX_REFRESHED_FACTS = 50_000
"""Facts of renamed entities whose vectors a delta makes anew; beyond, a new generation is cheaper."""
IDLE_ENTITIES = 256
"""Deleted entities that a delta may hold, beside as many as are in use: to forget them takes a pass over it."""


class NameRow(NamedTuple):
    """One new name, the position of the entity that it names, and whether it is its label."""

    text: str
    position: int
    is_label: bool


class DeltaImpossible(KnowledgeError):
    """The changes cannot be laid over the generation; a new one has to be built."""


@dataclass(frozen=True)
class Delta:
    """Changes since a generation, up to the `last`."""

    last: LastChange
    entity_ids: tuple[int, ...]
    """SQL ids of the new entities, deleted ones included until they are forgotten."""
    positions: dict[int, int]
    """Positions of the new entities that are not deleted, by SQL id."""
    labels: dict[int, str]
    """Labels of new and of renamed entities, by position."""
    literals: tuple[bool, ...]
    relation_ids: tuple[int, ...]
    relation_labels: tuple[str, ...]
    """Labels of all relations, the generation's first."""
    relation_vectors: FloatArray
    graph: FactGraph
    triple_ids: LongArray
    sources: tuple[str | None, ...]
    deleted: LongArray
    """Sorted positions of deleted facts of the generation."""
    refreshed: LongArray
    """Sorted positions of facts of the generation whose vectors are made anew, for their labels changed."""
    emptied: LongArray
    """Sorted groups of the generation all of whose facts are deleted."""
    lost_degrees: dict[int, int]
    stale_ids: LongArray
    """SQL ids of facts that the generation's vector index must not return."""
    name_rows: tuple[NameRow, ...]
    names: tuple[tuple[NameDictionary, TypoIndex], ...]
    label_rows: dict[int, int]
    label_vectors: LabelVectors
    facts: tuple[VectorIndex, ...]

    @classmethod
    def empty(cls, base: Generation) -> "Delta":
        """No change."""
        none, no_ids = np.empty(0, np.int32), np.empty(0, np.int64)
        dim = base.manifest.dim
        return cls(
            last=base.manifest.last_change,
            entity_ids=(),
            positions={},
            labels={},
            literals=(),
            relation_ids=(),
            relation_labels=base.relation_labels,
            relation_vectors=base.relation_vectors,
            graph=FactGraph.build(none, none, none, len(base.relation_ids)),
            triple_ids=no_ids,
            sources=(),
            deleted=no_ids,
            refreshed=no_ids,
            emptied=no_ids,
            lost_degrees={},
            stale_ids=no_ids,
            name_rows=(),
            names=(),
            label_rows={},
            label_vectors=LabelVectors(np.empty((0, dim), np.int8), np.empty(0, np.float32)),
            facts=(),
        )

    @property
    def is_empty(self) -> bool:
        """Whether the generation is to be read as it is (a delta may hold a new revision only)."""
        return not (self.size or self.name_rows or self.labels or self.relation_ids)

    @property
    def size(self) -> int:
        """Facts added and deleted."""
        return len(self.triple_ids) + len(self.deleted)

    def extended(self, base: Generation, changes: Changes, encoder: Encoder, threads: int) -> "Delta":
        """The delta with more changes.

        Raises:
            DeltaImpossible: a new generation has to be built instead.

        """
        return _Extension(self, base, encoder, threads).of(changes)


class _Extension:
    """One step from a delta to the next."""

    def __init__(self, delta: Delta, base: Generation, encoder: Encoder, threads: int) -> None:
        self._old = delta
        self._delta = delta
        self._base = base
        self._encoder = encoder
        self._threads = threads

    def of(self, changes: Changes) -> Delta:
        self._take_relations(changes.relations)
        renamed = self._take_entities(changes.entities)
        self._take_facts(changes.triples, changes.deleted_triple_ids)
        self._take_names(changes.aliases, renamed)
        self._take_vectors(renamed, len(changes.triples), bool(changes.deleted_triple_ids))
        self._forget_relations(set(changes.deleted_relation_ids))
        self._forget_entities(changes.deleted_entity_ids)
        return replace(self._delta, last=changes.last)

    def _take_relations(self, relations: Sequence[tuple[int, str]]) -> None:
        known = dict(zip(self._base.relation_ids.tolist(), self._base.relation_labels, strict=True))
        added = self._delta.relation_labels[len(known) :]
        known |= dict(zip(self._delta.relation_ids, added, strict=True))
        if any(known.get(relation_id, label) != label for relation_id, label in relations):
            raise DeltaImpossible("a relation got another label")
        new = [(relation_id, label) for relation_id, label in relations if relation_id not in known]
        if not new:
            return
        labels = [label for _, label in new]
        self._delta = replace(
            self._delta,
            relation_ids=(*self._delta.relation_ids, *(relation_id for relation_id, _ in new)),
            relation_labels=(*self._delta.relation_labels, *labels),
            relation_vectors=np.concatenate((self._delta.relation_vectors, self._encoder.encode(labels))),
        )

    def _take_entities(self, entities: Sequence[tuple[int, str, bool]]) -> set[int]:
        """Take new and renamed entities; the positions of the renamed ones."""
        positions, labels = dict(self._delta.positions), dict(self._delta.labels)
        ids, literals = list(self._delta.entity_ids), list(self._delta.literals)
        changed, renamed = [], set()
        for entity_id, label, is_literal in entities:
            position = positions.get(entity_id)
            if position is None:
                position = self._base.position(entity_id)
            if position is None:
                position = len(self._base.entity_ids) + len(ids)
                positions[entity_id] = position
                ids.append(entity_id)
                literals.append(is_literal)
            elif label == (labels[position] if position in labels else self._base.labels[position]):
                continue
            else:
                renamed.add(position)
            labels[position] = label
            changed.append(position)
        if changed:
            rows = dict(self._delta.label_rows)
            rows |= {position: len(self._delta.label_vectors) + row for row, position in enumerate(changed)}
            vectors = LabelVectors.of(self._encoder.encode([labels[position] for position in changed]))
            self._delta = replace(
                self._delta,
                positions=positions,
                labels=labels,
                entity_ids=tuple(ids),
                literals=tuple(literals),
                label_rows=rows,
                label_vectors=LabelVectors.joined([self._delta.label_vectors, vectors]),
            )
        return renamed

    def _take_facts(self, triples: Sequence[tuple[int, int, int, int, str | None]], deleted_ids: Sequence[int]) -> None:
        delta, base = self._delta, self._base
        gone = np.sort(np.array(deleted_ids, np.int64))
        kept = ~np.isin(delta.triple_ids, gone)
        last = max(int(delta.triple_ids[-1]) if len(delta.triple_ids) else 0, base.manifest.last_triple_id)
        if triples and min(triple[0] for triple in triples) <= last:
            raise DeltaImpossible("a fact was added with an id below those that are known")
        added = self._added(triples)
        old = (delta.graph.subjects, delta.graph.relations, delta.graph.objects)
        subjects, relations, objects = (np.concatenate((one[kept], new)) for one, new in zip(old, added, strict=True))
        places = np.minimum(base.triple_ids.searchsorted(gone), max(len(base.triple_ids) - 1, 0))
        places = places[base.triple_ids[places] == gone] if len(base.triple_ids) else places[:0]
        deleted = np.union1d(delta.deleted, places).astype(np.int64)
        sources = [source for source, is_kept in zip(delta.sources, kept.tolist(), strict=True) if is_kept]
        self._delta = replace(
            delta,
            graph=FactGraph.build(subjects, relations, objects, len(delta.relation_labels)),
            triple_ids=np.concatenate((delta.triple_ids[kept], np.array([t[0] for t in triples], np.int64))),
            sources=(*sources, *(triple[4] for triple in triples)),
            deleted=deleted,
            emptied=_emptied_groups(base.graph, deleted) if len(places) else delta.emptied,
            lost_degrees=_lost_degrees(base.graph, deleted) if len(places) else delta.lost_degrees,
        )

    def _added(self, triples: Sequence[tuple[int, int, int, int, str | None]]) -> tuple[IntArray, IntArray, IntArray]:
        relations = {int(relation_id): place for place, relation_id in enumerate(self._base.relation_ids)}
        first = len(relations)
        relations |= {relation_id: first + place for place, relation_id in enumerate(self._delta.relation_ids)}

        def position(entity_id: int) -> int:
            found = self._delta.positions.get(entity_id)
            found = self._base.position(entity_id) if found is None else found
            if found is None:
                raise DeltaImpossible(f"entity {entity_id} of an added fact is not known")
            return found

        count = len(triples)
        return (
            np.fromiter((position(triple[1]) for triple in triples), np.int32, count),
            np.fromiter((relations[triple[2]] for triple in triples), np.int32, count),
            np.fromiter((position(triple[3]) for triple in triples), np.int32, count),
        )

    def _take_names(self, aliases: Sequence[tuple[int, str]], renamed: set[int]) -> None:
        delta = self._delta
        fresh = [position for position in delta.labels if self._old.labels.get(position) != delta.labels[position]]
        rows = [NameRow(delta.labels[position], position, True) for position in fresh]
        for entity_id, text in aliases:
            position = delta.positions.get(entity_id)
            position = self._base.position(entity_id) if position is None else position
            if position is not None:
                rows.append(NameRow(text, position, False))
        old_rows: tuple[NameRow, ...] = delta.name_rows
        segments = list(delta.names)
        stale = {NameRow(self._old.labels[place], place, True) for place in renamed if place in self._old.labels}
        if stale:
            rows = [row for row in old_rows if row not in stale] + rows
            old_rows, segments = (), []
        if not rows:
            return
        sizes = [segment.num_names for segment, _ in segments]
        pending = rows
        while sizes and sizes[-1] <= 2 * len(pending):
            segments.pop()
            size = sizes.pop()
            start = sum(sizes)
            pending = [*old_rows[start : start + size], *pending]
        segments.append(self._name_segment(pending))
        self._delta = replace(delta, name_rows=(*old_rows, *rows), names=tuple(segments))

    def _name_segment(self, rows: Sequence[NameRow]) -> tuple[NameDictionary, TypoIndex]:
        known, old, new = len(self._base.entity_ids), self._base.literals, self._delta.literals
        builder = NameIndexBuilder()
        is_thing = (not (old[row.position] if row.position < known else new[row.position - known]) for row in rows)
        builder.extend((row.text for row in rows), is_thing)
        entities = np.array([row.position for row in rows], np.int32)
        dictionary = builder.dictionary(TextTable.of(()), TextTable.of(row.text for row in rows), entities)
        return dictionary, builder.typo_index()

    def _take_vectors(self, renamed: set[int], num_added: int, has_deleted: bool) -> None:
        delta, base = self._delta, self._base
        if renamed:
            at_renamed = base.graph.entity_groups(np.array(sorted(renamed), np.int32))
            size = int(base.graph.sizes(at_renamed).sum())
            if size + len(delta.refreshed) > MAX_REFRESHED_FACTS:
                raise DeltaImpossible(f"{size} facts have entities that got other labels")
            touched = base.graph.read(at_renamed, size).triples
            delta = replace(delta, refreshed=np.union1d(delta.refreshed, touched).astype(np.int64))
        refreshed = np.setdiff1d(delta.refreshed, delta.deleted)
        stale = base.triple_ids[np.union1d(delta.deleted, refreshed).astype(np.int64)]
        self._delta = delta = replace(delta, refreshed=refreshed, stale_ids=stale)
        segments = list(delta.facts)
        if renamed or has_deleted:
            added = self._index(np.arange(len(delta.triple_ids)), delta.graph, delta.triple_ids)
            segments = [added.merged(self._index(refreshed, base.graph, base.triple_ids))]
        elif num_added:
            last = len(delta.triple_ids)
            fresh = self._index(np.arange(last - num_added, last), delta.graph, delta.triple_ids)
            while segments and len(segments[-1]) <= 2 * len(fresh):
                fresh = segments.pop().merged(fresh)
            segments.append(fresh)
        self._delta = replace(delta, facts=tuple(segments))

    def _forget_relations(self, gone: set[int]) -> None:
        """Let go of deleted relations, each a key that leads nowhere; those of the generation lose their label."""
        known = len(self._base.relation_ids)
        nameless = np.flatnonzero(np.isin(self._base.relation_ids, [*gone])).tolist()
        if nameless:
            labels = [*self._delta.relation_labels]
            for place in nameless:
                labels[place] = ""
            self._delta = replace(self._delta, relation_labels=tuple(labels))
        delta, graph = self._delta, self._delta.graph
        kept = [place for place, relation_id in enumerate(delta.relation_ids) if relation_id not in gone]
        if len(kept) == len(delta.relation_ids):
            return
        left = np.array([*range(known), *(known + place for place in kept)], np.int64)
        relations = left.searchsorted(graph.relations).astype(np.int32)
        self._delta = replace(
            delta,
            relation_ids=tuple(delta.relation_ids[place] for place in kept),
            relation_labels=tuple(delta.relation_labels[place] for place in left.tolist()),
            relation_vectors=delta.relation_vectors[left],
            graph=FactGraph.build(graph.subjects, relations, graph.objects, len(left)),
        )

    def _forget_entities(self, gone: Sequence[int]) -> None:
        """Let go of deleted entities, their names and vectors, once there are more of them than of the others."""
        delta = self._delta
        if delta.positions.keys().isdisjoint(gone):
            return
        dead = set(gone)
        positions = {entity_id: place for entity_id, place in delta.positions.items() if entity_id not in dead}
        self._delta = delta = replace(delta, positions=positions)
        if len(delta.entity_ids) <= 2 * len(positions) + IDLE_ENTITIES:
            return
        known, graph = len(self._base.entity_ids), delta.graph
        left = np.array(sorted(positions.values()), np.int64)
        moved = {position: known + place for place, position in enumerate(left.tolist())}
        lost = set(range(known, known + len(delta.entity_ids))) - moved.keys()
        rows = [(moved.get(place, place), row) for place, row in delta.label_rows.items() if place not in lost]
        ends = (np.where(one < known, one, known + left.searchsorted(one)) for one in (graph.subjects, graph.objects))
        subjects, objects = (one.astype(np.int32) for one in ends)
        self._delta = delta = replace(
            delta,
            entity_ids=tuple(delta.entity_ids[position - known] for position in left.tolist()),
            positions={entity_id: moved[position] for entity_id, position in positions.items()},
            labels={moved.get(place, place): label for place, label in delta.labels.items() if place not in lost},
            literals=tuple(delta.literals[position - known] for position in left.tolist()),
            graph=FactGraph.build(subjects, graph.relations, objects, len(delta.relation_labels)),
            name_rows=tuple(
                row._replace(position=moved.get(row.position, row.position))
                for row in delta.name_rows
                if row.position not in lost
            ),
            label_rows={place: row for row, (place, _) in enumerate(rows)},
            label_vectors=delta.label_vectors.select(np.array([row for _, row in rows], np.int64)),
        )
        self._delta = replace(delta, names=(self._name_segment(delta.name_rows),) if delta.name_rows else ())

    def _index(self, places: LongArray, graph: FactGraph, ids: LongArray) -> VectorIndex:
        index = VectorIndex.flat(self._base.manifest.dim, self._threads)
        if len(places):
            vectors = self._label_vectors(graph.subjects[places])
            vectors += self._delta.relation_vectors[graph.relations[places]]
            vectors += self._label_vectors(graph.objects[places])
            index.add(ids[places], normalised(vectors))
        return index

    def _label_vectors(self, positions: IntArray) -> FloatArray:
        rows = np.array([self._delta.label_rows.get(position, -1) for position in positions.tolist()], np.int64)
        vectors = np.empty((len(positions), self._base.manifest.dim), np.float32)
        in_delta = rows >= 0
        vectors[in_delta] = self._delta.label_vectors.take(rows[in_delta])
        vectors[~in_delta] = self._base.label_vectors.take(positions[~in_delta])
        return vectors


def _emptied_groups(graph: FactGraph, deleted: LongArray) -> LongArray:
    subjects, objects = graph.subjects[deleted].astype(np.int64), graph.objects[deleted].astype(np.int64)
    keys = 2 * graph.relations[deleted].astype(np.int64)
    codes = np.concatenate((subjects * graph.num_keys + keys, objects * graph.num_keys + keys + 1))
    touched, counts = np.unique(codes, return_counts=True)
    groups = graph.codes.searchsorted(touched)
    emptied: LongArray = groups[graph.sizes(groups) == counts].astype(np.int64)
    return emptied


def _lost_degrees(graph: FactGraph, deleted: LongArray) -> dict[int, int]:
    ends = np.concatenate((graph.subjects[deleted], graph.objects[deleted]))
    entities, counts = np.unique(ends, return_counts=True)
    return dict(zip(entities.tolist(), counts.tolist(), strict=True))

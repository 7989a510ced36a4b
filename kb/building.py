"""Builds a generation from the rows of the store, streamed; carries over every label vector that is still right.

Reads rows through the store's feeds inside the caller's transaction, and writes nothing: `kb.generations` does.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kb.encoding import Encoder
from kb.errors import KnowledgeError
from kb.garbage import give_back
from kb.generations import Contents, Generation, Manifest
from kb.graph import FactGraph, FloatArray, IntArray, LongArray
from kb.index import LabelVectors, LabelVectorsBuilder, VectorIndex, normalised
from kb.lists import VectorsOf
from kb.names import NameIndexBuilder
from kb.records import TripleRow
from kb.texts import TextTableBuilder
from kb.view import KnowledgeView

BoolArray = NDArray[np.bool_]

ENCODED_CHARACTERS = 1_000
"""A label's vector is made from its beginning."""


class Rows(Protocol):
    """What a generation is made of, in the order of ids; `kb.store.TripleStore` gives it."""

    def revision(self, kb_id: int) -> int:
        """The number of changes so far."""
        ...

    def entity_rows(self, kb_id: int) -> Iterator[list[tuple[int, str, bool]]]:
        """Chunks of (id, label, is_literal)."""
        ...

    def alias_rows(self, kb_id: int) -> Iterator[list[tuple[int, str]]]:
        """Chunks of (entity_id, text)."""
        ...

    def relation_rows(self, kb_id: int) -> list[tuple[int, str]]:
        """(id, label) of all relations."""
        ...

    def triple_rows(self, kb_id: int) -> Iterator[list[TripleRow]]:
        """Chunks of (id, subject_id, relation_id, object_id, source)."""
        ...


class RowsInconsistent(KnowledgeError):
    """Rows of the store refer to rows that are not there."""


class GenerationBuilder:
    """Collects the rows of one KB at one revision and turns them into the contents of a generation."""

    def __init__(self, encoder: Encoder, previous: KnowledgeView | None, threads: int) -> None:
        self._encoder = encoder
        self._previous = previous
        self._threads = threads
        self._labels = TextTableBuilder()
        self._aliases = TextTableBuilder()
        self._vectors = LabelVectorsBuilder(encoder.dim)
        self._names = NameIndexBuilder()
        self.encoded_labels = 0

    def build(self, store: Rows, kb_id: int, identity: str) -> tuple[Contents, Manifest]:
        """All of a generation but the index of facts; the manifest lacks the files, which are not written yet."""
        revision = store.revision(kb_id)
        sources: dict[str, int] = {}
        with ThreadPoolExecutor(1) as encoding:
            entity_ids, literals, encoded = self._take_entities(store, kb_id, encoding)
            alias_entities = self._take_aliases(store, kb_id, entity_ids, literals)
            relation_ids, relation_labels, relation_vectors = self._take_relations(store, kb_id)
            triple_ids, parts, triple_sources = _take_triples(store, kb_id, entity_ids, relation_ids, sources)
            for part in encoded:
                part.result()
        give_back()  # the rows' memory, before the graph needs some
        source_names = TextTableBuilder()
        source_names.extend(sources)
        labels, aliases = self._labels.table(), self._aliases.table()
        contents = Contents(
            entity_ids=entity_ids,
            literals=literals,
            relation_ids=relation_ids,
            relation_labels=relation_labels.table(),
            triple_ids=triple_ids,
            triple_sources=triple_sources,
            source_names=source_names.table(),
            graph=FactGraph.build(*parts, len(relation_ids)),
            names=self._names.dictionary(labels, aliases, alias_entities),
            typos=self._names.typo_index(),
            label_vectors=self._vectors.table(),
            relation_vectors=relation_vectors,
        )
        manifest = Manifest(
            kb=identity,
            revision=revision,
            encoder=self._encoder.id,
            dim=self._encoder.dim,
            num_entities=len(entity_ids),
            num_relations=len(relation_ids),
            num_triples=len(triple_ids),
            last_triple_id=int(triple_ids[-1]) if len(triple_ids) else 0,
            files={},
        )
        return contents, manifest

    def _take_entities(
        self, store: Rows, kb_id: int, encoding: ThreadPoolExecutor
    ) -> tuple[LongArray, BoolArray, list[Future[None]]]:
        """Ids, literals and the ends of encoding the labels, which goes on while the other rows are read."""
        ids, literals, encoded = [np.empty(0, np.int64)], [np.empty(0, bool)], []
        for rows in store.entity_rows(kb_id):
            labels = [label for _, label, _ in rows]
            ids.append(np.array([entity_id for entity_id, _, _ in rows], np.int64))
            literals.append(np.array([is_literal for _, _, is_literal in rows], bool))
            self._labels.extend(labels)
            self._names.extend(labels, (not is_literal for _, _, is_literal in rows))
            encoded.append(encoding.submit(self._add_vectors, ids[-1], labels))
        return np.concatenate(ids), np.concatenate(literals), encoded

    def _add_vectors(self, ids: LongArray, labels: Sequence[str]) -> None:
        """The next entities' vectors: those of the previous view where the label is the same, the others encoded."""
        codes = np.empty((len(ids), self._encoder.dim), np.int8)
        scales = np.empty(len(ids), np.float32)
        missing = []
        previous = self._previous
        positions = [previous.position(entity_id) for entity_id in ids.tolist()] if previous else [None] * len(ids)
        for row, (position, label) in enumerate(zip(positions, labels, strict=True)):
            if previous is None or position is None or previous.label(position) != label:
                missing.append(row)
            else:
                codes[row], scales[row] = previous.label_code(position)
        if missing:
            fresh = LabelVectors.of(self._encoder.encode([labels[row][:ENCODED_CHARACTERS] for row in missing]))
            codes[missing], scales[missing] = fresh.codes, fresh.scales
            self.encoded_labels += len(missing)
        self._vectors.extend(LabelVectors(codes, scales))

    def _take_aliases(
        self,
        store: Rows,
        kb_id: int,
        entity_ids: LongArray,
        literals: BoolArray,
    ) -> IntArray:
        entities = [np.empty(0, np.int32)]
        for rows in store.alias_rows(kb_id):
            positions = _positions(entity_ids, [entity_id for entity_id, _ in rows])
            texts = [text for _, text in rows]
            entities.append(positions)
            self._aliases.extend(texts)
            self._names.extend(texts, (~literals[positions]).tolist())
        return np.concatenate(entities)

    def _take_relations(self, store: Rows, kb_id: int) -> tuple[LongArray, TextTableBuilder, FloatArray]:
        rows = store.relation_rows(kb_id)
        labels = [label for _, label in rows]
        table = TextTableBuilder()
        table.extend(labels)
        vectors = self._encoder.encode([label[:ENCODED_CHARACTERS] for label in labels])
        return (
            np.array([relation_id for relation_id, _ in rows], np.int64),
            table,
            vectors.reshape(-1, self._encoder.dim),
        )


def _take_triples(
    store: Rows, kb_id: int, entity_ids: LongArray, relation_ids: LongArray, sources: dict[str, int]
) -> tuple[LongArray, tuple[IntArray, IntArray, IntArray], IntArray]:
    none = np.empty(0, np.int32)
    ids, columns = [np.empty(0, np.int64)], ([none], [none], [none], [none])
    for rows in store.triple_rows(kb_id):
        triple_ids, subjects, relations, objects, names = zip(*rows, strict=True)
        ids.append(np.array(triple_ids, np.int64))
        columns[0].append(_positions(entity_ids, subjects))
        columns[1].append(_positions(relation_ids, relations))
        columns[2].append(_positions(entity_ids, objects))
        numbers = (-1 if name is None else sources.setdefault(name, len(sources)) for name in names)
        columns[3].append(np.fromiter(numbers, np.int32, len(names)))
    subject, relation, value, source = (np.concatenate(column) for column in columns)
    return np.concatenate(ids), (subject, relation, value), source


def _positions(sorted_ids: LongArray, ids: Sequence[int]) -> IntArray:
    wanted = np.array(ids, np.int64)
    places = sorted_ids.searchsorted(wanted)
    if len(wanted) and (not len(sorted_ids) or (sorted_ids[np.minimum(places, len(sorted_ids) - 1)] != wanted).any()):
        raise RowsInconsistent("The store has rows that refer to entities or relations that it does not have.")
    return places.astype(np.int32)


def fact_vectors(contents: Contents) -> VectorsOf:
    """The vectors of facts by place, composed from subject, relation and object when asked for."""
    graph, labels = contents.graph, contents.label_vectors

    def vectors_of(places: IntArray) -> FloatArray:
        vectors = labels.take(graph.subjects[places])
        vectors += contents.relation_vectors[graph.relations[places]]
        vectors += labels.take(graph.objects[places])
        return normalised(vectors)

    return vectors_of


def write_fact_index(path: Path, contents: Contents, dim: int, threads: int) -> None:
    """Write the index of all facts."""
    VectorIndex.write(path, contents.triple_ids, fact_vectors(contents), dim, threads)


def in_memory(contents: Contents, manifest: Manifest, threads: int) -> Generation:
    """A generation that is written nowhere."""
    facts = VectorIndex.flat_of(contents.triple_ids, fact_vectors(contents), manifest.dim, threads)
    return Generation.of(contents, facts, manifest)

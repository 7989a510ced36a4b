"""Builds a generation from the rows of the store, streamed; carries over every label vector that is still right.

Reads rows through the store's feeds inside the caller's transaction, and writes nothing: `kb.generations` does.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from kb.encoding import Encoder
from kb.errors import KnowledgeError
from kb.garbage import give_back
from kb.generations import Contents, Generation, Manifest
from kb.graph import FactGraph, FloatArray, IdArray, IntArray, LongArray
from kb.index import LabelVectors, VectorIndex, normalised
from kb.lists import BLOCK, Projected, VectorsOf
from kb.names import NameIndexBuilder
from kb.records import Facts, TripleRow
from kb.texts import TextTable, TextTableBuilder
from kb.view import KnowledgeView

BoolArray = NDArray[np.bool_]

ENCODED_CHARACTERS = 1_000
"""A label's vector is made from its beginning."""
ENCODED_TOGETHER = 4_096
"""Labels of a block, wherever it is encoded: the last bits of a vector depend on what is encoded with it."""

EncodeBlocks = Callable[[Iterable[Sequence[str]]], Iterator[LabelVectors]]
"""The vectors of blocks of labels, one block after the other."""


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


class Terms(NamedTuple):
    """Entities, aliases and relations in the order of their ids; what is made of their texts is still to come."""

    entity_ids: LongArray
    literals: BoolArray
    labels: TextTableBuilder
    alias_entities: IntArray
    aliases: TextTableBuilder
    relation_ids: LongArray
    relation_labels: list[str]


class GenerationBuilder:
    """Turns the rows of one KB at one revision into the contents of a generation; to be used as a context.

    Names are indexed and labels encoded by two threads, beside the graph, and not before all rows are read: who reads
    them may hold up others.
    """

    def __init__(
        self,
        encoder: Encoder,
        previous: KnowledgeView | None,
        threads: int,
        encode_blocks: EncodeBlocks | None = None,
    ) -> None:
        """Encode labels by `encode_blocks`, which gives what `encoder` gives; without it, here."""
        self._encoder = encoder
        self._encode_blocks = encode_blocks or self._encoded_here
        self._previous = previous
        self.threads = threads
        self._names = NameIndexBuilder()
        self._pool = ThreadPoolExecutor(2)
        self._is_ended = False
        self._to_name: deque[tuple[Sequence[str], BoolArray]] = deque()
        self._to_encode: deque[tuple[LongArray, Sequence[str]]] = deque()
        self.encoded_labels = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """What is not done by now is dropped."""
        self._is_ended = True
        self._pool.shutdown(cancel_futures=True)

    def build(self, store: Rows, kb_id: int, identity: str) -> tuple[Contents, Manifest]:
        """All of a generation but the index of facts; the manifest lacks the files, which are not written yet."""
        revision = store.revision(kb_id)
        terms = self.read_terms(store, kb_id)
        contents = self.contents(terms, read_facts(store, kb_id))
        return contents, self.manifest(contents, identity, revision)

    def read_terms(self, store: Rows, kb_id: int) -> Terms:
        """Entities, aliases and relations; their names and vectors are made by `contents`."""
        ids, literals, labels = [np.empty(0, np.int64)], [np.empty(0, bool)], TextTableBuilder()
        for rows in store.entity_rows(kb_id):
            numbers, texts, are_literal = zip(*rows, strict=True)
            ids.append(np.array(numbers, np.int64))
            literals.append(np.array(are_literal, bool))
            labels.extend(texts)
            self._to_name.append((texts, ~literals[-1]))
            self._to_encode.append((ids[-1], texts))
        entity_ids, are_literals = np.concatenate(ids), np.concatenate(literals)
        named, aliases = [np.empty(0, np.int32)], TextTableBuilder()
        for alias_rows in store.alias_rows(kb_id):
            owners, texts = zip(*alias_rows, strict=True)
            named.append(_positions(entity_ids, np.array(owners, np.int64)))
            aliases.extend(texts)
            self._to_name.append((texts, ~are_literals[named[-1]]))
        relations = store.relation_rows(kb_id)
        return Terms(
            entity_ids=entity_ids,
            literals=are_literals,
            labels=labels,
            alias_entities=np.concatenate(named),
            aliases=aliases,
            relation_ids=np.array([relation_id for relation_id, _ in relations], np.int64),
            relation_labels=[label for _, label in relations],
        )

    def contents(self, terms: Terms, facts: Facts) -> Contents:
        """Everything from the terms and the facts, which should not be held elsewhere: they are large. Once only.

        Raises:
            RowsInconsistent: a fact is of entities or relations that are not there.
        """
        named, vectors = self._pool.submit(self._index_names), self._pool.submit(self._encoded_labels)
        texts = [label[:ENCODED_CHARACTERS] for label in terms.relation_labels]
        relation_vectors = self._encoder.encode(texts).reshape(-1, self._encoder.dim)
        subjects, objects = (_positions(terms.entity_ids, column) for column in (facts.subjects, facts.objects))
        relations = _positions(terms.relation_ids, facts.relations)
        triple_ids, sources, source_names = facts.ids, facts.sources, TextTable.of(facts.source_names)
        del facts
        graph = FactGraph.build(subjects, relations, objects, len(terms.relation_ids))
        named.result()
        label_vectors = vectors.result()
        give_back()  # the texts' memory, before the names are sorted
        labels, aliases = terms.labels.table(), terms.aliases.table()
        names, self._names = self._names, NameIndexBuilder()
        return Contents(
            entity_ids=terms.entity_ids,
            literals=terms.literals,
            relation_ids=terms.relation_ids,
            relation_labels=TextTable.of(terms.relation_labels),
            triple_ids=triple_ids,
            triple_sources=sources,
            source_names=source_names,
            graph=graph,
            names=names.dictionary(labels, aliases, terms.alias_entities),
            typos=names.typo_index(),
            label_vectors=label_vectors,
            relation_vectors=relation_vectors,
        )

    def manifest(self, contents: Contents, identity: str, revision: int) -> Manifest:
        """What tells a generation of these contents; without its files."""
        ids = contents.triple_ids
        return Manifest(
            kb=identity,
            revision=revision,
            encoder=self._encoder.id,
            dim=self._encoder.dim,
            num_entities=len(contents.entity_ids),
            num_relations=len(contents.relation_ids),
            num_triples=len(ids),
            last_triple_id=int(ids[-1]) if len(ids) else 0,
            files={},
        )

    def _index_names(self) -> None:
        while self._to_name and not self._is_ended:
            texts, are_things = self._to_name.popleft()
            self._names.extend(texts, are_things.tolist())

    def _encoded_labels(self) -> LabelVectors:
        count = sum(len(ids) for ids, _ in self._to_encode)
        vectors = LabelVectors(np.empty((count, self._encoder.dim), np.int8), np.empty(count, np.float32))
        begun: deque[list[int]] = deque()
        for fresh in self._encode_blocks(self._missing_labels(vectors, begun)):
            rows = begun.popleft()
            vectors.codes[rows], vectors.scales[rows] = fresh.codes, fresh.scales
            self.encoded_labels += len(rows)
            if self._is_ended:
                break
        return vectors

    def _missing_labels(self, vectors: LabelVectors, begun: deque[list[int]]) -> Iterator[Sequence[str]]:
        """Blocks of labels to encode, their rows put into `begun`; other labels' vectors are the previous view's."""
        previous, start = self._previous, 0
        rows, texts = list[int](), list[str]()
        while self._to_encode and not self._is_ended:
            ids, labels = self._to_encode.popleft()
            for row, (entity_id, label) in enumerate(zip(ids.tolist(), labels, strict=True), start):
                position = previous.position(entity_id) if previous else None
                if previous is not None and position is not None and previous.label(position) == label:
                    vectors.codes[row], vectors.scales[row] = previous.label_code(position)
                    continue
                rows.append(row)
                texts.append(label[:ENCODED_CHARACTERS])
                if len(rows) == ENCODED_TOGETHER:
                    begun.append(rows)
                    yield texts
                    rows, texts = [], []
            start += len(ids)
        if rows:
            begun.append(rows)
            yield texts

    def _encoded_here(self, blocks: Iterable[Sequence[str]]) -> Iterator[LabelVectors]:
        return (LabelVectors.of(self._encoder.encode(labels)) for labels in blocks)


def read_facts(store: Rows, kb_id: int) -> Facts:
    """All facts of the store."""
    names: dict[str, int] = {}
    none = np.empty(0, np.int64)
    columns: tuple[list[LongArray], ...] = tuple([none] for _ in range(5))
    for rows in store.triple_rows(kb_id):
        *numbers, sources = zip(*rows, strict=True)
        numbers.append(tuple(-1 if name is None else names.setdefault(name, len(names)) for name in sources))
        for column, part in zip(columns, numbers, strict=True):
            column.append(np.array(part, np.int64))
    ids, subjects, relations, objects, of_sources = (np.concatenate(column) for column in columns)
    return Facts(ids, subjects, relations, objects, of_sources.astype(np.int32), tuple(names))


def _positions(sorted_ids: LongArray, wanted: IdArray) -> IntArray:
    places = sorted_ids.searchsorted(wanted)
    if len(wanted) and (not len(sorted_ids) or (sorted_ids[np.minimum(places, len(sorted_ids) - 1)] != wanted).any()):
        raise RowsInconsistent("The store has rows that refer to entities or relations that it does not have.")
    return places.astype(np.int32)


def _go_on() -> None:
    """Nothing stops it."""


def fact_vectors(contents: Contents, between: Callable[[], None] = _go_on) -> VectorsOf:
    """The vectors of facts by place, composed from subject, relation and object when asked for.

    `between` is called before each block, and ends the work by raising.
    """
    graph, labels = contents.graph, contents.label_vectors

    def vectors_of(places: IntArray) -> FloatArray:
        between()
        vectors = labels.take(graph.subjects[places])
        vectors += contents.relation_vectors[graph.relations[places]]
        vectors += labels.take(graph.objects[places])
        return normalised(vectors)

    return vectors_of


def projected_fact_vectors(contents: Contents) -> Projected:
    """The vectors of facts along some directions: each label is projected once, and kept in half the bits."""
    graph, labels = contents.graph, contents.label_vectors

    def along(directions: FloatArray) -> VectorsOf:
        relations = contents.relation_vectors @ directions
        entities = np.empty((len(labels), directions.shape[1]), np.float16)
        for start in range(0, len(labels), BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(labels)))
            entities[rows] = labels.take(rows) @ directions

        def vectors_of(places: IntArray) -> FloatArray:
            vectors = entities[graph.subjects[places]].astype(np.float32)
            vectors += relations[graph.relations[places]]
            vectors += entities[graph.objects[places]]
            return vectors

        return vectors_of

    return along


def write_fact_index(
    path: Path, contents: Contents, dim: int, threads: int, between: Callable[[], None] = _go_on
) -> None:
    """Write the index of all facts; `between` is called again and again, and ends the work by raising."""
    vectors_of, projected = fact_vectors(contents, between), projected_fact_vectors(contents)
    VectorIndex.write(path, contents.triple_ids, vectors_of, dim, threads, projected=projected)


def in_memory(contents: Contents, manifest: Manifest, threads: int) -> Generation:
    """A generation that is written nowhere."""
    facts = VectorIndex.flat_of(contents.triple_ids, fact_vectors(contents), manifest.dim, threads)
    return Generation.of(contents, facts, manifest)

"""Staging: terms are numbered and written to the stage with their names; triples stay in memory, as their numbers.

Terms get numbers as they come; the same term may get several, which the merge brings together, so the memory for terms
stays bounded; triples take 16 bytes each.
"""

from array import array
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from kb.appending import Row, append_rows
from kb.errors import TermInvalid
from kb.formats.batches import NumberedTriples
from kb.graph import IntArray
from kb.stage import StageTables
from kb.triples import Name, Term, Triple, normalise_label, surface_key, term_digest

SURFACE_CHARACTERS = 64
"""How much of a surface key is kept for searching."""

OWN_LABEL_RANK = 9
"""How good a label is that comes from no name."""

_MAX_REMEMBERED_TERMS = 4_000_000
_MAX_REMEMBERED_CHARACTERS = 1 << 28
_SECONDARY_NAMES = ("#altLabel", "/alternateName", "/altLabel")


_Key = str | tuple[str | None, ...]


class StagedTriples(NamedTuple):
    """Triples in their order, by the stage's numbers of their terms and sources; source 0 is none."""

    subjects: IntArray
    relations: IntArray
    objects: IntArray
    sources: IntArray


class Stager:
    """Numbers terms and writes them and names to the scratch tables of a connection; triples stay in memory.

    A triple takes 16 bytes. Terms are remembered by their texts up to a bound.
    """

    def __init__(self, connection: Connection, tables: StageTables) -> None:
        self._connection = connection
        self._tables = tables
        self._entities: dict[_Key, int] = {}
        self._relations: dict[_Key, int] = {}
        self._sources: dict[str | None, int] = {None: 0}
        self._characters = 0
        self._new_entities: list[Row] = []
        self._new_relations: list[Row] = []
        self._new_sources: list[Row] = []
        self._columns = tuple(array("i") for _ in StagedTriples._fields)
        self._num_relations = self._num_sources = 0
        self.num_triples = 0
        self.num_entities = 0
        self.num_names = 0

    def take_triples(self) -> StagedTriples:
        """All that were added; the stager keeps none of them."""
        columns, self._columns = self._columns, tuple(array("i") for _ in self._columns)
        return StagedTriples(*(np.asarray(column) for column in columns))

    def entity(self, term: Term) -> int:
        """The number of an entity. Raises: TermInvalid when one of its texts cannot be stored."""
        key = _key(term)
        return self._entities.get(key) or self._new_entity(term, key)

    def relation(self, term: Term) -> int:
        """The number of a relation. Raises: TermInvalid when one of its texts cannot be stored."""
        return self._relations.get(_key(term)) or self._new_relation(term)

    def add(self, triples: Sequence[Triple], names: Sequence[Name] = ()) -> None:
        """Stage them.

        Raises:
            TermInvalid: one of the texts cannot be stored.
        """
        entities, relations, sources = self._entities, self._relations, self._sources
        numbers: list[int] = []
        for subject, relation, object_, source in triples:
            # A thing without an IRI is its label, and the hash of a text is kept with it: this loop is hot.
            subject_key = subject[0] if subject[1] is None and subject[2] is None else _key(subject)
            object_key = object_[0] if object_[1] is None and object_[2] is None else _key(object_)
            numbers += (
                entities.get(subject_key) or self._new_entity(subject, subject_key),
                relations.get(_key(relation)) or self._new_relation(relation),
                entities.get(object_key) or self._new_entity(object_, object_key),
                sources[source] if source in sources else self._new_source(source),
            )
        name_rows = self._name_rows(names)
        for place, column in enumerate(self._columns):
            column.extend(numbers[place::4])
        self.num_triples += len(triples)
        self.num_names += len(names)
        self._write()
        append_rows(self._connection, self._tables.name, name_rows)

    def add_numbered(self, triples: NumberedTriples, source: str | None) -> None:
        """Stage triples whose terms were numbered by this stager, all of one source.

        Raises:
            TermInvalid: the source cannot be stored.
        """
        number = self._sources[source] if source in self._sources else self._new_source(source)
        sources = np.full(len(triples.subjects), number, np.int32)
        for column, numbers in zip(self._columns, (*triples, sources), strict=True):
            column.frombytes(numbers.tobytes())
        self.num_triples += len(sources)
        self._write()

    def forget(self) -> None:
        """Free the memory of the terms, when no more will come."""
        self._entities.clear()
        self._relations.clear()
        self._sources = {None: 0}
        self._characters = 0

    def _write(self) -> None:
        """Write what is new to the tables, and forget terms when they are too many."""
        append_rows(self._connection, self._tables.entity, self._new_entities)
        append_rows(self._connection, self._tables.relation, self._new_relations)
        append_rows(self._connection, self._tables.source, self._new_sources)
        self._new_entities, self._new_relations, self._new_sources = [], [], []
        num_remembered = len(self._entities) + len(self._relations) + len(self._sources)
        if num_remembered > _MAX_REMEMBERED_TERMS or self._characters > _MAX_REMEMBERED_CHARACTERS:
            self.forget()

    def _name_rows(self, names: Sequence[Name]) -> list[Row]:
        rows: list[Row] = []
        for number, (entity, text, language, property_) in enumerate(names, self.num_names + 1):
            identity = f"{_checked(text)}\0{language or ''}\0{_checked(property_)}"
            digest = blake2b(identity.encode(), digest_size=16).digest()
            rank = name_rank(language, property_)
            rows.append((number, self.entity(entity), digest, text, language, property_, rank, surface_of(text)))
        return rows

    def _new_entity(self, term: Term, key: _Key) -> int:
        label, iri, datatype, language = term
        _check_term(term)
        self.num_entities = number = self.num_entities + 1
        self._new_entities.append((number, term_digest(term), label, iri, datatype, language, surface_of(label)))
        self._entities[key] = number
        self._characters += len(label) if iri is None else len(iri)
        return number

    def _new_relation(self, term: Term) -> int:
        _check_term(term)
        self._num_relations = number = self._num_relations + 1
        self._new_relations.append((number, term_digest(term), term.label, term.iri))
        self._relations[_key(term)] = number
        self._characters += len(term.label) if term.iri is None else len(term.iri)
        return number

    def _new_source(self, source: str | None) -> int:
        self._num_sources = number = self._num_sources + 1
        self._new_sources.append((number, _checked(source)))
        self._sources[source] = number
        return number


def surface_of(text: str) -> str:
    """What a label or a prefix of one is found by: its surface key, or itself where that is empty, cut."""
    return (surface_key(text) or normalise_label(text))[:SURFACE_CHARACTERS]


def name_rank(language: str | None, property_: str) -> int:
    """How good a name is as a label, 0 is best: English, then no language, then any; alternative names after others."""
    secondary = property_.endswith(_SECONDARY_NAMES)
    if not language:
        return 2 + secondary
    return (0 if language.lower().partition("-")[0] == "en" else 4) + secondary


def _key(term: Term) -> _Key:
    """What makes a term itself, as texts only: the garbage collector would walk through our own tuples."""
    label, iri, datatype, language = term
    if iri is not None:
        return (iri,)
    return label if datatype is None else (label, datatype, language)


def _check_term(term: Term) -> None:
    label, *others = term
    if not label:
        raise TermInvalid(term.iri or "", "its label is empty")
    _checked(label)
    for text in others:
        if text is not None:
            _checked(text)


def _checked(text: str | None) -> str:
    assert text is not None
    if "\0" in text:
        raise TermInvalid(text, "it holds a NUL")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise TermInvalid(text, "it holds half of a surrogate pair") from error
    return text

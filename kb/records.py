"""What the store gives and takes: values only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kb.graph import IdArray
from kb.triples import Triple


@dataclass(frozen=True)
class Kb:
    """A knowledge base: the boundary that no query crosses."""

    id: int
    name: str
    created_at: datetime
    revision: int


@dataclass(frozen=True)
class Counts:
    """How much a KB holds; `entities` counts things, without literals."""

    triples: int
    entities: int
    literals: int
    relations: int
    aliases: int


@dataclass(frozen=True)
class Written:
    """What a write did: triples that are new and that were there already, and labels and aliases that are new."""

    accepted: int
    duplicates: int
    names: int
    revision: int


@dataclass(frozen=True)
class Deleted:
    """How many triples a deletion took, and the KB's revision after it."""

    count: int
    revision: int


@dataclass(frozen=True)
class TriplePattern:
    """Which triples: those that match all that is given, by label or IRI, exactly after normalisation."""

    subject: str | None = None
    relation: str | None = None
    object: str | None = None
    source: str | None = None


class StoredTriple(NamedTuple):
    """A triple and its ids."""

    id: int
    triple: Triple
    subject_id: int
    relation_id: int
    object_id: int


class EntityRow(NamedTuple):
    """An entity; its facts are counted up to 1,000 in each direction."""

    id: int
    label: str
    iri: str | None
    datatype: str | None
    language: str | None
    num_facts: int


class EntityDetails(NamedTuple):
    """An entity with its other names."""

    id: int
    label: str
    iri: str | None
    datatype: str | None
    language: str | None
    num_facts: int
    aliases: list[str]


@dataclass(frozen=True)
class RelationRow:
    """A relation and the number of its triples."""

    id: int
    label: str
    iri: str | None
    count: int


TripleRow = tuple[int, int, int, int, str | None]
"""id, subject_id, relation_id, object_id, source."""


class LastChange(NamedTuple):
    """The last change that a KB saw."""

    revision: int
    """The number of changes so far."""
    token: int | None
    """What tells it from any other one of its number, which a restored database may see; None: it has no token."""


@dataclass(frozen=True)
class Changes:
    """What happened to a KB between two revisions; what was added and deleted again is left out of the additions."""

    last: LastChange
    triples: list[TripleRow]
    deleted_triple_ids: list[int]
    entities: list[tuple[int, str, bool]]
    """id, label, is_literal of every entity that an added triple or name touches."""
    aliases: list[tuple[int, str]]
    """entity_id, text."""
    relations: list[tuple[int, str]]
    """id, label of every relation that an added triple uses, or that an added name may have renamed."""
    deleted_entity_ids: list[int]
    deleted_relation_ids: list[int]


class Facts(NamedTuple):
    """Facts as columns, in the order of their ids; source -1 is none."""

    ids: NDArray[np.int64]
    subjects: IdArray
    relations: IdArray
    objects: IdArray
    sources: NDArray[np.int32]
    source_names: Sequence[str]

"""From the stage into a KB: one change, by whole sets, in the caller's transaction.

The order of a merge: lock the KB, add unknown entities and relations, look up the ids of all, add aliases that are not
there, take better labels from new names, add triples that are not there, log the change.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Select,
    Table,
    and_,
    exists,
    func,
    insert,
    literal,
    select,
    text,
    true,
    union,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from kb import kbs
from kb.appending import append_numbers
from kb.database import affected, driver
from kb.graph import IdArray, IntArray
from kb.records import Counts, Facts, Written
from kb.stage import StageTables, analyse, scratch_tables, shrink_cache
from kb.staging import OWN_LABEL_RANK, StagedTriples, Stager
from kb.tables import alias, change, entity, relation, triple
from kb.triples import Name, Triple

BULK_ROWS = 100_000
"""From here on a load is large: SQLite may index afterwards, PostgreSQL is told how large its tables are now."""

_TRIPLE = ("subject_id", "relation_id", "object_id")

ANALYSED_ROWS = 500
"""From so many new entities on PostgreSQL is told of them before they are looked up. Knowing nothing of a new KB, it
takes one row for all that it has, and any index that begins with the KB for as good as the one by digest: each look-up
then reads the whole KB, 20 s for 6,000 entities."""


def write(connection: Connection, kb_id: int, triples: Sequence[Triple], names: Sequence[Name]) -> Written:
    """Add what is new of them."""
    revision = kbs.lock(connection, kb_id)
    if not triples and not names:
        return Written(0, 0, 0, revision)
    with scratch_tables(connection) as tables:
        stager = Stager(connection, tables)
        stager.add(triples, names)
        return merge(connection, kb_id, stager, tables)


def merge(
    connection: Connection,
    kb_id: int,
    stager: Stager,
    tables: StageTables,
    between: Callable[[], None] = lambda: None,
    begin_draft: Callable[[Facts], None] | None = None,
) -> Written:
    """Add what is new of the stage; `between` is called between the steps, and ends the merge by raising.

    `begin_draft` is called, on SQLite, with the first facts of a KB before they are added and after everything else is.

    Raises:
        KbNotFound: there is no such KB.
    """
    revision = kbs.lock(connection, kb_id)
    merging = _Merge(connection, kb_id, tables, stager, begin_draft)
    for step in (merging.add_terms, merging.add_names, merging.improve_labels, merging.add_triples):
        between()
        step()
    between()
    if merging.num_triples or merging.num_aliases:
        revision += 1
        merging.log(revision)
    return Written(merging.num_triples, stager.num_triples - merging.num_triples, merging.num_aliases, revision)


def resolve_ids(connection: Connection, kb_id: int, tables: StageTables) -> None:
    """Fill `entity_id` and `relation_id`: the KB's ids of the stage's terms, null for a term that it has not."""
    for stage, ids, table in (
        (tables.entity, tables.entity_id, entity),
        (tables.relation, tables.relation_id, relation),
    ):
        # A subquery, not a join: SQLite would be free to read the KB's whole table to look for a few staged rows.
        known = select(table.c.id).where(table.c.kb_id == kb_id, table.c.digest == stage.c.digest).scalar_subquery()
        connection.execute(insert(ids).from_select(["n", "id"], select(stage.c.n, known)))
    analyse(connection, (tables.entity_id, tables.relation_id))


class ResolvedTriples(NamedTuple):
    """Triples by the KB's ids, sorted by subject, relation and object, each once; source 0 is none."""

    subjects: IdArray
    relations: IdArray
    objects: IdArray
    sources: IntArray


def resolved(connection: Connection, tables: StageTables, staged: StagedTriples) -> ResolvedTriples:
    """The staged triples whose terms the KB has, after `resolve_ids`; of equal ones the first."""
    entity_ids, relation_ids = _ids(connection, tables.entity_id), _ids(connection, tables.relation_id)
    subjects, relations, objects = (
        entity_ids[staged.subjects],
        relation_ids[staged.relations],
        entity_ids[staged.objects],
    )
    order = np.lexsort((objects, relations, subjects))
    is_kept = (subjects[order] > 0) & (relations[order] > 0) & (objects[order] > 0)
    is_new = np.zeros(len(order), bool)
    is_new[:1] = True
    for column in (subjects, relations, objects):
        is_new[1:] |= column[order[1:]] != column[order[:-1]]
    order = order[is_kept & is_new]
    return ResolvedTriples(subjects[order], relations[order], objects[order], staged.sources[order])


def _ids(connection: Connection, table: Table) -> IdArray:
    """Ids by their numbers of the stage, which begin at 1; 0 where the KB has none. In 32 bits where they fit."""
    cursor = driver(connection).cursor()
    try:
        cursor.execute(f"SELECT coalesce(id, 0) FROM {table.fullname} ORDER BY n")
        ids = np.fromiter(chain([0], (number for (number,) in cursor)), np.int64)
    finally:
        cursor.close()
    return ids.astype(np.int32) if ids.max() < 2**31 else ids


def last_id(connection: Connection, table: Table) -> int:
    """The highest id that the table ever gave; what is inserted from now on gets higher ones."""
    if connection.dialect.name == "sqlite":
        query = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
    else:
        query = text("SELECT pg_sequence_last_value(pg_get_serial_sequence(:name, 'id'))")
    return int(connection.scalar(query, {"name": table.name}) or 0)


@contextmanager
def _indexed_afterwards(connection: Connection, table: Table, num_staged: int) -> Iterator[None]:
    """SQLite: make the secondary indexes anew where that is less work than adding to them; readers keep theirs.

    Sorted and written in one go an index costs a third, and needs no cache of its own size. In PostgreSQL it would
    lock out the readers.
    """
    is_worth_it = num_staged >= max(BULK_ROWS, last_id(connection, table))
    indexes = sorted(table.indexes, key=str) if is_worth_it and connection.dialect.name == "sqlite" else []
    for index in indexes:
        index.drop(connection)
    yield
    for index in indexes:
        index.create(connection)


@dataclass
class _Merge:
    connection: Connection
    kb_id: int
    tables: StageTables
    stager: Stager
    begin_draft: Callable[[Facts], None] | None

    def __post_init__(self) -> None:
        self._before = {table.name: last_id(self.connection, table) for table in (entity, triple, alias)}
        self._num_entities = self._num_relations = self.num_triples = self.num_aliases = 0

    def add_terms(self) -> None:
        """Entities and relations that the KB has not, and the ids of all that are staged."""
        stage = self.tables
        analyse(self.connection, (stage.entity, stage.relation, stage.name))
        columns = ["digest", "label", "iri", "datatype", "language", "surface"]
        with _indexed_afterwards(self.connection, entity, self.stager.num_entities):
            self._num_entities = self._add_missing(stage.entity, entity, columns)
        if self._num_entities >= ANALYSED_ROWS:
            analyse(self.connection, (entity,))
        self._num_relations = self._add_missing(stage.relation, relation, ["digest", "label", "iri"])
        resolve_ids(self.connection, self.kb_id, stage)

    def _add_missing(self, stage: Table, table: Table, columns: list[str]) -> int:
        values = [stage.c[column] for column in columns]
        rows = select(literal(self.kb_id), literal(OWN_LABEL_RANK), *values).order_by(stage.c.n)
        return self._insert_new(table, ["kb_id", "label_rank", *columns], rows)

    def add_names(self) -> None:
        """Names that the KB has not."""
        name, named = self.tables.name, self.tables.entity_id
        columns = ["digest", "text", "language", "property", "rank", "surface"]
        rows = (
            select(literal(self.kb_id), named.c.id, *(name.c[column] for column in columns))
            .select_from(name)
            .join(named, named.c.n == name.c.entity)
            .order_by(name.c.n)
        )
        self.num_aliases = self._insert_new(alias, ["kb_id", "entity_id", *columns], rows)

    def improve_labels(self) -> None:
        """Better labels for entities, and for relations with the same IRI, from new names."""
        if self.num_aliases:
            best = func.row_number().over(partition_by=alias.c.entity_id, order_by=(alias.c.rank, alias.c.id))
            new = alias.c.id > self._before["alias"]
            ranked = select(alias, best.label("place")).where(new, alias.c.kb_id == self.kb_id).subquery()
            self.connection.execute(
                update(entity)
                .where(entity.c.id == ranked.c.entity_id, ranked.c.place == 1)
                # What has no IRI is identified by its label, which therefore never changes.
                .where(entity.c.iri.is_not(None), ranked.c.rank < entity.c.label_rank)
                .values(label=ranked.c.text, label_rank=ranked.c.rank, surface=ranked.c.surface)
            )
        if self.num_aliases or self._num_relations:
            self._improve_relation_labels()

    def _improve_relation_labels(self) -> None:
        stage = self.tables
        named = select(stage.entity.c.digest).where(stage.entity.c.n.in_(select(stage.name.c.entity)))
        touched = union(select(stage.relation.c.digest), named)
        same = and_(entity.c.kb_id == self.kb_id, entity.c.digest == relation.c.digest)
        self.connection.execute(
            update(relation)
            .where(relation.c.kb_id == self.kb_id, relation.c.iri.is_not(None), relation.c.digest.in_(touched))
            .where(exists().where(same, entity.c.label_rank < relation.c.label_rank))
            .values(
                label=select(entity.c.label).where(same).scalar_subquery(),
                label_rank=select(entity.c.label_rank).where(same).scalar_subquery(),
            )
        )

    def add_triples(self) -> None:
        """Triples that the KB has not, sorted, so that the largest index grows at one place."""
        stage, first_id = self.tables, self._before["triple"] + 1
        if self.connection.dialect.name == "sqlite" and self.stager.num_triples >= BULK_ROWS:
            shrink_cache(self.connection)
        found = resolved(self.connection, stage, self.stager.take_triples())
        columns = ["kb_id", *_TRIPLE, "source"]
        values: list[ColumnElement[Any]] = [literal(self.kb_id), *(stage.triple.c[name] for name in _TRIPLE)]
        values.append(stage.source.c.text)
        if self.connection.dialect.name == "sqlite" and self._has_no_triples():  # and nobody else can give ids now
            columns, values = ["id", *columns], [literal(first_id - 1) + stage.triple.c.n, *values]
            if self.begin_draft is not None:
                self.begin_draft(self._facts(found, first_id))
        append_numbers(self.connection, stage.triple, found)
        analyse(self.connection, (stage.triple,))
        is_source = stage.source.c.n == stage.triple.c.source
        rows = select(*values).select_from(stage.triple).join(stage.source, is_source, isouter=True)
        with _indexed_afterwards(self.connection, triple, self.stager.num_triples):
            self.num_triples = self._insert_new(triple, columns, rows.order_by(stage.triple.c.n))

    def _has_no_triples(self) -> bool:
        return self.connection.scalar(select(triple.c.id).where(triple.c.kb_id == self.kb_id).limit(1)) is None

    def _facts(self, found: ResolvedTriples, first_id: int) -> Facts:
        source = self.tables.source
        names = list(self.connection.scalars(select(source.c.text).order_by(source.c.n)))
        ids = np.arange(first_id, first_id + len(found.subjects))
        return Facts(ids, *found[:3], found.sources - 1, names)

    def log(self, revision: int) -> None:
        """Note the change and count it."""
        first_triple, last_triple = self._new_ids(triple, self.num_triples)
        first_alias, last_alias = self._new_ids(alias, self.num_aliases)
        self.connection.execute(
            insert(change).values(
                kb_id=self.kb_id,
                revision=revision,
                first_triple_id=first_triple,
                last_triple_id=last_triple,
                first_alias_id=first_alias,
                last_alias_id=last_alias,
            )
        )
        new_literal = and_(
            entity.c.kb_id == self.kb_id, entity.c.id > self._before["entity"], entity.c.datatype.is_not(None)
        )
        literals = 0
        if self._num_entities:
            literals = self.connection.scalar(select(func.count()).select_from(entity).where(new_literal)) or 0
        counts = Counts(
            self.num_triples, self._num_entities - literals, literals, self._num_relations, self.num_aliases
        )
        kbs.count_change(self.connection, self.kb_id, revision, counts)
        if self.stager.num_triples >= BULK_ROWS:
            analyse(self.connection, (entity, alias, relation, triple))

    def _new_ids(self, table: Table, num_new: int) -> tuple[int | None, int | None]:
        """The first and the last id that this merge gave; between them may be some of other KBs."""
        if not num_new:
            return None, None
        new = (table.c.kb_id == self.kb_id) & (table.c.id > self._before[table.name])
        first = select(table.c.id).where(new).order_by(table.c.id).limit(1)
        last = select(table.c.id).where(new).order_by(table.c.id.desc()).limit(1)
        return self.connection.scalar(first), self.connection.scalar(last)

    def _insert_new(self, table: Table, columns: list[str], rows: Select[*tuple[Any, ...]]) -> int:
        # WHERE true: without it SQLite may take ON CONFLICT for the condition of a join.
        statement: Insert
        if self.connection.dialect.name == "sqlite":
            statement = sqlite.insert(table).from_select(columns, rows.where(true())).on_conflict_do_nothing()
        else:
            statement = postgresql.insert(table).from_select(columns, rows).on_conflict_do_nothing()
        return affected(self.connection, statement)

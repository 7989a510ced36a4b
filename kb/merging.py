"""From the stage into a KB: one change, by whole sets, in the caller's transaction.

The order of a merge: lock the KB, add unknown entities and relations, look up the ids of all, add triples and aliases
that are not there, take better labels from new names, log the change.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
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
from kb.database import affected
from kb.records import Counts, Written
from kb.staging import OWN_LABEL_RANK, Stager, StageTables, analyse, scratch_tables
from kb.tables import alias, change, entity, relation, triple
from kb.triples import Name, Triple

BULK_ROWS = 100_000
"""From here on a load is large: SQLite may index afterwards, PostgreSQL is told how large its tables are now."""

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
) -> Written:
    """Add what is new of the stage; `between` is called between the steps, and ends the merge by raising.

    Raises:
        KbNotFound: there is no such KB.
    """
    revision = kbs.lock(connection, kb_id)
    merging = _Merge(connection, kb_id, tables, stager.num_triples, stager.num_entities)
    for step in (merging.add_terms, merging.add_triples, merging.add_names, merging.improve_labels):
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
    num_staged: int
    num_staged_entities: int

    def __post_init__(self) -> None:
        self._before = {table.name: last_id(self.connection, table) for table in (entity, triple, alias)}
        self._num_entities = self._num_relations = self.num_triples = self.num_aliases = 0

    def add_terms(self) -> None:
        """Entities and relations that the KB has not, and the ids of all that are staged."""
        stage = self.tables
        analyse(self.connection, (stage.entity, stage.relation, stage.triple, stage.name))
        columns = ["digest", "label", "iri", "datatype", "language", "surface"]
        with _indexed_afterwards(self.connection, entity, self.num_staged_entities):
            self._num_entities = self._add_missing(stage.entity, entity, columns)
        if self._num_entities >= ANALYSED_ROWS:
            analyse(self.connection, (entity,))
        self._num_relations = self._add_missing(stage.relation, relation, ["digest", "label", "iri"])
        resolve_ids(self.connection, self.kb_id, stage)

    def _add_missing(self, stage: Table, table: Table, columns: list[str]) -> int:
        values = [stage.c[column] for column in columns]
        rows = select(literal(self.kb_id), literal(OWN_LABEL_RANK), *values).order_by(stage.c.n)
        return self._insert_new(table, ["kb_id", "label_rank", *columns], rows)

    def add_triples(self) -> None:
        """Triples that the KB has not, sorted, so that the largest index grows at one place."""
        stage = self.tables
        subject, relation_, object_ = stage.entity_id.alias(), stage.relation_id, stage.entity_id.alias()
        rows = (
            select(literal(self.kb_id), subject.c.id, relation_.c.id, object_.c.id, stage.triple.c.source)
            .select_from(stage.triple)
            .join(subject, subject.c.n == stage.triple.c.subject)
            .join(relation_, relation_.c.n == stage.triple.c.relation)
            .join(object_, object_.c.n == stage.triple.c.object)
            .order_by(subject.c.id, relation_.c.id, object_.c.id, stage.triple.c.n)
        )
        columns = ["kb_id", "subject_id", "relation_id", "object_id", "source"]
        with _indexed_afterwards(self.connection, triple, self.num_staged):
            self.num_triples = self._insert_new(triple, columns, rows)

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
        if self.num_staged >= BULK_ROWS:
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

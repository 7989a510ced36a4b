"""Deleting triples, with the entities and relations that are left without any, and deleting whole KBs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Event

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    Table,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    union,
    update,
)

from kb import kbs
from kb.appending import append_numbers
from kb.browsing import matching
from kb.database import affected, reading, writing
from kb.errors import EmptyPattern
from kb.merging import resolve_ids, resolved
from kb.records import Counts, Deleted, TriplePattern
from kb.stage import StageTables, analyse, scratch_tables
from kb.staging import Stager
from kb.tables import ENTITY, RELATION, TRIPLE, alias, change, deletion, entity, kb, relation, triple
from kb.triples import Triple

PURGED_ROWS = 20_000
"""How many rows of a deleted KB one transaction removes, so that other writers wait for a moment only."""

_TABLES_OF_A_KB = (triple, alias, entity, relation)
_LOGS_OF_A_KB = (change, deletion)


def delete_matching(connection: Connection, kb_id: int, pattern: TriplePattern) -> Deleted:
    """Delete the triples that match."""
    if pattern == TriplePattern():
        raise EmptyPattern
    revision = kbs.lock(connection, kb_id)
    found = matching(connection, kb_id, pattern)
    if found is None:
        return Deleted(0, revision)
    with scratch_tables(connection) as tables:
        # Their ids first: for all columns at once SQLite prefers to read the whole KB in an index that has them all.
        ids = select(triple.c.id).where(*found.conditions)
        columns = (triple.c.id, triple.c.subject_id, triple.c.relation_id, triple.c.object_id)
        doomed = select(*columns).where(triple.c.id.in_(ids))
        return _delete_selected(connection, kb_id, revision, tables, doomed)


def delete_triples(connection: Connection, kb_id: int, triples: Sequence[Triple]) -> Deleted:
    """Delete exactly these triples."""
    revision = kbs.lock(connection, kb_id)
    with scratch_tables(connection) as tables:
        stager = Stager(connection, tables)
        stager.add(triples)
        resolve_ids(connection, kb_id, tables)
        append_numbers(connection, tables.triple, resolved(connection, tables, stager.take_triples()))
        return _delete_selected(connection, kb_id, revision, tables, _found(connection, kb_id, tables.triple))


def _found(connection: Connection, kb_id: int, asked: Table) -> Select[int, int, int, int]:
    """The stored triples that are asked for, each looked up in the unique index."""
    columns = ("subject_id", "relation_id", "object_id")
    here = and_(triple.c.kb_id == kb_id, *(triple.c[name] == asked.c[name] for name in columns))
    return select(triple.c.id, *(asked.c[name] for name in columns)).select_from(asked).join(triple, here)


def _delete_selected(
    connection: Connection,
    kb_id: int,
    revision: int,
    tables: StageTables,
    doomed: Select[int, int, int, int],
) -> Deleted:
    columns = ["id", "subject_id", "relation_id", "object_id"]
    count = affected(connection, insert(tables.doomed).from_select(columns, doomed))
    if not count:
        return Deleted(0, revision)
    analyse(connection, [tables.doomed])
    revision += 1
    connection.execute(insert(change).values(kb_id=kb_id, revision=revision))
    _log(connection, kb_id, revision, TRIPLE, select(tables.doomed.c.id))
    connection.execute(delete(triple).where(triple.c.id.in_(select(tables.doomed.c.id))))
    removed = _delete_orphans(connection, kb_id, revision, tables)
    kbs.count_change(
        connection,
        kb_id,
        revision,
        Counts(-count, -removed.entities, -removed.literals, -removed.relations, -removed.aliases),
    )
    return Deleted(count, revision)


def _delete_orphans(connection: Connection, kb_id: int, revision: int, tables: StageTables) -> Counts:
    """Remove what the deletion left without triples, and say how much."""
    doomed = tables.doomed
    used = exists().where(triple.c.kb_id == kb_id, triple.c.relation_id == relation.c.id)
    idle = select(relation.c.id).where(relation.c.id.in_(select(doomed.c.relation_id)), ~used)
    _log(connection, kb_id, revision, RELATION, idle)
    gone_relations = _logged(kb_id, revision, RELATION)
    # The names of a relation belong to the entity with its IRI, which may have no triple of its own.
    of_gone_relations = entity.c.digest.in_(select(relation.c.digest).where(relation.c.id.in_(gone_relations)))
    namesakes = select(entity.c.id).where(entity.c.kb_id == kb_id, of_gone_relations)
    touched = union(select(doomed.c.subject_id), select(doomed.c.object_id), namesakes)
    of_kb = triple.c.kb_id == kb_id
    is_subject = exists().where(of_kb, triple.c.subject_id == entity.c.id)
    is_object = exists().where(of_kb, triple.c.object_id == entity.c.id)
    orphans = select(entity.c.id).where(
        entity.c.id.in_(touched), ~is_subject, ~is_object, ~_names_a_relation(kb_id, gone_relations)
    )
    _log(connection, kb_id, revision, ENTITY, orphans)
    gone = _logged(kb_id, revision, ENTITY)
    num_literals = connection.scalar(
        select(func.count()).select_from(entity).where(entity.c.id.in_(gone), entity.c.datatype.is_not(None))
    )
    of_gone = (alias.c.kb_id == kb_id) & alias.c.entity_id.in_(gone)
    num_aliases = affected(connection, delete(alias).where(of_gone))
    num_entities = affected(connection, delete(entity).where(entity.c.id.in_(gone)))
    num_relations = affected(connection, delete(relation).where(relation.c.id.in_(gone_relations)))
    literals = num_literals or 0
    return Counts(0, num_entities - literals, literals, num_relations, num_aliases)


def _names_a_relation(kb_id: int, gone_relations: Select[int]) -> ColumnElement[bool]:
    """Whether an entity has names that are those of a relation which stays."""
    is_named = exists().where(alias.c.kb_id == kb_id, alias.c.entity_id == entity.c.id)
    is_relation = exists().where(
        relation.c.kb_id == kb_id, relation.c.digest == entity.c.digest, relation.c.id.not_in(gone_relations)
    )
    return and_(entity.c.iri.is_not(None), is_named, is_relation)


def _log(connection: Connection, kb_id: int, revision: int, kind: int, ids: Select[int]) -> None:
    found = ids.subquery()
    rows = select(literal(kb_id), literal(revision), literal(kind), found.c.id)
    connection.execute(insert(deletion).from_select(["kb_id", "revision", "kind", "row_id"], rows))


def _logged(kb_id: int, revision: int, kind: int) -> Select[int]:
    same = (deletion.c.kb_id == kb_id) & (deletion.c.revision == revision) & (deletion.c.kind == kind)
    return select(deletion.c.row_id).where(same)


def delete_kb(connection: Connection, kb_id: int) -> None:
    """Hide the KB and free its name, and remove as many of its rows as one transaction should."""
    kbs.lock(connection, kb_id)
    connection.execute(
        update(kb).where(kb.c.id == kb_id).values(name=f"#{kb_id}", deleted_at=datetime.now(UTC), settings={})
    )
    _purge_some(connection, kb_id)


def purge(engine: Engine, stopping: Event | None = None) -> int:
    """Remove the rest of deleted KBs, in many short transactions; the number of KBs that are gone now.

    Call it after `delete_kb` was committed, and when a process starts: it goes on where another one stopped, or was
    told to by `stopping`.
    """
    num_gone = 0
    query = select(kb.c.id).where(kb.c.deleted_at.is_not(None)).order_by(kb.c.id).limit(1)
    with reading(engine) as connection:
        is_any = connection.scalar(query) is not None  # else nothing that writes for long is waited for
    while is_any and not (stopping is not None and stopping.is_set()):
        with writing(engine) as connection:
            kb_id = connection.scalar(query.with_for_update(skip_locked=True))
            if kb_id is None:
                break
            num_gone += _purge_some(connection, kb_id)
    return num_gone


def _purge_some(connection: Connection, kb_id: int) -> bool:
    """Remove rows of a deleted KB up to the limit; whether it is gone."""
    left = PURGED_ROWS
    for table in _TABLES_OF_A_KB:
        ids = select(table.c.id).where(table.c.kb_id == kb_id).limit(left)
        left -= affected(connection, delete(table).where(table.c.id.in_(ids)))
        if left <= 0:
            return False
    for log in _LOGS_OF_A_KB:
        connection.execute(delete(log).where(log.c.kb_id == kb_id))
    connection.execute(delete(kb).where(kb.c.id == kb_id))
    return True

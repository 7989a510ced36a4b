"""Knowledge bases as rows: made, found, locked for a change, and their changes counted."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from kb import database
from kb.errors import KbExists, KbNotFound
from kb.records import Counts, Kb, LastChange
from kb.tables import change, deletion, kb

KEPT_REVISIONS = 10_000
"""How many changes the log remembers; who is further behind reads everything anew."""

_TRIM_EVERY = 100
_COLUMNS = (kb.c.id, kb.c.name, kb.c.created_at, kb.c.revision)
_COUNTS = (kb.c.num_triples, kb.c.num_entities, kb.c.num_literals, kb.c.num_relations, kb.c.num_aliases)
_is_alive = kb.c.deleted_at.is_(None)
_TOKEN = select(change.c.token).where(change.c.kb_id == kb.c.id, change.c.revision == kb.c.revision).scalar_subquery()
_LAST_CHANGE = select(kb.c.revision, _TOKEN).where(kb.c.id == bindparam("kb_id"), _is_alive)


def create(connection: Connection, name: str) -> Kb:
    """A new, empty KB."""
    counts = {column.name: 0 for column in _COUNTS}
    values = {"name": name, "created_at": datetime.now(UTC), "revision": 0, "settings": {}, **counts}
    try:
        with connection.begin_nested():
            return _kb_of(connection.execute(insert(kb).values(values).returning(*_COLUMNS)).one())
    except IntegrityError:
        raise KbExists(name) from None


def named(connection: Connection, name: str, only: int | None = None) -> Kb:
    """The KB of this name, if its id is `only`, where that is given."""
    row = connection.execute(select(*_COLUMNS).where(kb.c.name == name, _is_alive)).one_or_none()
    if row is None or only not in (None, row.id):
        raise KbNotFound(name)
    return _kb_of(row)


def all_of(connection: Connection) -> list[Kb]:
    """All KBs, by name."""
    return [_kb_of(row) for row in connection.execute(select(*_COLUMNS).where(_is_alive).order_by(kb.c.name))]


def revision(connection: Connection, kb_id: int) -> int:
    """The number of changes so far."""
    return last_change(connection, kb_id).revision


def last_change(connection: Connection, kb_id: int) -> LastChange:
    """The last change so far."""
    return _last_change(connection.execute(_LAST_CHANGE, {"kb_id": kb_id}).one_or_none(), kb_id)


def last_committed_change(engine: Engine, kb_id: int) -> LastChange:
    """The last change committed so far, in a read of its own: what each question asks first."""
    return _last_change(database.read_row(engine, _LAST_CHANGE, kb_id=kb_id), kb_id)


def counts(connection: Connection, kb_id: int) -> Counts:
    """How much the KB holds."""
    row = connection.execute(select(*_COUNTS).where(kb.c.id == kb_id, _is_alive)).one_or_none()
    if row is None:
        raise KbNotFound(kb_id)
    return Counts(*row)


def lock(connection: Connection, kb_id: int) -> int:
    """The revision; until the transaction ends, nobody else changes the KB, but feedback on it may be added."""
    query = select(kb.c.revision).where(kb.c.id == kb_id, _is_alive).with_for_update(key_share=True)
    found = connection.scalar(query)
    if found is None:
        raise KbNotFound(kb_id)
    return int(found)


def count_change(connection: Connection, kb_id: int, revision: int, more: Counts) -> None:
    """Makes `revision` the KB's and adds to its counts, which may be negative."""
    connection.execute(
        update(kb)
        .where(kb.c.id == kb_id)
        .values(
            revision=revision,
            num_triples=kb.c.num_triples + more.triples,
            num_entities=kb.c.num_entities + more.entities,
            num_literals=kb.c.num_literals + more.literals,
            num_relations=kb.c.num_relations + more.relations,
            num_aliases=kb.c.num_aliases + more.aliases,
        )
    )
    if revision % _TRIM_EVERY == 0:
        for log in (change, deletion):
            connection.execute(delete(log).where(log.c.kb_id == kb_id, log.c.revision <= revision - KEPT_REVISIONS))


def _last_change(row: Sequence[Any] | None, kb_id: int) -> LastChange:
    if row is None:
        raise KbNotFound(kb_id)
    return LastChange(*row)


def _kb_of(row: Row[int, str, datetime, int]) -> Kb:
    return Kb(row.id, row.name, row.created_at, row.revision)

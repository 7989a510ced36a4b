"""What derived structures are fed with: everything in chunks, or only what changed since a revision."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, exists, func, select, union

from kb import kbs
from kb.database import stream
from kb.records import Changes, LastChange, TripleRow
from kb.tables import ENTITY, RELATION, TRIPLE, alias, change, deletion, entity, relation, triple

_TRIPLE_ROW = (triple.c.id, triple.c.subject_id, triple.c.relation_id, triple.c.object_id, triple.c.source)
_ENTITY_ROW = (entity.c.id, entity.c.label, entity.c.datatype.is_not(None))


def entity_rows(connection: Connection, kb_id: int) -> Iterator[list[tuple[int, str, bool]]]:
    """Chunks of (id, label, is_literal)."""
    for chunk in stream(connection, select(*_ENTITY_ROW).where(entity.c.kb_id == kb_id).order_by(entity.c.id)):
        yield [(number, label, bool(is_literal)) for number, label, is_literal in chunk]


def alias_rows(connection: Connection, kb_id: int) -> Iterator[list[tuple[int, str]]]:
    """Chunks of (entity_id, text)."""
    query = select(alias.c.entity_id, alias.c.text).where(alias.c.kb_id == kb_id).order_by(alias.c.id)
    yield from stream(connection, query)


def relation_rows(connection: Connection, kb_id: int) -> list[tuple[int, str]]:
    """(id, label) of all relations."""
    query = select(relation.c.id, relation.c.label).where(relation.c.kb_id == kb_id).order_by(relation.c.id)
    return [(row[0], row[1]) for row in connection.execute(query)]


def triple_rows(connection: Connection, kb_id: int) -> Iterator[list[TripleRow]]:
    """Chunks of (id, subject_id, relation_id, object_id, source)."""
    yield from stream(connection, select(*_TRIPLE_ROW).where(triple.c.kb_id == kb_id).order_by(triple.c.id))


def since(connection: Connection, kb_id: int, revision: int, limit: int) -> Changes | None:
    """What changed after `revision`, unless that is more than `limit` rows or longer ago than the log goes back."""
    last = kbs.last_change(connection, kb_id)
    first_triple, first_alias, num_changes = connection.execute(
        select(func.min(change.c.first_triple_id), func.min(change.c.first_alias_id), func.count()).where(
            change.c.kb_id == kb_id, change.c.revision > revision
        )
    ).one()
    if num_changes != last.revision - revision:
        return None
    added = _added(triple.c.kb_id == kb_id, triple.c.id, first_triple)
    named = _added(alias.c.kb_id == kb_id, alias.c.id, first_alias)
    triples = [
        tuple(row)
        for row in connection.execute(select(*_TRIPLE_ROW).where(*added).order_by(triple.c.id).limit(limit + 1))
    ]
    names = select(alias.c.entity_id, alias.c.text).where(*named).order_by(alias.c.id).limit(limit + 1)
    aliases = [(row[0], row[1]) for row in connection.execute(names)]
    deleted = _deleted(connection, kb_id, revision, limit)
    if len(triples) + len(aliases) + sum(map(len, deleted.values())) > limit:
        return None
    return Changes(
        last=last,
        triples=triples,
        deleted_triple_ids=deleted[TRIPLE],
        entities=_touched_entities(connection, added, named),
        aliases=aliases,
        relations=_touched_relations(connection, kb_id, added, named),
        deleted_entity_ids=deleted[ENTITY],
        deleted_relation_ids=deleted[RELATION],
    )


def has_seen(connection: Connection, kb_id: int, one: LastChange) -> bool:
    """Whether the KB was once as this change left it; of one too long ago to be remembered, its number is believed."""
    of_it = (change.c.kb_id == kb_id, change.c.revision == one.revision)
    is_another = select(exists().where(*of_it, change.c.token.is_distinct_from(one.token)))
    return one.revision <= kbs.revision(connection, kb_id) and not connection.scalar(is_another)


def is_larger(connection: Connection, kb_id: int, revision: int, limit: int) -> bool:
    """Whether the change to this revision added, of what is left, and deleted more than `limit` rows."""
    of_change = (change.c.kb_id == kb_id, change.c.revision == revision)
    ranges = (
        (triple, change.c.first_triple_id, change.c.last_triple_id),
        (alias, change.c.first_alias_id, change.c.last_alias_id),
    )
    added = [
        select(table.c.id).where(*of_change, table.c.kb_id == kb_id, table.c.id.between(first, last))
        for table, first, last in ranges
    ]
    gone = select(deletion.c.row_id).where(deletion.c.kb_id == kb_id, deletion.c.revision == revision)
    counts = [select(func.count()).select_from(rows.limit(limit + 1).subquery()) for rows in (*added, gone)]
    return sum(connection.scalar(count) or 0 for count in counts) > limit


Conditions = tuple[ColumnElement[bool], ...]


def _added(of_kb: ColumnElement[bool], number: ColumnElement[int], first: int | None) -> Conditions:
    """Ids grow with the revision, so everything from the first added one on was added since."""
    return (of_kb, number >= first) if first is not None else (of_kb, number < 0)


def _deleted(connection: Connection, kb_id: int, revision: int, limit: int) -> dict[int, list[int]]:
    later = (deletion.c.kb_id == kb_id, deletion.c.revision > revision)
    rows = connection.execute(select(deletion.c.kind, deletion.c.row_id).where(*later).limit(limit + 1))
    found: dict[int, list[int]] = {TRIPLE: [], ENTITY: [], RELATION: []}
    for kind, row_id in rows:
        found[kind].append(row_id)
    return {kind: sorted(ids) for kind, ids in found.items()}


def _touched_entities(connection: Connection, added: Conditions, named: Conditions) -> list[tuple[int, str, bool]]:
    touched = union(
        select(triple.c.subject_id).where(*added),
        select(triple.c.object_id).where(*added),
        select(alias.c.entity_id).where(*named),
    )
    rows = connection.execute(select(*_ENTITY_ROW).where(entity.c.id.in_(touched)).order_by(entity.c.id))
    return [(row[0], row[1], bool(row[2])) for row in rows]


def _touched_relations(
    connection: Connection, kb_id: int, added: Conditions, named: Conditions
) -> list[tuple[int, str]]:
    used = select(triple.c.relation_id).where(*added)
    # A new name of an entity is one of the relation with the same IRI, too.
    digests = select(entity.c.digest).where(entity.c.id.in_(select(alias.c.entity_id).where(*named)))
    renamed = select(relation.c.id).where(relation.c.kb_id == kb_id, relation.c.digest.in_(digests))
    touched = union(used, renamed)
    query = select(relation.c.id, relation.c.label).where(relation.c.id.in_(touched)).order_by(relation.c.id)
    return [(row[0], row[1]) for row in connection.execute(query)]

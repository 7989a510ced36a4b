"""Reading a KB as people do: filters, entities by name, facts of an entity, relations, the whole as an export.

Each query is written for one index, and a test looks at the plans: without statistics SQLite guesses.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, func, select, union

from kb.database import stream
from kb.errors import EntityNotFound
from kb.records import EntityDetails, EntityRow, RelationRow, StoredTriple, TriplePattern
from kb.staging import OWN_LABEL_RANK, surface_of
from kb.tables import alias, entity, relation, triple
from kb.triples import Name, Term, Triple, normalise_label, readable_relation, term_digest

MAX_COUNTED_FACTS = 1_000
"""Facts of an entity are counted up to here in each direction, so that a hub costs no more."""

AnyRow = Row[*tuple[Any, ...]] | tuple[Any, ...]

_ALIASES_PER_ENTITY = 4
_LAST_CHARACTER = "\U0010ffff"

_subject = entity.alias("subject")
_object = entity.alias("object")


class Matching(NamedTuple):
    """The conditions of a pattern, and whether one index gives what meets them in the order of the ids."""

    conditions: list[ColumnElement[bool]]
    is_ordered: bool


def matching(connection: Connection, kb_id: int, pattern: TriplePattern) -> Matching | None:
    """What a triple must meet; None when the KB has no entity or relation of a given name."""
    conditions = [triple.c.kb_id == kb_id]
    is_ordered = pattern.subject is None
    for column, text, named in (
        (triple.c.subject_id, pattern.subject, _entities_named),
        (triple.c.object_id, pattern.object, _entities_named),
        (triple.c.relation_id, pattern.relation, _relations_named),
    ):
        if text is None:
            continue
        ids = named(kb_id, text)
        found = list(connection.scalars(ids.limit(2)))
        if not found:
            return None
        conditions.append(column == found[0] if len(found) == 1 else column.in_(ids))
        is_ordered = is_ordered and len(found) == 1
    if pattern.source is not None:
        conditions.append(triple.c.source == normalise_label(pattern.source))
    return Matching(conditions, is_ordered)


def browse(connection: Connection, kb_id: int, pattern: TriplePattern, after_id: int, limit: int) -> list[StoredTriple]:
    """A page of the triples that match."""
    found = matching(connection, kb_id, pattern)
    if found is None:
        return []
    return _page(connection, _ids(found, after_id, limit), limit)


def facts_of(connection: Connection, kb_id: int, entity_id: int, after_id: int, limit: int) -> list[StoredTriple]:
    """A page of the triples in which the entity is subject or object."""
    of_kb = triple.c.kb_id == kb_id
    sides = (
        _ids(Matching([of_kb, triple.c.subject_id == entity_id], is_ordered=False), after_id, limit),
        _ids(Matching([of_kb, triple.c.object_id == entity_id], is_ordered=True), after_id, limit),
    )
    return _page(connection, union(*(select(side.subquery().c.id) for side in sides)), limit)


def _ids(found: Matching, after_id: int, limit: int) -> Select[int]:
    ids = select(triple.c.id).where(*found.conditions)
    if found.is_ordered:
        return ids.where(triple.c.id > after_id).order_by(triple.c.id).limit(limit)
    # Kept apart from the order, or SQLite would walk through the whole KB in order, to find the few that match.
    few = ids.cte().prefix_with("MATERIALIZED")
    return select(few.c.id).where(few.c.id > after_id).order_by(few.c.id).limit(limit)


def _page(connection: Connection, ids: Any, limit: int) -> list[StoredTriple]:  # noqa: ANN401 - any select of ids
    wanted = ids.subquery("wanted")
    rows = connection.execute(_triples().where(triple.c.id.in_(select(wanted.c.id))).order_by(triple.c.id).limit(limit))
    return [_stored(row) for row in rows]


def _triples() -> Select[*tuple[Any, ...]]:
    return (
        select(triple.c.id, triple.c.subject_id, triple.c.relation_id, triple.c.object_id, triple.c.source)
        .add_columns(_subject.c.label, _subject.c.iri, _subject.c.datatype, _subject.c.language)
        .add_columns(relation.c.label, relation.c.iri)
        .add_columns(_object.c.label, _object.c.iri, _object.c.datatype, _object.c.language)
        .join_from(triple, _subject, _subject.c.id == triple.c.subject_id)
        .join(relation, relation.c.id == triple.c.relation_id)
        .join(_object, _object.c.id == triple.c.object_id)
    )


def _stored(row: AnyRow) -> StoredTriple:
    return StoredTriple(row[0], _triple(row), row[1], row[2], row[3])


def _triple(row: AnyRow) -> Triple:
    subject = Term(row[5], row[6], row[7], row[8])
    return Triple(subject, Term(row[9], row[10]), Term(row[11], row[12], row[13], row[14]), row[4])


def export(connection: Connection, kb_id: int) -> Iterator[Triple]:
    """All triples in the order of their ids."""
    query = _triples().where(triple.c.kb_id == kb_id).order_by(triple.c.id)
    for chunk in stream(connection, query):
        for row in chunk:
            yield _triple(row)


def names(connection: Connection, kb_id: int) -> Iterator[Name]:
    """All naming statements in the order in which they came."""
    for chunk in stream(connection, _names(kb_id)):
        for row in chunk:
            yield _name(row)


def unnamed_entities(connection: Connection, kb_id: int) -> Iterator[Term]:
    """Entities with an IRI whose label comes from no name."""
    return _unnamed(connection, kb_id, entity)


def unnamed_relations(connection: Connection, kb_id: int) -> Iterator[Term]:
    """Relations with an IRI whose label comes from no name."""
    return _unnamed(connection, kb_id, relation)


def _unnamed(connection: Connection, kb_id: int, table: Table) -> Iterator[Term]:
    is_own = (table.c.label_rank == OWN_LABEL_RANK) & table.c.iri.is_not(None)
    query = select(table.c.label, table.c.iri).where(table.c.kb_id == kb_id, is_own).order_by(table.c.id)
    for chunk in stream(connection, query):
        for label, iri in chunk:
            yield Term(label, iri)


def names_of(connection: Connection, kb_id: int, entity_id: int) -> list[Name]:
    """The naming statements about one entity."""
    return [_name(row) for row in connection.execute(_names(kb_id).where(alias.c.entity_id == entity_id))]


def _names(kb_id: int) -> Select[*tuple[Any, ...]]:
    return (
        select(entity.c.label, entity.c.iri, entity.c.datatype, entity.c.language)
        .add_columns(alias.c.text, alias.c.language, alias.c.property)
        .join_from(alias, entity, entity.c.id == alias.c.entity_id)
        .where(alias.c.kb_id == kb_id)
        .order_by(alias.c.id)
    )


def _name(row: AnyRow) -> Name:
    return Name(Term(row[0], row[1], row[2], row[3]), row[4], row[5], row[6])


def _entities_named(kb_id: int, text: str) -> Select[int]:
    label = normalise_label(text)
    labelled = select(entity.c.id).where(
        entity.c.kb_id == kb_id, entity.c.surface == surface_of(label), entity.c.label == label
    )
    return _or_with_iri(entity, kb_id, text, labelled)


def _relations_named(kb_id: int, text: str) -> Select[int]:
    label = normalise_label(text)
    labelled = select(relation.c.id).where(
        relation.c.kb_id == kb_id, relation.c.label.in_({label, readable_relation(label)})
    )
    return _or_with_iri(relation, kb_id, text, labelled)


def _or_with_iri(table: Table, kb_id: int, iri: str, labelled: Select[int]) -> Select[int]:
    identified = select(table.c.id).where(table.c.kb_id == kb_id, table.c.digest == term_digest(Term(iri, iri)))
    return select(union(labelled, identified).subquery().c.id)


def find_entities(connection: Connection, kb_id: int, query: str, limit: int) -> list[EntityRow]:
    """Entities with a label or alias that begins so."""
    prefix = surface_of(query)
    if not prefix:
        ids = list(
            connection.scalars(select(entity.c.id).where(entity.c.kb_id == kb_id).order_by(entity.c.id).limit(limit))
        )
    else:
        ids = _ids_with_prefix(connection, kb_id, prefix, limit)
    found = {row.id: row for row in _entity_rows(connection, kb_id, ids)}
    return [found[entity_id] for entity_id in ids]


def _ids_with_prefix(connection: Connection, kb_id: int, prefix: str, limit: int) -> list[int]:
    """Ids of entities, exact names first, then in the order of the names."""
    found: list[tuple[str, int]] = []
    for table, column, most in (
        (entity, entity.c.id, limit),
        (alias, alias.c.entity_id, limit * _ALIASES_PER_ENTITY),
    ):
        rows = (
            select(table.c.surface, column)
            .where(table.c.kb_id == kb_id, table.c.surface >= prefix, table.c.surface <= prefix + _LAST_CHARACTER)
            .order_by(table.c.surface)
            .limit(most)
        )
        found += [(surface, entity_id) for surface, entity_id in connection.execute(rows)]
    return list(dict.fromkeys(entity_id for _, entity_id in sorted(found)))[:limit]


def entity_details(connection: Connection, kb_id: int, entity_id: int) -> EntityDetails:
    """One entity with its other names."""
    rows = _entity_rows(connection, kb_id, [entity_id])
    if not rows:
        raise EntityNotFound(entity_id)
    texts = select(alias.c.text).where(alias.c.kb_id == kb_id, alias.c.entity_id == entity_id).order_by(alias.c.id)
    others = [text for text in dict.fromkeys(connection.scalars(texts)) if text != rows[0].label]
    return EntityDetails(*rows[0], aliases=others)


def _entity_rows(connection: Connection, kb_id: int, ids: list[int]) -> list[EntityRow]:
    counts = [
        select(func.count())
        .select_from(
            select(triple.c.id)
            .where(triple.c.kb_id == kb_id, side == entity.c.id)
            .correlate(entity)
            .limit(MAX_COUNTED_FACTS)
            .subquery()
        )
        .scalar_subquery()
        for side in (triple.c.subject_id, triple.c.object_id)
    ]
    query = select(entity.c.id, entity.c.label, entity.c.iri, entity.c.datatype, entity.c.language)
    query = query.add_columns(counts[0] + counts[1]).where(entity.c.kb_id == kb_id, entity.c.id.in_(ids))
    return [EntityRow._make(row) for row in connection.execute(query)]


def relations(connection: Connection, kb_id: int) -> list[RelationRow]:
    """All relations with the number of their triples, by label."""
    counted = (
        select(triple.c.relation_id, func.count().label("count"))
        .where(triple.c.kb_id == kb_id)
        .group_by(triple.c.relation_id)
        .subquery()
    )
    query = (
        select(relation.c.id, relation.c.label, relation.c.iri, counted.c.count)
        .join_from(counted, relation, relation.c.id == counted.c.relation_id)
        .order_by(relation.c.label, relation.c.id)
    )
    return [RelationRow(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]

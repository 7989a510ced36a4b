"""The terms behind ids: what an export writes for an entity or a relation."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from kb.tables import entity, relation
from kb.triples import Term


def entity_terms(connection: Connection, kb_id: int, entity_ids: Collection[int]) -> dict[int, Term]:
    """The terms of entities, by id; ids that the KB does not have are left out."""
    columns = (entity.c.id, entity.c.label, entity.c.iri, entity.c.datatype, entity.c.language)
    query = select(*columns).where(entity.c.kb_id == kb_id, entity.c.id.in_(entity_ids))
    return {row.id: Term(row.label, row.iri, row.datatype, row.language) for row in connection.execute(query)}


def relation_terms(connection: Connection, kb_id: int, relation_ids: Collection[int]) -> dict[int, Term]:
    """The terms of relations, by id; ids that the KB does not have are left out."""
    columns = (relation.c.id, relation.c.label, relation.c.iri)
    query = select(*columns).where(relation.c.kb_id == kb_id, relation.c.id.in_(relation_ids))
    return {row.id: Term(row.label, row.iri) for row in connection.execute(query)}

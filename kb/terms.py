"""The terms behind ids: what an export writes for an entity or a relation.

The queries are made once: making one costs twice what running it does, and a question asks for a term or two.
"""

from sqlalchemy import Connection, bindparam, select

from kb.tables import entity, relation
from kb.triples import Term

_ENTITY = select(entity.c.label, entity.c.iri, entity.c.datatype, entity.c.language).where(
    entity.c.kb_id == bindparam("kb"), entity.c.id == bindparam("id")
)
_RELATION = select(relation.c.label, relation.c.iri).where(
    relation.c.kb_id == bindparam("kb"), relation.c.id == bindparam("id")
)


def entity_term(connection: Connection, kb_id: int, entity_id: int) -> Term:
    """The term of an entity of the KB."""
    return Term(*connection.execute(_ENTITY, {"kb": kb_id, "id": entity_id}).one())


def relation_term(connection: Connection, kb_id: int, relation_id: int) -> Term:
    """The term of a relation of the KB."""
    return Term(*connection.execute(_RELATION, {"kb": kb_id, "id": relation_id}).one())

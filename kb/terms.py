"""The terms behind ids: what an export writes for an entity or a relation."""

from sqlalchemy import Engine, bindparam, select

from kb.database import read_row
from kb.tables import entity, relation
from kb.triples import Term

_ENTITY = select(entity.c.label, entity.c.iri, entity.c.datatype, entity.c.language).where(
    entity.c.kb_id == bindparam("kb_id"), entity.c.id == bindparam("id")
)
_RELATION = select(relation.c.label, relation.c.iri).where(
    relation.c.kb_id == bindparam("kb_id"), relation.c.id == bindparam("id")
)


def entity_term(engine: Engine, kb_id: int, entity_id: int) -> Term | None:
    """The term of an entity; None for an id that the KB does not have (any more)."""
    row = read_row(engine, _ENTITY, kb_id=kb_id, id=entity_id)
    return None if row is None else Term(*row)


def relation_term(engine: Engine, kb_id: int, relation_id: int) -> Term | None:
    """The term of a relation; None for an id that the KB does not have (any more)."""
    row = read_row(engine, _RELATION, kb_id=kb_id, id=relation_id)
    return None if row is None else Term(*row)

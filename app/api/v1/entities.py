"""Endpoints for entities and relations."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api.schemas import EntitiesReply, EntityFactsReply, RelationsReply
from app.api.v1.triples import shown
from app.dependencies import Asker, Cursor, Id, Limit, Service, gives, reply
from kb.store import TripleStore

router = APIRouter(prefix="/v1/kbs/{kb}", tags=["entities"])


@router.get("/entities", response_model=EntitiesReply, responses=gives(404))
def find_entities(
    kb: str,
    _: Asker,
    service: Service,
    q: Annotated[str, Query(max_length=1_000, description="how a name begins; empty: any entity")] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
) -> Response:
    """Entities whose name begins so: autocomplete."""
    with service.reading() as connection:
        store = TripleStore(connection)
        rows = store.find_entities(store.kb(kb).id, q, limit)
    return reply({"entities": [row._asdict() for row in rows]})


@router.get("/entities/{entity_id}", response_model=EntityFactsReply, responses=gives(404))
def show_entity(kb: str, entity_id: Id, _: Asker, service: Service, cursor: Cursor = 0, limit: Limit = 100) -> Response:
    """An entity with its other names and its facts, in pages."""
    with service.reading() as connection:
        store = TripleStore(connection)
        kb_id = store.kb(kb).id
        entity = store.entity(kb_id, entity_id)
        facts = store.facts_of(kb_id, entity_id, cursor, limit)
    next_cursor = facts[-1].id if len(facts) == limit else None
    return reply({**entity._asdict(), "facts": [shown(fact) for fact in facts], "next_cursor": next_cursor})


@router.get("/relations", response_model=RelationsReply, responses=gives(404))
def list_relations(kb: str, _: Asker, service: Service) -> Response:
    """All relations with the number of their facts."""
    with service.reading() as connection:
        store = TripleStore(connection)
        rows = store.relations(store.kb(kb).id)
    return reply({"relations": [{"id": r.id, "label": r.label, "iri": r.iri, "num_facts": r.count} for r in rows]})

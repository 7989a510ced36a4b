"""Endpoints for entities and relations."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.api.replies import EntitiesReply, EntityFactsReply, RelationsReply
from app.api.v1.triples import shown
from app.dependencies import JSON, Asker, Cursor, Id, Limit, Service, gives, reply
from app.exports import as_rdf
from app.graphs.formats import GRAPHS, accepted
from kb.store import TripleStore

HTML = "text/html"
VARIES = {"Vary": "Accept"}
router = APIRouter(prefix="/v1/kbs/{kb}", tags=["entities"])


@router.get("/entities", response_model=EntitiesReply, responses=gives(404))
def find_entities(
    kb: str,
    access: Asker,
    service: Service,
    q: Annotated[str, Query(max_length=1_000, description="how a name begins; empty: any entity")] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
) -> Response:
    """Entities whose name begins so: autocomplete."""
    with service.reading() as connection:
        store = TripleStore(connection)
        rows = store.find_entities(store.kb(kb, access.kb_id).id, q, limit)
    return reply({"entities": [row._asdict() for row in rows]})


@router.get(
    "/entities/{entity_id}",
    response_model=EntityFactsReply,
    responses={
        200: {"content": {name: {"schema": {"type": "string"}} for name in GRAPHS}},
        303: {"description": "for a browser: the page of the entity"},
        **gives(404),
    },
)
def show_entity(
    request: Request, kb: str, entity_id: Id, access: Asker, service: Service, cursor: Cursor = 0, limit: Limit = 100
) -> Response:
    """An entity with its other names and its facts, in pages: as JSON, or as RDF or a web page by `Accept`."""
    kinds = accepted(",".join(request.headers.getlist("accept")), (JSON, *GRAPHS, HTML)) or (JSON,)
    with service.reading() as connection:
        store = TripleStore(connection)
        kb_id = store.kb(kb, access.kb_id).id
        entity = store.entity(kb_id, entity_id)
        facts = store.facts_of(kb_id, entity_id, cursor, limit)
        names = store.names_of(kb_id, entity_id) if kinds[0] in GRAPHS and not cursor else []
    next_cursor = facts[-1].id if len(facts) == limit else None
    if kinds[0] == HTML:
        # Relative, for a proxy may serve it under a prefix.
        page = f"../../../../ui/kbs/{kb}/browse/entities/{entity_id}"
        return Response(status_code=303, headers={"Location": page, **VARIES})
    if kinds[0] in GRAPHS:
        more = {} if next_cursor is None else {"Link": f'<{entity_id}?cursor={next_cursor}&limit={limit}>; rel="next"'}
        body = as_rdf([fact.triple for fact in facts], names, kinds[0])
        return Response(body, media_type=kinds[0], headers={**more, **VARIES})
    content = {**entity._asdict(), "facts": [shown(fact) for fact in facts], "next_cursor": next_cursor}
    return reply(content, headers=VARIES)


@router.get("/relations", response_model=RelationsReply, responses=gives(404))
def list_relations(kb: str, access: Asker, service: Service) -> Response:
    """All relations with the number of their facts."""
    with service.reading() as connection:
        store = TripleStore(connection)
        rows = store.relations(store.kb(kb, access.kb_id).id)
    return reply({"relations": [{"id": r.id, "label": r.label, "iri": r.iri, "num_facts": r.count} for r in rows]})

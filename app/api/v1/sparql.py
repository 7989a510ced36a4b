"""Endpoint for SPARQL: what a question cannot say, by the SPARQL 1.1 protocol; it reads, and changes nothing."""

from time import monotonic
from typing import Annotated, Any
from urllib.parse import parse_qs

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query, Request, Response

from app.dependencies import Asker, Service, gives, media_type, only_parameters, read_limited, too_large
from app.errors import NotAcceptable, Problem
from app.graphs.formats import GRAPHS, RESULTS, accepted
from app.graphs.pool import GraphQuery
from app.keys import Access
from app.wiring import Services

router = APIRouter(prefix="/v1/kbs/{kb}/sparql", tags=["sparql"])

MOST_QUERY_BYTES = 256 * 1024
QUERY, FORM = "application/sparql-query", "application/x-www-form-urlencoded"
_TEXT = {"schema": {"type": "string"}}
_FILE = {"schema": {"type": "string", "format": "binary"}}
_FOUND: dict[int | str, dict[str, Any]] = {
    200: {"description": "the result", "content": {name: _TEXT for name in (*RESULTS, *GRAPHS)}},
    **gives(400, 404, 406, 413, 415),
}


@router.get("", response_class=Response, responses=_FOUND, dependencies=[Depends(only_parameters("query"))])
async def query_sparql(
    request: Request,
    kb: str,
    access: Asker,
    service: Service,
    query: Annotated[str, Query(description="SELECT, ASK, CONSTRUCT or DESCRIBE; no update")],
) -> Response:
    """Run a SPARQL query over the knowledge base as it is now."""
    return await _found(request, service, access, kb, query)


@router.post(
    "",
    response_class=Response,
    responses=_FOUND,
    dependencies=[Depends(only_parameters())],
    openapi_extra={"requestBody": {"required": True, "content": {QUERY: _FILE, FORM: _FILE}}},
)
async def post_sparql(request: Request, kb: str, access: Asker, service: Service) -> Response:
    """Run a SPARQL query that comes as the body, or in a form."""
    kind = media_type(request)
    if kind not in (QUERY, FORM):
        raise Problem(415, "unsupported_media_type", f"Send the query with Content-Type: {QUERY} or {FORM}.")
    body = await read_limited(request)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Problem(400, "not_text", "The query is no UTF-8 text.") from None
    return await _found(request, service, access, kb, text if kind == QUERY else _field(text))


def _field(form: str) -> str:
    try:
        fields = parse_qs(form, keep_blank_values=True, max_num_fields=16, errors="strict")
    except ValueError:
        raise Problem(400, "bad_request", "The form cannot be read: send query=… as a URL has it.") from None
    if set(fields) != {"query"} or len(fields["query"]) != 1:
        raise Problem(422, "invalid_parameter", "Send one field, query: no update and no graph names are taken.")
    return fields["query"][0]


async def _found(request: Request, service: Services, access: Access, kb: str, text: str) -> Response:
    if len(text.encode()) > MOST_QUERY_BYTES:
        raise too_large(MOST_QUERY_BYTES)
    if not text.strip():
        raise Problem(400, "empty_body", "The query is empty: send SPARQL.")
    accept = ",".join(request.headers.getlist("accept"))
    query = GraphQuery(text, accepted(accept, RESULTS), accepted(accept, GRAPHS))
    if not query.results and not query.graphs:
        raise NotAcceptable
    deadline = monotonic() + service.settings.deadline_seconds
    async with service.graph_turns.turn(service.settings.deadline_seconds):
        found = await run_sync(lambda: service.graphs.query(service.kb(kb, access.kb_id).id, query, deadline))
    return Response(found.body, media_type=found.media_type)

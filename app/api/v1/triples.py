"""Endpoints for triples: bulk upload, small write, browse, delete, export."""

from typing import Annotated, Any, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.api.bodies import TriplesBody
from app.api.downloads import Download
from app.api.replies import DeletedReply, JobReply, TriplesReply, WrittenReply
from app.api.uploads import receive
from app.dependencies import (
    JSON,
    Asker,
    Cursor,
    Limit,
    Service,
    Writer,
    gives,
    media_type,
    only_parameters,
    read_limited,
    reply,
    schema_reference,
)
from app.errors import Problem
from app.exports import FORMATS, exported
from app.jobs import Upload
from app.keys import Access
from app.small_writes import triples_of
from app.wiring import Services
from kb.formats import MEDIA_TYPES
from kb.store import StoredTriple, TriplePattern, TripleStore
from kb.triples import Term

router = APIRouter(prefix="/v1/kbs/{kb}", tags=["triples"])

_FILE = {"schema": {"type": "string", "format": "binary"}}
_TRIPLES = {JSON: {"schema": schema_reference(TriplesBody)}}
Text = Annotated[str | None, Query(min_length=1, description="exact, after normalising; a label or an IRI")]
Source = Annotated[str | None, Query(min_length=1, max_length=1_000, description="where the triples come from")]


@router.post(
    "/triples",
    response_model=WrittenReply,
    dependencies=[Depends(only_parameters("source", "on_error"))],
    openapi_extra={"requestBody": {"required": True, "content": {**_TRIPLES, **{name: _FILE for name in MEDIA_TYPES}}}},
    responses={
        202: {"model": JobReply, "description": "the job that ingests the upload"},
        **gives(400, 404, 413, 415, 507),
    },
)
async def write_triples(
    request: Request,
    kb: str,
    access: Writer,
    service: Service,
    source: Source = None,
    on_error: Literal["skip", "abort"] = "skip",
) -> Response:
    """Add triples: a file as a job (202), or a JSON body at once (200: the next question sees them)."""
    if media_type(request) == JSON:
        body = await read_limited(request)
        return await service.writers.run_in(kb, _write_small, service, kb, access, body, source)
    return await _accept_upload(request, service, kb, access, source, on_error)


@router.get("/triples", response_model=TriplesReply, responses=gives(404))
def browse_triples(
    kb: str,
    access: Asker,
    service: Service,
    subject: Text = None,
    relation: Text = None,
    object: Text = None,
    source: Text = None,
    cursor: Cursor = 0,
    limit: Limit = 100,
) -> Response:
    """Triples that match, in pages."""
    with service.reading() as connection:
        store = TripleStore(connection)
        page = store.browse(
            store.kb(kb, access.kb_id).id, TriplePattern(subject, relation, object, source), cursor, limit
        )
    return reply({"triples": [shown(one) for one in page], "next_cursor": page[-1].id if len(page) == limit else None})


@router.delete(
    "/triples",
    response_model=DeletedReply,
    dependencies=[Depends(only_parameters("subject", "relation", "object", "source"))],
    openapi_extra={"requestBody": {"required": False, "content": _TRIPLES}},
    responses=gives(400, 404, 413, 415, 507),
)
async def delete_triples(
    request: Request,
    kb: str,
    access: Writer,
    service: Service,
    subject: Text = None,
    relation: Text = None,
    object: Text = None,
    source: Text = None,
) -> Response:
    """Delete the triples that match all given filters, or exactly those of the body; never everything by accident."""
    pattern = TriplePattern(subject, relation, object, source)
    body = await read_limited(request)
    if not body and pattern == TriplePattern():
        raise Problem(
            400, "empty_filter", "Say what to delete: a filter or a body of triples. DELETE of the KB deletes all."
        )
    if body and pattern != TriplePattern():
        raise Problem(400, "filter_and_body", "Give a filter or a body of triples, not both.")
    if body and media_type(request) != JSON:
        raise Problem(415, "unsupported_media_type", f"Send the triples to delete as JSON, with Content-Type: {JSON}.")
    return await service.writers.run_in(kb, _delete, service, kb, access, pattern, body)


@router.head("/export", include_in_schema=False)
@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={200: {"content": {name: _FILE for name, _ in FORMATS.values()}}, **gives(404)},
)
def export_kb(
    request: Request,
    kb: str,
    access: Asker,
    service: Service,
    format: Annotated[
        Literal["nt", "tsv", "jsonl"], Query(description="jsonl keeps everything, nt all but sources, tsv labels only")
    ] = "nt",
) -> Response:
    """Stream the whole KB; what it exports, it ingests."""
    kb_id = service.kb(kb, access.kb_id).id
    chunks = exported(service.engine, kb_id, format)
    if request.method == "HEAD":
        chunks.close()
    return Download(chunks, service.exports, FORMATS[format][0], f"{kb}.{format}")


def shown(stored: StoredTriple) -> dict[str, Any]:
    """A stored triple as JSON."""
    triple = stored.triple
    return {
        "id": stored.id,
        "subject": _term(stored.subject_id, triple.subject),
        "relation": _term(stored.relation_id, triple.relation),
        "object": _term(stored.object_id, triple.object),
        "source": triple.source,
    }


def _term(number: int, term: Term) -> dict[str, Any]:
    return {"id": number, **term._asdict()}


async def _accept_upload(
    request: Request,
    service: Services,
    kb: str,
    access: Access,
    source: str | None,
    on_error: Literal["skip", "abort"],
) -> Response:
    found = await run_sync(service.kb, kb, access.kb_id)
    spooled = await receive(request, service.settings)
    try:
        upload = Upload(
            spool=str(spooled.path),
            size=spooled.size,
            media_type=media_type(request),
            content_encoding=request.headers.get("content-encoding"),
            source=source,
            on_error=on_error,
        )
        job = await service.writers.run(service.record_job, found, upload)
    except BaseException:
        spooled.discard()
        raise
    spooled.close()
    return reply(job.envelope(), 202, {"Location": f"/v1/jobs/{job.id}"})


def _write_small(service: Services, kb: str, access: Access, body: bytes, source: str | None) -> Response:
    triples = triples_of(body, source, service.settings)
    with service.writing() as connection:
        store = TripleStore(connection)
        kb_id = store.kb(kb, access.kb_id).id
        written = store.write(kb_id, triples)
    service.views.refresh(kb_id)
    service.metrics.triples.inc(written.accepted)
    return reply({"accepted": written.accepted, "duplicates": written.duplicates, "kb_revision": written.revision})


def _delete(service: Services, kb: str, access: Access, pattern: TriplePattern, body: bytes) -> Response:
    triples = triples_of(body, None, service.settings) if body else None
    with service.writing() as connection:
        store = TripleStore(connection)
        kb_id = store.kb(kb, access.kb_id).id
        deleted = store.delete(kb_id, pattern) if triples is None else store.delete_triples(kb_id, triples)
    service.views.refresh(kb_id)
    return reply({"deleted": deleted.count, "kb_revision": deleted.revision})

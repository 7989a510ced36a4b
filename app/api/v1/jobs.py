"""Endpoints for jobs: where they are, live progress, cancel, the lines that they left out."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import orjson
from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.api.replies import JobReply, JobsReply, RejectedReply, State
from app.dependencies import Asker, Cursor, Id, Limit, Service, Writer, gives, reply
from app.errors import NotFound
from app.jobs import Job, JobStore
from app.keys import Access
from app.wiring import Services

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

EVENT_STREAM = "text/event-stream"
_POLL_SECONDS = 0.2
_KEEP_ALIVE_SECONDS = 15.0


@router.get("", response_model=JobsReply, responses=gives())
def list_jobs(
    access: Asker,
    service: Service,
    kb: Annotated[str | None, Query(description="only jobs of this KB")] = None,
    state: Annotated[State | None, Query(description="only jobs in this state")] = None,
    cursor: Cursor = 0,
    limit: Limit = 100,
) -> Response:
    """Jobs, newest first."""
    if access.kb is not None and kb not in (None, access.kb):
        return reply({"jobs": [], "next_cursor": None})
    with service.reading() as connection:
        jobs = JobStore(connection).jobs(kb, state, cursor, limit, access.kb_id)
    return reply({"jobs": [job.envelope() for job in jobs], "next_cursor": jobs[-1].id if len(jobs) == limit else None})


@router.get("/{job_id}", response_model=JobReply, responses=gives(404))
def show_job(job_id: Id, access: Asker, service: Service) -> Response:
    """One job."""
    return reply(_job(service, access, job_id).envelope())


@router.delete("/{job_id}", status_code=202, response_model=JobReply, responses=gives(404, 409, 507))
async def cancel_job(job_id: Id, access: Writer, service: Service) -> Response:
    """Cancel a job: at once when it waits, soon when it runs; a job that has ended gives 409."""
    job = await service.writers.run(_cancel, service, access, job_id)
    (service.worker if job.kind == "ingestion" else service.trainer).wake()
    return reply(job.envelope(), 202)


@router.get(
    "/{job_id}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}}, **gives(404)},
)
async def follow_job(request: Request, job_id: Id, access: Asker, service: Service) -> Response:
    """Server-sent events: the job at each change, until it has ended."""
    job = await run_sync(_job, service, access, job_id)
    return StreamingResponse(
        _events(request, service, job), media_type=EVENT_STREAM, headers={"Cache-Control": "no-cache"}
    )


@router.get("/{job_id}/rejected", response_model=RejectedReply, responses=gives(404))
def list_rejected(job_id: Id, access: Asker, service: Service, cursor: Cursor = 0, limit: Limit = 100) -> Response:
    """The lines that the job left out, in their order."""
    _job(service, access, job_id)
    with service.reading() as connection:
        page = JobStore(connection).rejected(job_id, cursor, limit)
    next_cursor = page[-1].number if len(page) == limit else None
    return reply({"rejected": [line._asdict() for line in page], "next_cursor": next_cursor})


def _job(service: Services, access: Access, job_id: int) -> Job:
    with service.reading() as connection:
        job = JobStore(connection).job(job_id)
    if access.kb_id not in (None, job.kb_id):
        raise NotFound("job", job_id)
    return job


def _cancel(service: Services, access: Access, job_id: int) -> Job:
    _job(service, access, job_id)
    with service.writing() as connection:
        return JobStore(connection).request_cancel(job_id)


async def _events(request: Request, service: Services, job: Job) -> AsyncIterator[bytes]:
    """One event a change; a comment now and then keeps proxies from closing a quiet stream."""
    loop = asyncio.get_running_loop()
    number, sent, sent_at = 0, b"", loop.time()
    while True:
        data = orjson.dumps(job.envelope())
        if data != sent:
            number, sent, sent_at = number + 1, data, loop.time()
            yield b"id: %d\nevent: job\ndata: %b\n\n" % (number, data)
        elif loop.time() - sent_at > _KEEP_ALIVE_SECONDS:
            sent_at = loop.time()
            yield b": still there\n\n"
        if job.is_finished or service.stopping.is_set() or await request.is_disconnected():
            return
        await asyncio.sleep(_POLL_SECONDS)
        job = await run_sync(service.job, job.id)

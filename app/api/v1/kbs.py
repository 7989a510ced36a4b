"""Endpoints for knowledge bases."""

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Response

from app.api.bodies import KbBody
from app.api.replies import KbReply, KbsReply
from app.dependencies import Admin, Asker, Service, body_of, gives, reply, takes

router = APIRouter(prefix="/v1/kbs", tags=["knowledge bases"])


@router.post(
    "", status_code=201, response_model=KbReply, openapi_extra=takes(KbBody), responses=gives(400, 409, 415, 507)
)
async def create_kb(access: Admin, service: Service, body: Annotated[KbBody, Depends(body_of(KbBody))]) -> Response:
    """Make an empty knowledge base."""
    access.check_all_kbs("Only a key for all KBs can make one.")
    kb = await service.writers.run(service.create_kb, body.name)
    return reply(await run_sync(service.kb_envelope, kb.name, kb.id), 201, {"Location": f"/v1/kbs/{kb.name}"})


@router.get("", response_model=KbsReply, responses=gives())
def list_kbs(access: Asker, service: Service) -> Response:
    """All knowledge bases that the key reaches."""
    return reply({"kbs": service.kb_envelopes(access.kb_id)})


@router.get("/{kb}", response_model=KbReply, responses=gives(404))
def show_kb(kb: str, access: Asker, service: Service) -> Response:
    """Counts, revision, index and model state of a knowledge base."""
    return reply(service.kb_envelope(kb, access.kb_id))


@router.delete("/{kb}", status_code=204, response_class=Response, responses=gives(404, 507))
async def delete_kb(kb: str, access: Admin, service: Service) -> Response:
    """Delete a knowledge base with all that belongs to it; its running jobs fail with `kb_deleted`."""
    await service.writers.run_in(kb, service.delete_kb, kb, access.kb_id)
    return Response(status_code=204)

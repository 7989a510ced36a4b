"""Endpoints for adapting the reader to a KB: train, versions, activate, feedback."""

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Path, Request, Response

from app.api.bodies import FeedbackBody, TrainBody
from app.api.replies import FeedbackReply, JobReply, ModelsReply
from app.dependencies import Asker, Service, Writer, body_of, check_question, check_questions, gives, reply, takes
from app.keys import Access
from app.model_versions import ModelStore
from app.wiring import Services
from kb.store import TripleStore

router = APIRouter(prefix="/v1/kbs/{kb}", tags=["models"])
VersionId = Annotated[int, Path(ge=0, le=2**63 - 1, description="0: the shipped reader")]


@router.post(
    "/train",
    status_code=202,
    response_model=JobReply,
    openapi_extra=takes(TrainBody),
    responses=gives(400, 404, 413, 415, 507),
)
async def train(
    access: Writer, service: Service, kb: str, body: Annotated[TrainBody, Depends(body_of(TrainBody))]
) -> Response:
    """Adapt the reader to this KB, as a job: it answers from then on only if it is better on held-out questions."""
    check_questions([one.question for one in body.questions], service.settings)
    gold = [one.gold() for one in body.questions]
    job = await service.writers.run(service.record_training, kb, gold, access.kb_id)
    return reply(job.envelope(), 202, {"Location": f"/v1/jobs/{job.id}"})


@router.get("/models", response_model=ModelsReply, responses=gives(404))
def list_models(kb: str, access: Asker, service: Service) -> Response:
    """The readers adapted to this KB with their figures, newest first; the shipped one is version 0."""
    return reply(service.model_versions(kb, access.kb_id))


@router.post("/models/{version}/activate", response_model=ModelsReply, responses=gives(404, 507))
async def activate_model(kb: str, version: VersionId, access: Writer, service: Service) -> Response:
    """Let a version answer from now on: an older one to roll back, 0 for the shipped reader."""
    await service.writers.run(service.activate_model, kb, version, access.kb_id)
    return reply(await run_sync(service.model_versions, kb, access.kb_id))


@router.post(
    "/feedback",
    status_code=201,
    response_model=FeedbackReply,
    openapi_extra=takes(FeedbackBody),
    responses=gives(400, 404, 413, 415, 507),
)
async def give_feedback(
    request: Request,
    access: Asker,
    service: Service,
    kb: str,
    body: Annotated[FeedbackBody, Depends(body_of(FeedbackBody))],
) -> Response:
    """Say what the right answers to a question are: the next training of this KB learns from it."""
    check_question(body.question, service.settings)
    number = await service.writers.run(_keep, service, kb, access, body)
    return reply({"id": number, "kb": kb, "request_id": request.state.request_id}, 201)


def _keep(service: Services, kb: str, access: Access, body: FeedbackBody) -> int:
    with service.writing() as connection:
        kb_id = TripleStore(connection).kb(kb, access.kb_id).id
        return ModelStore(connection).add_feedback(
            kb_id, body.question, body.answers, body.correct, body.comment, body.request_id
        )

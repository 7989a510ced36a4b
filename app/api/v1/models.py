"""Endpoints for adapting the reader to a KB: train, versions, activate, feedback."""

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Path, Request, Response

from app.api.schemas import FeedbackBody, FeedbackReply, JobReply, ModelsReply, TrainBody
from app.dependencies import Asker, Service, Writer, body_of, gives, reply, takes
from app.errors import Problem
from app.model_versions import ModelStore
from app.settings import Settings
from app.wiring import Services

router = APIRouter(prefix="/v1/kbs/{kb}", tags=["models"])
VersionId = Annotated[int, Path(ge=0, lt=2**63, description="0: the shipped reader")]


@router.post(
    "/train",
    status_code=202,
    response_model=JobReply,
    openapi_extra=takes(TrainBody),
    responses=gives(400, 404, 413, 415, 507),
)
async def train(
    _: Writer, service: Service, kb: str, body: Annotated[TrainBody, Depends(body_of(TrainBody))]
) -> Response:
    """Adapt the reader to this KB, as a job: it answers from then on only if it is better on held-out questions."""
    check_questions([one.question for one in body.questions], service.settings)
    job = await run_sync(service.record_training, kb, [one.gold() for one in body.questions])
    return reply(job.envelope(), 202, {"Location": f"/v1/jobs/{job.id}"})


@router.get("/models", response_model=ModelsReply, responses=gives(404))
def list_models(kb: str, _: Asker, service: Service) -> Response:
    """The readers adapted to this KB with their figures, newest first; the shipped one is version 0."""
    return reply(service.model_versions(kb))


@router.post("/models/{version}/activate", response_model=ModelsReply, responses=gives(404))
def activate_model(kb: str, version: VersionId, _: Writer, service: Service) -> Response:
    """Let a version answer from now on: an older one to roll back, 0 for the shipped reader."""
    service.activate_model(kb, version)
    return reply(service.model_versions(kb))


@router.post(
    "/feedback",
    status_code=201,
    response_model=FeedbackReply,
    openapi_extra=takes(FeedbackBody),
    responses=gives(400, 404, 413, 415),
)
async def give_feedback(
    request: Request,
    _: Asker,
    service: Service,
    kb: str,
    body: Annotated[FeedbackBody, Depends(body_of(FeedbackBody))],
) -> Response:
    """Say what the right answers to a question are: the next training of this KB learns from it."""
    check_questions([body.question], service.settings)
    number = await run_sync(_keep, service, kb, body)
    return reply({"id": number, "kb": kb, "request_id": request.state.request_id}, 201)


def check_questions(questions: list[str], settings: Settings) -> None:
    """Refuse questions that are too many, empty or too long.

    Raises:
        Problem: with the place of the first such question.
    """
    if len(questions) > settings.max_evaluated_questions:
        raise Problem(
            422, "too_many_questions", f"Send at most {settings.max_evaluated_questions:,} questions at once."
        )
    for number, question in enumerate(questions):
        if not question.strip() or len(question) > settings.max_question_characters:
            limit = f"{settings.max_question_characters:,}"
            detail = f"Question {number + 1} is empty or longer than {limit} characters."
            code = "question_too_long" if question.strip() else "empty_question"
            errors = [{"loc": ["questions", number, "question"], "message": detail, "type": code}]
            raise Problem(422, code, detail, extra={"errors": errors})


def _keep(service: Services, kb: str, body: FeedbackBody) -> int:
    found = service.kb(kb)
    with service.writing() as connection:
        return ModelStore(connection).add_feedback(
            found.id, body.question, body.answers, body.correct, body.comment, body.request_id
        )

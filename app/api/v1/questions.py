"""Endpoints for questions: the main job.

They take no dependencies: on this path FastAPI's way of solving them costs more than all else of HTTP.
"""

from collections.abc import Sequence

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response

from app.answering import Question
from app.api.bodies import AskBatchBody, AskBody
from app.api.replies import AskBatchReply, AskReply
from app.dependencies import access_of, check_question, gives, needs_key, read_body, refused, reply, services_of, takes
from app.errors import NotFound, Problem
from app.keys import Access
from app.telemetry import logger
from app.wiring import Services

router = APIRouter(prefix="/v1/kbs/{kb}/ask", tags=["questions"])
log = logger("hopfact.questions")


@router.post(
    "", response_model=AskReply, openapi_extra={**takes(AskBody), **needs_key()}, responses=gives(400, 404, 413, 415)
)
async def ask(request: Request, kb: str) -> Response:
    """Answer one question with its proof, or refuse it with a reason."""
    access = await access_of(request, "ask")
    body = await read_body(request, AskBody)
    service = services_of(request)
    question = _question(body, service, await _model(service, kb, access, [body]))
    replies = await _answers(service, kb, access, [question], request.state.request_id)
    return reply(replies[0])


@router.post(
    "/batch",
    response_model=AskBatchReply,
    openapi_extra={**takes(AskBatchBody), **needs_key()},
    responses=gives(400, 404, 413, 415),
)
async def ask_batch(request: Request, kb: str) -> Response:
    """Answer several questions on one KB; replies come in the order of the questions."""
    access = await access_of(request, "ask")
    body = await read_body(request, AskBatchBody)
    service = services_of(request)
    most = service.settings.max_batch_questions
    if len(body.questions) > most:
        raise Problem(422, "too_many_questions", f"Send at most {most:,} questions in one batch.")
    bodies = [one if isinstance(one, AskBody) else AskBody(question=one) for one in body.questions]
    model = await _model(service, kb, access, bodies)
    questions = [_question(one, service, model, ("questions", number)) for number, one in enumerate(bodies)]
    return reply({"replies": await _answers(service, kb, access, questions, request.state.request_id)})


async def _answers(
    service: Services, kb: str, access: Access, questions: Sequence[Question], request_id: str
) -> list[dict[str, object]]:
    replies = await service.batcher.ask((kb, access.kb_id), questions)
    for answered in replies:
        answered["request_id"] = request_id
        service.metrics.count_reply(answered)
        if service.settings.log_questions:
            log.info("question", kb=kb, question=answered["question"], abstained=answered["abstained"])
    return replies


def _question(body: AskBody, service: Services, model: str | None, at: tuple[str | int, ...] = ()) -> Question:
    """The question, once it is within the limits of the settings."""
    settings = service.settings
    check_question(body.question, settings, at)
    if body.max_hops is not None and body.max_hops > settings.max_hops:
        detail = f"max_hops can be 1 to {settings.max_hops}."
        raise refused((*at, "max_hops"), "invalid_body", detail)
    if body.model not in (None, model):
        raise NotFound("model", body.model)
    return Question(body.question, tuple(body.entities or ()), body.max_hops, body.limit)


async def _model(service: Services, kb: str, access: Access, bodies: Sequence[AskBody]) -> str | None:
    """The reader that answers for a KB, if any of the questions cares."""
    return await run_sync(service.model_of, kb, access.kb_id) if any(body.model for body in bodies) else None

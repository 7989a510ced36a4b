"""Endpoint for evaluating a KB's answers on questions with known ones."""

from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response

from app import evaluation
from app.api.bodies import EvaluateBody
from app.api.replies import EvaluationReply
from app.dependencies import Asker, Service, body_of, check_questions, gives, reply, takes
from app.diagrams import diagram
from app.wiring import Services

SVG = "image/svg+xml"
router = APIRouter(prefix="/v1/kbs/{kb}/evaluate", tags=["questions"])


@router.post(
    "",
    response_model=EvaluationReply,
    openapi_extra=takes(EvaluateBody),
    responses=gives(400, 404, 413, 415) | {200: {"content": {SVG: {"schema": {"type": "string"}}}}},
)
async def evaluate(
    request: Request,
    access: Asker,
    service: Service,
    kb: str,
    body: Annotated[EvaluateBody, Depends(body_of(EvaluateBody))],
) -> Response:
    """Ask questions whose answers are known; say how many come out right, and draw it (`Accept: image/svg+xml`)."""
    found = await _report(service, (kb, access.kb_id), body)
    if SVG in request.headers.get("accept", ""):
        return Response(await run_sync(diagram, found), media_type=SVG)
    model = await run_sync(service.model_of, kb, access.kb_id)
    return reply({**found, "kb": kb, "model": model, "request_id": request.state.request_id})


async def _report(service: Services, kb: tuple[str, int | None], body: EvaluateBody) -> dict[str, Any]:
    settings = service.settings
    check_questions([one.question for one in body.questions], settings)
    gold = [one.gold() for one in body.questions]
    replies: list[dict[str, Any]] = []
    for at in range(0, len(gold), settings.max_batch_questions):
        some = [one.asked() for one in gold[at : at + settings.max_batch_questions]]
        replies += await service.batcher.ask(kb, some)
    return await run_sync(evaluation.report, gold, replies, settings.abstain_below, body.mistakes)

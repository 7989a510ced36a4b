"""Endpoint for a memory that comes with its question."""

from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response

from app.api.bodies import ReadBody
from app.api.replies import ReadReply
from app.dependencies import Asker, Service, body_of, check_question, gives, reply, takes
from app.errors import Problem
from app.small_writes import parsed_items
from app.wiring import Services

router = APIRouter(prefix="/v1/read", tags=["questions"])


@router.post("", response_model=ReadReply, openapi_extra=takes(ReadBody), responses=gives(400, 404, 413, 415))
async def read(
    request: Request, _: Asker, service: Service, body: Annotated[ReadBody, Depends(body_of(ReadBody))]
) -> Response:
    """Answer a question over sentences or triples sent with it; nothing is stored."""
    answered = await run_sync(_read, service, body)
    return reply({**answered, "request_id": request.state.request_id})


def _read(service: Services, body: ReadBody) -> dict[str, Any]:
    settings, question = service.settings, body.question
    check_question(question, settings)
    if not body.memory:
        raise Problem(422, "empty_memory", "The memory is empty: send sentences or triples.")
    if len(body.memory) > settings.max_memory_slots:
        limit = f"{settings.max_memory_slots:,}"
        raise Problem(413, "memory_too_long", f"The memory has more than {limit} slots: make a KB of so many facts.")
    sentences = [slot for slot in body.memory if isinstance(slot, str)]
    if len(sentences) == len(body.memory):
        return service.memories.read_sentences(sentences, question, body.model)
    if sentences:
        raise Problem(422, "mixed_memory", "The memory mixes sentences and triples: send one kind.")
    items = [slot.model_dump(exclude_none=True) for slot in body.memory if not isinstance(slot, str)]
    triples = parsed_items(items, None, settings, place="memory")
    return service.memories.read_triples(triples, question, body.model)

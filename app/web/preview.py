"""A look at the beginning of an upload: what it would add and what would be left out, read as the upload will be."""

from itertools import islice
from typing import Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response

from app.dependencies import Asker, Service, media_type, refuse_longer, services_of
from app.errors import Problem, problem_of
from app.settings import Settings
from app.web.rendering import render
from kb.errors import ParseError
from kb.formats import Batch, ParseOptions, parse

MOST_BYTES = 256 * 1024
SHOWN = 8
router = APIRouter(prefix="/ui/v1", include_in_schema=False)


@router.post("/preview", name="view_preview")
async def preview(request: Request, _: Asker, service: Service) -> Response:
    """The first triples of a beginning, and the lines of it that would be rejected; nothing is kept."""
    refuse_longer(request, MOST_BYTES)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise Problem(413, "request_too_large", f"Send the first {MOST_BYTES:,} bytes at most.")
    found = await run_sync(look_at, bytes(body), media_type(request), services_of(request).settings)
    return render(request, "views/preview.html", **found, shown=SHOWN)


def look_at(body: bytes, kind: str, settings: Settings) -> dict[str, Any]:
    """What is in the beginning of an upload, and the problem that would end the upload there, if one would."""
    options = ParseOptions(
        media_type=kind, max_label_bytes=settings.max_label_bytes, max_line_bytes=settings.max_line_bytes
    )
    found, problem = Batch([], [], [], 0), None
    try:
        for batch in islice(parse([body], options), 10):
            for mine, more in zip(found[:3], batch[:3], strict=True):
                mine.extend(more)  # type: ignore[attr-defined]
    except ParseError as error:
        problem = problem_of(error)
    return {"triples": found.triples, "names": found.names, "rejected": found.rejected, "problem": problem}

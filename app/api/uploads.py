"""Receiving an upload: the body goes to a synced spool file, never into memory as a whole."""

from anyio.to_thread import run_sync
from fastapi import Request

from app.dependencies import JSON, media_type, refuse_longer, too_large
from app.errors import Problem
from app.settings import Settings
from app.spool import SpoolFile
from kb.errors import EncodingUnknown, MediaTypeUnknown
from kb.formats import CONTENT_ENCODINGS, MEDIA_TYPES

_WRITE_BYTES = 1024**2


async def receive(request: Request, settings: Settings) -> SpoolFile:
    """The body in a spool file, kept and still locked: the caller closes it once a job names it.

    A client that goes away in the middle leaves nothing behind.

    Raises:
        MediaTypeUnknown: or EncodingUnknown: nobody could read it, so nothing is received.
        StorageFailed: the disk takes no file.
        Problem: the body is empty or too large.
    """
    if media_type(request) not in MEDIA_TYPES:
        raise MediaTypeUnknown(media_type(request), (*MEDIA_TYPES, JSON))
    encoding = request.headers.get("content-encoding")
    if encoding is not None and encoding not in CONTENT_ENCODINGS:
        raise EncodingUnknown(encoding)
    refuse_longer(request, settings.max_request_bytes)
    spool = await run_sync(SpoolFile, settings.spool_folder)
    try:
        await _fill(spool, request, settings.max_request_bytes)
        if spool.size == 0:
            raise Problem(400, "empty_body", "The body is empty: send at least one triple.")
        await run_sync(spool.keep)
    except BaseException:
        spool.discard()
        raise
    return spool


async def _fill(spool: SpoolFile, request: Request, limit: int) -> None:
    chunks: list[bytes] = []
    waiting = total = 0
    async for chunk in request.stream():
        total += len(chunk)
        if total > limit:
            raise too_large(limit)
        chunks.append(chunk)
        waiting += len(chunk)
        if waiting >= _WRITE_BYTES:
            await run_sync(spool.write, b"".join(chunks))
            chunks, waiting = [], 0
    await run_sync(spool.write, b"".join(chunks))

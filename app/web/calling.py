"""How the page asks the API: as any client does, in this process, with the caller's own key and nothing of its own."""

from collections.abc import Mapping
from typing import Any

import httpx
from fastapi import Request

from app.inside import client_inside

_PASSED_ON = ("authorization", "host", "content-type", "user-agent")


async def call(
    request: Request,
    method: str,
    path: str,
    parameters: Mapping[str, Any] | None = None,
    body: bytes = b"",
    content_type: str | None = None,
) -> httpx.Response:
    """The reply to a call of version 1, made for the caller of `request`: it may what its key may, and no more."""
    headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
    if content_type is not None:
        headers["content-type"] = content_type
    headers["x-request-id"] = request.state.request_id
    async with client_inside(request.app, headers) as client:
        return await client.request(method, f"/v1{path}", params=parameters, content=body)

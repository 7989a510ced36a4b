"""The endpoint for agents: the Model Context Protocol over HTTP, one request and one reply at a time, no sessions.

Who may call, how often and how much is decided here as for every other call, before the SDK sees anything; what a tool
does is a call of version 1 by the same caller. Refusals are problems; errors inside the protocol have its own shape.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response
from starlette.types import Message, Receive, Scope, Send

from app.dependencies import access_of, read_limited, refuse_many_values, require_json, services_of
from app.errors import Problem
from app.inside import client_inside
from app.keys import SCOPES
from app.settings import Settings, is_loopback, listed

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

    from app.agents.calls import Calls

router = APIRouter(include_in_schema=False)
_PASSED_ON = ("traceparent",)


@router.post("/mcp")
async def mcp(request: Request) -> Response:
    """One message of an agent's client."""
    settings = services_of(request).settings
    check_caller(request.headers.get("origin"), request.headers.get("host", ""), settings)
    access = await access_of(request, "ask")
    require_json(request)
    body = await read_limited(request)
    refuse_many_values(body)
    request.state.access = access
    may_write = settings.mcp_writes and SCOPES.index(access.scope) >= SCOPES.index("write")
    server = await run_sync(_server, request.app.version, may_write)
    return _Exchange(server, body, settings.max_json_bytes)


def check_caller(origin: str | None, host: str, settings: Settings) -> None:
    """Refuse a web page that has no business here, as the protocol demands, and a name that is not this service's.

    Raises:
        Problem: origin or host is none of those that the settings allow.
    """
    hosts = listed(settings.mcp_hosts)
    if hosts and not {host.lower(), _name_of(f"//{host}")} & {*hosts}:
        raise Problem(421, "host_refused", f"/mcp does not answer to {host[:80]!r}: see HOPFACT_MCP_HOSTS.")
    if origin is None or origin.lower() in listed(settings.mcp_origins):
        return
    if not (settings.is_loopback and is_loopback(_name_of(origin))):
        detail = f"Pages of {origin[:80]!r} may not call /mcp: list it in HOPFACT_MCP_ORIGINS if they should."
        raise Problem(403, "origin_refused", detail)


def _name_of(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


@lru_cache
def _server(version: str, may_write: bool) -> "Server[Any]":
    from app.agents.server import agent_server  # the SDK: half a second and 23 MiB, for services that agents ask

    return agent_server(version, _inside, may_write=may_write)


@asynccontextmanager
async def _inside(context: Any) -> AsyncIterator["Calls"]:  # noqa: ANN401 - a class of the SDK
    """Calls of this application, with the rights of the request that brought the message."""
    from app.agents.calls import Calls

    request: Request = context.request
    headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
    headers["x-request-id"] = request.state.request_id
    async with client_inside(request.app, headers, request.state.access) as http:
        yield Calls(http)


class _Exchange(Response):
    """The reply that the SDK makes of a body that was read already."""

    def __init__(self, server: "Server[Any]", body: bytes, limit: int) -> None:
        super().__init__()
        self._server = server
        self._limit = limit
        self._unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reply, by a manager that lives as long as this request: without sessions there is nothing to keep."""
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        async def read() -> Message:
            return self._unread.pop() if self._unread else await receive()

        manager = StreamableHTTPSessionManager(
            self._server, json_response=True, stateless=True, max_request_body_size=self._limit
        )
        async with manager.run():
            await manager.handle_request(scope, read, send)

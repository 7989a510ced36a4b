"""What surrounds every request, as one plain ASGI layer: its id, its log line, its figures, and the last resort."""

import re
import secrets
from time import perf_counter

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars

from app.errors import PROBLEM_JSON, internal_problem
from app.telemetry import Metrics, logger

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_QUIET = frozenset({"livez", "readyz", "metrics"})
_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_CLIENT_CLOSED = 499  # nginx's number for a client that went away; only our figures see it

log = logger("hopfact.http")


class RequestFrame:
    """Gives each request an id, logs and counts it, and turns an unexpected exception into a problem."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *_HEADERS, (b"x-request-id", request_id.encode())]
            await send(message)

        clear_contextvars()
        bind_contextvars(request_id=request_id)
        started = perf_counter()
        try:
            await self.app(scope, receive, send_with_id)
        except ClientDisconnect:
            status = _CLIENT_CLOSED
        except Exception:
            log.exception("request failed", method=scope["method"], path=scope["path"])
            if status:
                raise
            await _send_internal_problem(send_with_id, request_id)
        finally:
            self._record(scope, status, perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("route")
        endpoint = getattr(route, "name", None) or "unmatched"
        self.metrics.requests.labels(endpoint, scope["method"] if route else "any", str(status)).inc()
        self.metrics.request_seconds.labels(endpoint).observe(seconds)
        if endpoint in _QUIET and status < 400:
            return
        log.info(
            "request",
            method=scope["method"],
            path=scope["path"],
            endpoint=endpoint,
            status=status,
            milliseconds=round(seconds * 1000, 2),
            key=scope["state"].get("key"),
        )


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return str(value, "ascii")
    return new_request_id()


def new_request_id() -> str:
    """An id that no other request has."""
    return secrets.token_hex(12)


async def _send_internal_problem(send: Send, request_id: str) -> None:
    body = internal_problem().body(request_id)
    headers = [(b"content-type", PROBLEM_JSON.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})

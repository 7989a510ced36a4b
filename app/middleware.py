"""What surrounds every request, as one plain ASGI layer: its id, its log line, its figures, and the last resort."""

import re
import secrets
from asyncio import CancelledError
from time import perf_counter

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars

from app.errors import PROBLEM_JSON, STOPPING, Overloaded, Problem, internal_problem, problem_of
from app.telemetry import Metrics, logger
from app.tracing import Span, Tracing, set_current_span

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_QUIET = frozenset({"livez", "readyz", "metrics"})
_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_CLIENT_CLOSED = 499  # nginx's number for a client that went away; only our figures see it

log = logger("hopfact.http")


class RequestFrame:
    """Gives each request an id and a span, logs and counts it, and turns an unexpected exception into a problem."""

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
        span = _begin_span(scope)
        started = perf_counter()
        try:
            if refusal := _refusal(scope):
                await _send_problem(send_with_id, refusal, request_id)
            else:
                await self.app(scope, receive, send_with_id)
        except ClientDisconnect:
            status = _CLIENT_CLOSED
        except CancelledError:
            if status or not scope["app"].state.services.stopping.is_set():
                raise
            await _send_problem(send_with_id, STOPPING, request_id)
        except Exception:
            log.exception("request failed", method=scope["method"], path=scope["path"])
            if status:
                raise
            await _send_problem(send_with_id, internal_problem(), request_id)
        finally:
            self._record(scope, span, status, perf_counter() - started)

    def _record(self, scope: Scope, span: Span, status: int, seconds: float) -> None:
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
        _end_span(span, scope, status)


def _begin_span(scope: Scope) -> Span:
    """The span of a request, which its log lines name, and which is current as long as it is served."""
    tracing: Tracing = scope["app"].state.services.tracing
    span = tracing.begin_request(scope["headers"])
    set_current_span(span)
    if span.trace_id is not None:
        bind_contextvars(trace_id=span.trace_id)
    return span


def _end_span(span: Span, scope: Scope, status: int) -> None:
    """Tell of a request by the template of its route: its path holds names and ids."""
    method, route = scope["method"], getattr(scope.get("route"), "path_format", None)
    attributes = {
        "http.request.method": method,
        "http.response.status_code": status,
        "hopfact.request_id": scope["state"]["request_id"],
    }
    if route is not None:
        attributes["http.route"] = route
    span.end(f"{method} {route}" if route else method, attributes, str(status) if status >= 500 else None)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return str(value, "ascii")
    return new_request_id()


def new_request_id() -> str:
    """An id that no other request has."""
    return secrets.token_hex(12)


def _refusal(scope: Scope) -> Problem | None:
    """What a question hears that would wait for too long: told before anything else costs time."""
    if not scope["path"].endswith("/ask"):
        return None
    try:
        scope["app"].state.services.batcher.check_wait()
    except Overloaded as error:
        return problem_of(error)
    return None


async def _send_problem(send: Send, problem: Problem, request_id: str) -> None:
    body = problem.body(request_id)
    told = {"content-type": PROBLEM_JSON, "content-length": str(len(body)), **problem.headers}
    headers = [(name.lower().encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

"""What endpoints are handed: the services, the caller's rights, the body, the page; and how they reply.

Endpoints that ask SQL are plain functions, which FastAPI runs in threads; only what streams or waits is a coroutine.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

import orjson
from anyio.to_thread import run_sync
from fastapi import Depends, Path, Query, Request, Response
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ValidationError

from app.api.replies import ProblemReply
from app.errors import PROBLEM_JSON, KeyRefused, Problem, errors_of, invalid
from app.keys import Access, Scope
from app.settings import Settings
from app.wiring import Services

JSON = "application/json"
MOST_COMMAS = 1_000_000
"""In a body: whoever reads JSON holds all threads until it is done, a second for some ten million values."""

B = TypeVar("B", bound=BaseModel)
_bearer = HTTPBearer(auto_error=False, description="an API key: hf_…")


def services_of(request: Request) -> Services:
    """The services of this application."""
    found: Services = request.app.state.services
    return found


async def services(request: Request) -> Services:
    """A dependency: the services. A coroutine, for FastAPI runs plain functions in threads."""
    return services_of(request)


async def access_of(request: Request, scope: Scope) -> Access:
    """The caller's rights, once they reach `scope` and the KB of the path, and its key may make one more request."""
    access: Access | None = getattr(request.state, "access", None)
    if access is None:  # else an agent's tool calls, and its request was counted: see app.inside
        access = await _recognised(request)
        services_of(request).limiter.check(access.key)
    request.state.key = access.key
    access.check(scope, request.path_params.get("kb"))
    return access


async def is_recognised(request: Request) -> bool:
    """Whether the caller may do anything at all; counts no request."""
    try:
        await _recognised(request)
    except KeyRefused:
        return False
    return True


async def _recognised(request: Request) -> Access:
    keys = services_of(request).keys
    authorization, host = request.headers.get("authorization"), request.headers.get("host", "")
    access = keys.remembered(authorization, host)
    if access is None:
        access = await run_sync(keys.authenticate, authorization, host)
    request.state.key = access.key
    return access


def may(scope: Scope) -> Callable[..., Coroutine[Any, Any, Access]]:
    """A dependency: the caller's rights, once they reach `scope` and the KB of the path."""

    async def check(request: Request, _: Annotated[object, Depends(_bearer)] = None) -> Access:
        return await access_of(request, scope)

    return check


def body_of(schema: type[B]) -> Callable[[Request], Coroutine[Any, Any, B]]:
    """A dependency: the request's JSON body, checked."""

    async def read(request: Request) -> B:
        return await read_body(request, schema)

    return read


async def read_body(request: Request, schema: type[B]) -> B:
    """The request's JSON body, checked."""
    require_json(request)
    return parsed(schema, await read_limited(request))


Service = Annotated[Services, Depends(services)]
Asker = Annotated[Access, Depends(may("ask"))]
Writer = Annotated[Access, Depends(may("write"))]
Admin = Annotated[Access, Depends(may("admin"))]
Limit = Annotated[int, Query(ge=1, le=1_000, description="most rows of a page")]
Id = Annotated[int, Path(ge=1, le=2**63 - 1)]
Cursor = Annotated[int, Query(ge=0, le=2**63 - 1, description="`next_cursor` of the page before")]


def only_parameters(*names: str) -> Callable[[Request], Coroutine[Any, Any, None]]:
    """A dependency: no other query parameters, for a mistyped one that is ignored may change more than was meant."""

    async def check(request: Request) -> None:
        for unknown in sorted(set(request.query_params) - set(names)):
            detail = f"There is no parameter {unknown[:80]!r} here: take {', '.join(names)}."
            raise Problem(422, "invalid_parameter", detail)

    return check


def media_type(request: Request) -> str:
    """The Content-Type without its parameters, in lower case; empty without one."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def check_question(text: str, settings: Settings, at: tuple[str | int, ...] = ()) -> None:
    """Refuse a question that is empty or too long; `at` is where in the body it stands.

    Raises:
        Problem: with that place.
    """
    if not text.strip():
        raise refused((*at, "question"), "empty_question", "The question is empty: ask something.")
    if len(text) > settings.max_question_characters:
        detail = f"The question is longer than {settings.max_question_characters:,} characters: ask it shorter."
        raise refused((*at, "question"), "question_too_long", detail)


def check_questions(texts: Sequence[str], settings: Settings) -> None:
    """Refuse questions with known answers that are too many, empty or too long.

    Raises:
        Problem: with the place of the first such question.
    """
    if len(texts) > settings.max_evaluated_questions:
        most = f"{settings.max_evaluated_questions:,}"
        raise Problem(422, "too_many_questions", f"Send at most {most} questions at once.")
    for number, text in enumerate(texts):
        check_question(text, settings, ("questions", number))


def refused(at: tuple[str | int, ...], code: str, detail: str) -> Problem:
    """The problem of one field of a body."""
    return Problem(422, code, detail, extra={"errors": [{"loc": [*at], "message": detail, "type": code}]})


def require_json(request: Request) -> None:
    """Refuse a body that does not claim to be JSON: browsers may send other types across sites unasked."""
    if media_type(request) != JSON:
        raise Problem(415, "unsupported_media_type", f"Send the body as JSON, with Content-Type: {JSON}.")


async def read_limited(request: Request) -> bytes:
    """The whole body, up to the limit for JSON."""
    limit = services_of(request).settings.max_json_bytes
    refuse_longer(request, limit)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def refuse_longer(request: Request, limit: int) -> None:
    """Refuse a body by the length that it announces, before reading any of it."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise too_large(limit)


def too_large(limit: int) -> Problem:
    """The problem of a body that is longer than `limit` bytes."""
    return Problem(413, "request_too_large", f"The body is longer than {limit:,} bytes: send it in parts.")


def refuse_many_values(body: bytes) -> None:
    """Refuse a body of JSON that would take too long to read."""
    if body.count(b",") > MOST_COMMAS:
        raise Problem(413, "request_too_large", f"The body has more than {MOST_COMMAS:,} commas: send it in parts.")


def parsed(schema: type[B], body: bytes) -> B:
    """The body as `schema`."""
    if not body.strip():
        raise Problem(400, "empty_body", "The body is empty: send a JSON object.")
    refuse_many_values(body)
    try:
        return schema.model_validate_json(body)
    except ValidationError as error:
        errors = errors_of(error)
        if errors[0]["type"] == "json_invalid":
            reason = errors[0]["msg"].removeprefix("Invalid JSON: ")
            raise Problem(400, "malformed_json", f"The body is no JSON: {reason}.") from None
        raise invalid("invalid_body", errors) from None


def reply(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response, written once."""
    return Response(orjson.dumps(content), status, headers, JSON)


def takes(schema: type[BaseModel]) -> dict[str, Any]:
    """What OpenAPI says of a body that `body_of` or `read_body` reads."""
    return {"requestBody": {"required": True, "content": {JSON: {"schema": schema_reference(schema)}}}}


def needs_key() -> dict[str, Any]:
    """What OpenAPI says of a call that asks `access_of` itself."""
    return {"security": [{_bearer.scheme_name: []}]}


def schema_reference(schema: type[BaseModel]) -> dict[str, str]:
    """Where OpenAPI finds a schema."""
    return {"$ref": f"#/components/schemas/{schema.__name__}"}


def gives(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of the problems of an endpoint; those of every endpoint included."""
    content = {PROBLEM_JSON: {"schema": schema_reference(ProblemReply)}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in sorted({401, 403, 422, 429, 500, 503, *statuses})
    }

"""Errors: which problem each exception is, with its status and stable code; the only place that knows both.

Every error that leaves the service is application/problem+json (RFC 9457) with the fields of `Problem`. Domain
exceptions are named here, not imported: errors must not load torch or SQL to know what they are called. A test
proves that each of them is listed.

ServiceError
├── NotFound
├── KbNameInvalid
├── Overloaded
├── WritersBusy         more changes wait than can be written soon
├── JobFinished
├── KeyRefused          no key, or one that is unknown, expired or revoked
├── ScopeTooSmall
├── FirstKeyMustBeAdmin
├── GraphLoading        a KB is read for SPARQL, or too large for it
├── GraphTooLarge
├── QueryMalformed      a SPARQL query that cannot be read, be carried out, be afforded, be sent, be written so
├── QueryFailed
├── QueryTooCostly
├── ResultTooLarge
└── NotAcceptable
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

import orjson

if TYPE_CHECKING:
    from pydantic import ValidationError

PROBLEM_JSON = "application/problem+json"
MOST_ERRORS = 100
"""That a client is told of one body."""


class ServiceError(Exception):
    """The root of what the service itself refuses; the message says what to do."""


class NotFound(ServiceError):
    """A thing that is asked for is not there, or not for this key."""

    def __init__(self, noun: Literal["job", "key", "model"], name: object) -> None:
        advice = "leave it out for the active one" if noun == "model" else f"GET /v1/{noun}s lists those that are there"
        super().__init__(f"There is no {noun} {name!r}: {advice}.")
        self.noun = noun


class KbNameInvalid(ServiceError):
    """A name that no knowledge base may have."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name[:80]!r} is no name of a KB: take lower-case letters, digits, _ and -, at most 63.")


class Overloaded(ServiceError):
    """More waits than the service can promise to do soon."""


class DeadlineExceeded(ServiceError):
    """Questions were not answered in time; those that had not been read yet never will be."""


class WritersBusy(ServiceError):
    """More changes wait than can be written soon."""

    def __init__(self) -> None:
        super().__init__("Other changes are being written: send it again in a moment.")


class JobFinished(ServiceError):
    """A job that has ended cannot be cancelled."""

    def __init__(self, job_id: int, state: str) -> None:
        super().__init__(f"Job {job_id} is {state} already: there is nothing left to cancel.")


class KeyRefused(ServiceError):
    """There is no valid key with the request."""


class ScopeTooSmall(ServiceError):
    """The key is valid, but may not do this."""


class FirstKeyMustBeAdmin(ServiceError):
    """A first key that is no admin's would lock everybody out of making another."""

    def __init__(self) -> None:
        super().__init__(
            "The first key must have scope 'admin' and reach all KBs: with any key made, the service is closed."
        )


class TooManyRequests(ServiceError):
    """A key asks more often than it may."""

    def __init__(self, rate: str, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"This key may make {rate}: try again in {seconds} s.")


class GraphLoading(ServiceError):
    """A KB is being read for SPARQL, and was not there in time."""

    def __init__(self) -> None:
        super().__init__("The knowledge base is being read for SPARQL, as after each change: try again in seconds.")


class GraphTooLarge(ServiceError):
    """A KB has more triples than may be kept in memory for SPARQL."""

    def __init__(self) -> None:
        super().__init__(
            "The knowledge base is too large for SPARQL here: raise HOPFACT_SPARQL_MAX_TRIPLES, or load its export "
            "into a triple store."
        )


class QueryMalformed(ServiceError):
    """A text is no SPARQL query."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"This is no SPARQL 1.1 query: {reason}. Updates are not taken here.")


class QueryFailed(ServiceError):
    """A query cannot be carried out."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The query cannot be carried out: {reason}. SERVICE reaches no other endpoint from here.")


class QueryTooCostly(ServiceError):
    """A query wanted more memory than it may have, or broke what reads it."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"The query took more than {limit_bytes:,} bytes of memory, or is nested too deeply, and was ended: "
            "make it narrower, or add a LIMIT."
        )


class ResultTooLarge(ServiceError):
    """A query found more than may be sent."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The result has more than {limit_bytes:,} bytes: add a LIMIT, with an OFFSET for the rest.")


class NotAcceptable(ServiceError):
    """There is no result in a format that the client takes."""

    def __init__(self) -> None:
        super().__init__("The Accept header takes none of the formats that there are for this: see docs/api.md.")


@dataclass
class Problem(Exception):
    """An error as a client sees it; raised by the edge, or made from a domain exception by `problem_of`."""

    status: int
    code: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def body(self, request_id: str) -> bytes:
        """The problem document."""
        document = {
            "type": f"urn:hopfact:problem:{self.code}",
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
        }
        return orjson.dumps({**document, **self.extra})


# Exception -> status and code; the nearest class of its ancestry counts. The detail is the exception's message.
PROBLEMS: dict[str, tuple[int, str]] = {
    "KbNotFound": (404, "kb_not_found"),
    "KbNameInvalid": (422, "invalid_body"),
    "KbExists": (409, "kb_exists"),
    "EmptyPattern": (400, "empty_filter"),
    "EntityNotFound": (404, "entity_not_found"),
    "EntitiesUnknown": (422, "unknown_entity"),
    "EmptyInput": (400, "empty_body"),
    "MediaTypeUnknown": (415, "unsupported_media_type"),
    "EncodingUnknown": (415, "unsupported_content_encoding"),
    "NotText": (400, "not_text"),
    "UnpackFailed": (400, "unpack_failed"),
    "UnpackedTooLarge": (413, "unpacked_too_large"),
    "SyntaxErrorAt": (400, "syntax_error"),
    "StructuresBusy": (503, "structures_busy"),
    "GenerationUnwritable": (507, "structures_unwritable"),
    "TermInvalid": (422, "invalid_term"),
    "StorageFailed": (507, "storage_failed"),
    "IngestionAborted": (400, "line_rejected"),
    "MemoryTooLong": (413, "memory_too_long"),
    "SentenceEmpty": (422, "empty_sentence"),
    "WordsUnknown": (422, "unknown_words"),
    "CheckpointUnusable": (503, "model_unavailable"),
    "Overloaded": (503, "overloaded"),
    "DeadlineExceeded": (503, "deadline_exceeded"),
    "WritersBusy": (503, "busy"),
    "JobFinished": (409, "job_finished"),
    "KeyRefused": (401, "key_refused"),
    "ScopeTooSmall": (403, "scope_too_small"),
    "FirstKeyMustBeAdmin": (409, "first_key_must_be_admin"),
    "TooManyRequests": (429, "too_many_requests"),
    "GraphLoading": (503, "structures_busy"),
    "GraphTooLarge": (413, "kb_too_large"),
    "QueryMalformed": (400, "malformed_query"),
    "QueryFailed": (400, "query_failed"),
    "QueryTooCostly": (422, "query_too_costly"),
    "ResultTooLarge": (413, "result_too_large"),
    "NotAcceptable": (406, "not_acceptable"),
}
_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "2"}}

_STATUS_PROBLEMS = {
    400: ("bad_request", "The request cannot be read."),
    404: ("not_found", "There is nothing at this address: /docs lists what there is."),
    405: ("method_not_allowed", "This address takes other methods: see the Allow header."),
}


DATABASE_AWAY = "database_unavailable"
STOPPING = Problem(503, "stopping", "The service stops: send it again, once it is back.", _HEADERS[503])
DISK_FULL = Problem(
    507, "disk_full", "The disk is full: nothing was changed. Free space in the data folder, send it again."
)
DISK_FAILED = Problem(
    507,
    "storage_failed",
    "The disk cannot be written: nothing was changed. Mend the data folder's disk, send it again.",
)
_DISK_FULL_WORDS = ("disk is full", "no space left", "disk quota exceeded", "file too large")
_DISK_FAILED_WORDS = ("disk i/o error", "readonly database")

# What pydantic says in words that do not tell what to do.
_CLEARER = {
    "extra_forbidden": "there is no such field: remove it, or correct its name",
    "string_pattern_mismatch": "take lower-case letters, digits, _ and -, at most 63, the first a letter or digit",
}


def problem_of(error: Exception) -> Problem | None:
    """The problem that a domain exception is; None when it is none of ours, and so a fault."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, NotFound):
        return Problem(404, f"{error.noun}_not_found", str(error))
    if _is_disk_full(error):
        return DISK_FULL
    for ancestor in type(error).__mro__:
        if known := PROBLEMS.get(ancestor.__name__):
            status, code = known
            wait = {"Retry-After": str(error.seconds)} if isinstance(error, TooManyRequests) else {}
            return Problem(status, code, str(error), {**_HEADERS.get(status, {}), **wait})
    return _database_problem(error)


def _is_disk_full(error: Exception) -> bool:
    """Whether a driver or the store tells of a full disk, as both do in words."""
    if type(error).__name__ not in ("OperationalError", "StorageFailed"):
        return False
    words = str(error).lower()
    return any(full in words for full in _DISK_FULL_WORDS)


def _database_problem(error: Exception) -> Problem | None:
    """What a database refuses, told by its driver's words."""
    words = str(error).lower()
    if type(error).__name__ == "DataError" and "nul (0x00)" in words:  # PostgreSQL keeps none, and looks for none
        return Problem(422, "invalid_parameter", "A text of the request holds a NUL character: leave it out.")
    if (type(error).__module__, type(error).__name__) == ("sqlalchemy.exc", "TimeoutError"):
        return Problem(503, DATABASE_AWAY, "All connections to the database are in use: send it again.", _HEADERS[503])
    if type(error).__name__ != "OperationalError":
        return None
    if any(failure in words for failure in _DISK_FAILED_WORDS):
        return DISK_FAILED
    if "database is locked" in words or "locknotavailable" in words:
        return Problem(503, "busy", "Another change is being written: send it again in a moment.", _HEADERS[503])
    return Problem(503, DATABASE_AWAY, "The database cannot be reached now: send it again.", _HEADERS[503])


def problem_of_status(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """The problem for an error of the web framework, which has a status only."""
    phrase = HTTPStatus(status).phrase
    code, detail = _STATUS_PROBLEMS.get(status, (phrase.lower().replace(" ", "_"), phrase))
    return Problem(status, code, detail, headers or {})


def errors_of(error: "ValidationError") -> Sequence[Mapping[str, Any]]:
    """Pydantic's errors; of very many only their number, for to make a dict of each takes seconds."""
    if (count := error.error_count()) > MOST_ERRORS:
        return [{"loc": (), "msg": f"{count:,} fields are wrong or missing", "type": "too_many_errors"}]
    return error.errors(include_url=False, include_input=False)


def invalid(code: str, errors: Sequence[Mapping[str, Any]]) -> Problem:
    """The problem for values that are not allowed; pydantic's errors, without what was sent."""
    told = [
        {
            "loc": list(error["loc"]),
            "message": _CLEARER.get(error["type"], error["msg"].removeprefix("Value error, ")),
            "type": error["type"],
        }
        for error in errors[:MOST_ERRORS]
    ]
    first = told[0]
    place = ".".join(str(part) for part in first["loc"]) or "body"
    more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    return Problem(422, code, f"{place}: {first['message']}{more}", extra={"errors": told})


def internal_problem() -> Problem:
    """What a client hears of a fault of ours."""
    return Problem(500, "internal_error", "The service failed; its log tells more under this request_id.")

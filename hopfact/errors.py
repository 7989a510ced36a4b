"""What a client raises: one class for each family of the service's stable codes, all of them `HopfactError`.

HopfactError
├── Unreachable           no reply came, or not all of it
├── Refused               the service replied with a problem; `code` says which
│   ├── BadRequest        400, 405, 421
│   ├── KeyRefused        401
│   ├── ScopeTooSmall     403
│   ├── NotFound          404
│   ├── Conflict          409
│   ├── TooLarge          413, 431
│   ├── UnsupportedType   406, 415
│   ├── Invalid           422
│   ├── TooManyRequests   429
│   ├── ServiceFault      500
│   ├── Unavailable       503
│   └── StorageFailed     507
└── JobFailed             a job failed or was cancelled
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from hopfact.types import JobReply


class HopfactError(Exception):
    """The root of what a client raises of itself; the message says what is wrong and what to do."""

    code = "unreachable"
    """The service's stable code of what is wrong; `unreachable` where it said nothing."""
    status: int | None = None
    """The status of the reply, where one came."""
    request_id: str | None = None
    """Under which the service's log tells more."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Unreachable(HopfactError):
    """No reply came, or it broke off."""


class Refused(HopfactError):
    """The service replied with a problem, or something that is no Hopfact did."""

    def __init__(self, response: httpx.Response, problem: Mapping[str, Any]) -> None:
        super().__init__(problem["detail"])
        self.code = str(problem["code"])
        self.status: int = response.status_code
        self.request_id = problem["request_id"]
        self.retry_after = retry_after(response)
        self.errors: Sequence[Mapping[str, Any]] = problem.get("errors") or ()
        """What is wrong where in a body that does not validate."""

    def __str__(self) -> str:
        """The words, with what to look for in documentation and logs."""
        return f"{self.detail} ({self.code}, request {self.request_id})" if self.request_id else self.detail


class BadRequest(Refused):
    """The request cannot be read, or not at this address."""


class KeyRefused(Refused):
    """There is no key, or one that is unknown, expired or revoked."""


class ScopeTooSmall(Refused):
    """The key may not do this."""


class NotFound(Refused):
    """What is asked for is not there, or not for this key."""


class Conflict(Refused):
    """It is there already, or has ended."""


class TooLarge(Refused):
    """More was sent than the service takes at once."""


class UnsupportedType(Refused):
    """The service reads or writes no such format or packing."""


class Invalid(Refused):
    """A value is not allowed; `errors` says which."""


class TooManyRequests(Refused):
    """The key asks more often than it may."""


class ServiceFault(Refused):
    """The service failed; its log tells more under `request_id`."""


class Unavailable(Refused):
    """The service cannot do it now: it starts, is overloaded, or lacks its database."""


class StorageFailed(Refused):
    """The service's disk is full or fails."""


class JobFailed(HopfactError):
    """A job failed or was cancelled: it has changed nothing."""

    def __init__(self, job: JobReply) -> None:
        error = job["error"] or {"code": "cancelled", "detail": "The job was cancelled."}
        super().__init__(error["detail"])
        self.code = error["code"]
        self.job = job

    def __str__(self) -> str:
        """The words, with what to look for."""
        return f"{self.job['kb']}: {self.detail} ({self.code}, job {self.job['id']})"


FAMILIES: dict[int, type[Refused]] = {
    400: BadRequest,
    401: KeyRefused,
    403: ScopeTooSmall,
    404: NotFound,
    405: BadRequest,
    406: UnsupportedType,
    409: Conflict,
    413: TooLarge,
    415: UnsupportedType,
    421: BadRequest,
    422: Invalid,
    429: TooManyRequests,
    431: TooLarge,
    500: ServiceFault,
    503: Unavailable,
    507: StorageFailed,
}


def refusal(response: httpx.Response) -> Refused:
    """The error that a reply is."""
    family = FAMILIES.get(response.status_code, Refused)
    try:
        return family(response, json.loads(response.content))
    except (ValueError, KeyError, TypeError):
        detail = f"{response.request.url} replied {response.status_code}, and not as Hopfact does."
        return family(response, {"detail": detail, "code": "not_hopfact", "request_id": None})


def unreachable(error: httpx.TransportError) -> Unreachable:
    """The error that a lost connection is."""
    url = error.request.url
    return Unreachable(f"{url.scheme}://{url.netloc.decode()} cannot be reached: {str(error) or type(error).__name__}")


def retry_after(response: httpx.Response) -> float | None:
    """The seconds to wait that a reply names."""
    said = response.headers.get("Retry-After", "")
    return float(said) if said.isdecimal() else None

"""How a call goes, without doing any input or output: generators that yield steps, which a client does for them.

A `Flow[T]` yields steps, is sent what came of each, and returns a T. Both clients drive the same flows, one by waiting
for each step and one by awaiting it; so each call, the retries and the pages are written once (as httpx does with its
authentication).
"""

import random
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Generic, Protocol, TypeAlias, TypeVar, cast

import httpx

from hopfact.bodies import Body
from hopfact.errors import refusal, retry_after, unreachable

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """One request. `repeatable`: doing it twice is the same as doing it once."""

    method: str
    path: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    json: object = None
    content: Body | None = None
    form: Mapping[str, str] | None = None
    accept: str | None = None
    repeatable: bool = True
    removes: bool = False
    """What the call is there to remove may be gone when it is repeated: then it is done."""


@dataclass(frozen=True)
class Send:
    """Send a request; gives the `httpx.Response`, read to its end, or the pieces of it unread if it is `lazy`."""

    request: Request
    lazy: bool = False


@dataclass
class Opened:
    """A good reply whose body is still to come."""

    response: httpx.Response
    pieces: Iterator[bytes] | AsyncIterator[bytes]


@dataclass(frozen=True)
class Read:
    """Read the next piece of a reply; empty at its end."""

    opened: Opened


@dataclass(frozen=True)
class Close:
    """Give the connection of a reply back."""

    opened: Opened


@dataclass(frozen=True)
class Sleep:
    """Do nothing for so many seconds."""

    seconds: float


Step: TypeAlias = Send | Read | Close | Sleep
Flow: TypeAlias = Generator[Step, Any, T]


class Items(Protocol[T]):
    """Many rows, fetched when they are wanted."""

    def more(self) -> Flow[list[T] | None]:
        """The next rows; None when there are no more."""

    def closed(self) -> Flow[None]:
        """Give back what is open."""


@dataclass(frozen=True)
class Retries:
    """How often a request is sent again, and how long each wait may be; only where that is safe."""

    times: int = 5
    longest_wait: float = 30.0
    first_wait: float = 0.25

    def pause(self, attempt: int) -> float:
        """Seconds after attempt 0, 1 and so on, where the service named none: twice as long each time, with chance."""
        return min(self.longest_wait, self.first_wait * 2.0**attempt) * random.uniform(0.5, 1.0)


NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
CUT_OFF = (httpx.NetworkError, httpx.RemoteProtocolError)


def fetched(request: Request, kind: type[T]) -> Flow[T]:
    """What the service replies, as JSON of this type."""
    response = yield Send(request)
    return cast(T, response.json())


def done(request: Request) -> Flow[None]:
    """Nothing, once the service has replied."""
    yield Send(request)


def steady(flow: Flow[T], retries: Retries) -> Flow[T]:
    """The same flow, where every request gives a good reply, was tried again while that was safe, or raises ours."""
    result: Any = None
    error: BaseException | None = None
    while True:
        try:
            step = flow.send(result) if error is None else flow.throw(error)
        except StopIteration as end:
            return cast(T, end.value)
        result = error = None
        try:
            result = (yield from _tried(step, retries)) if isinstance(step, Send) else (yield step)
        except BaseException as raised:  # the flow decides, and closes what it has open
            error = raised


def _tried(step: Send, retries: Retries) -> Flow[Any]:
    cut_off = False
    for attempt in count():
        try:
            result = yield step
        except httpx.TransportError as error:
            if attempt == retries.times or not _may_repeat(step.request, error):
                raise unreachable(error) from error
            cut_off = cut_off or not isinstance(error, NEVER_SENT)
            pause = retries.pause(attempt)
        else:
            response = result.response if isinstance(result, Opened) else result
            if not response.is_error or (cut_off and step.request.removes and response.status_code == 404):
                return result
            wait = _wait(step.request, response)
            if wait is None or wait > retries.longest_wait or attempt == retries.times:
                raise refusal(response)
            pause = max(wait, retries.pause(attempt))
        yield Sleep(pause)
    raise AssertionError("unreachable")


def _may_repeat(request: Request, error: httpx.TransportError) -> bool:
    if request.content is not None and not request.content.can_repeat():
        return False
    return isinstance(error, NEVER_SENT) or (request.repeatable and isinstance(error, CUT_OFF))


def _wait(request: Request, response: httpx.Response) -> float | None:
    """The seconds after which the service takes the request; None where it must not be sent again."""
    may = response.status_code == 429 or (response.status_code == 503 and request.repeatable)
    can = request.content is None or request.content.can_repeat()
    return retry_after(response) if may and can else None


class Pages(Generic[T]):
    """Rows that come in pages, one request each."""

    def __init__(self, request: Request, rows: str) -> None:
        """`rows`: the field of the reply that has them."""
        self._request = request
        self._rows = rows
        self._cursor: int | None = 0

    def more(self) -> Flow[list[T] | None]:
        """The rows of the next page."""
        if self._cursor is None:
            return None
        page = yield from fetched(self._at(self._cursor), dict[str, Any])
        self._cursor = page["next_cursor"]
        return list(page[self._rows])

    def closed(self) -> Flow[None]:
        """Nothing is open between pages."""
        yield from ()

    def _at(self, cursor: int) -> Request:
        params = {**self._request.params, "cursor": cursor} if cursor else self._request.params
        return Request(self._request.method, self._request.path, params)


class Stream(Generic[T]):
    """Rows in the pieces of one reply."""

    def __init__(self, request: Request, decode: Callable[[bytes], list[T]]) -> None:
        self._request = request
        self._decode = decode
        self._opened: Opened | None = None

    def more(self) -> Flow[list[T] | None]:
        """The rows of the next piece."""
        if self._opened is None:
            self._opened = yield Send(self._request, lazy=True)
        try:
            piece = yield Read(self._opened)
        except httpx.TransportError as error:
            raise unreachable(error) from error
        return self._decode(piece) if piece else None

    def closed(self) -> Flow[None]:
        """Close the reply."""
        if self._opened is not None:
            opened, self._opened = self._opened, None
            yield Close(opened)

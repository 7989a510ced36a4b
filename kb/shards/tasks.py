"""Work that other processes may do piece by piece, gathered in the order of the pieces.

It never fails for want of them: what they do not do is done here. Knows no network, and not what the work is.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Generic, Protocol, TypeVar

import structlog

T = TypeVar("T")
R = TypeVar("R")

PATIENCE_SECONDS = 60.0
"""For one piece: longer than it takes to notice that a machine is gone, and to do its pieces again on another."""

log = structlog.get_logger("hopfact.shards")


class Tasks(Protocol):
    """Other processes, which see the same data folder."""

    ahead: int
    """Pieces that may be begun before the first of them is fetched: enough that nobody waits for one, few in memory."""

    def submit(self, work: Callable[[T], R], piece: T) -> Future[R]:
        """Begin a piece of work, which can be pickled, on whichever machine is free; never waits for one."""
        ...


def scattered(tasks: Tasks, work: Callable[[T], R], here: Callable[[T], R], pieces: Iterable[T]) -> Iterator[R]:
    """What `work` makes of each piece, in their order; `here` makes the same in this process."""
    scatter = _Scatter(tasks, work, here)
    begun: deque[tuple[T, Future[R] | None]] = deque()
    for piece in pieces:
        begun.append((piece, scatter.begin(piece)))
        if len(begun) > tasks.ahead:
            yield scatter.end(*begun.popleft())
    while begun:
        yield scatter.end(*begun.popleft())


class _Scatter(Generic[T, R]):
    """Begins pieces and ends them; once a piece was not done, it and all that is not ended yet is done here."""

    def __init__(self, tasks: Tasks, work: Callable[[T], R], here: Callable[[T], R]) -> None:
        self._tasks = tasks
        self._work = work
        self._here = here
        self._is_lost = False

    def begin(self, piece: T) -> Future[R] | None:
        if self._is_lost:
            return None
        try:
            return self._tasks.submit(self._work, piece)
        except Exception as error:  # of whatever kind: the piece can be done here
            self._lose(error)
            return None

    def end(self, piece: T, future: Future[R] | None) -> R:
        if future is not None and not self._is_lost:
            try:
                return future.result(PATIENCE_SECONDS)
            except Exception as error:
                self._lose(error)
        return self._here(piece)

    def _lose(self, error: Exception) -> None:
        self._is_lost = True
        log.warning("tasks are done here instead", reason=repr(error))

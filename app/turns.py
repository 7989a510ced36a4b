"""Turns: few things are done at once, few more wait, and none waits for ever."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from app.errors import ServiceError


class Turns:
    """Lets `at_once` callers in; lives in one event loop.

    Args:
        full: the error when more than `most_waiting` would wait.
        late: that of who waited these seconds for nothing.
    """

    def __init__(
        self, at_once: int, most_waiting: int, full: Callable[[], ServiceError], late: Callable[[float], ServiceError]
    ) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._most_waiting = most_waiting
        self._full = full
        self._late = late
        self._waiting = 0

    @asynccontextmanager
    async def turn(self, seconds: float) -> AsyncIterator[None]:
        """Wait for a turn, and have it while the block runs.

        Raises:
            ServiceError: too many wait already, or none came in so many seconds.
        """
        if self._free.locked() and self._waiting >= self._most_waiting:
            raise self._full()
        self._waiting += 1
        try:
            async with asyncio.timeout(seconds):
                await self._free.acquire()
        except TimeoutError:
            raise self._late(seconds) from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()

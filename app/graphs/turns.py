"""Turns: few queries run at once, few more wait, and none waits for ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.errors import DeadlineExceeded, Overloaded


class Turns:
    """Lets `at_once` callers in; lives in one event loop."""

    def __init__(self, at_once: int, most_waiting: int) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._most_waiting = most_waiting
        self._waiting = 0

    @asynccontextmanager
    async def turn(self, seconds: float) -> AsyncIterator[None]:
        """Wait for a turn, and have it while the block runs.

        Raises:
            Overloaded: too many wait already.
            DeadlineExceeded: none came in so many seconds.
        """
        if self._free.locked() and self._waiting >= self._most_waiting:
            raise Overloaded("Too many SPARQL queries are waiting: send it again in a few seconds.")
        self._waiting += 1
        try:
            async with asyncio.timeout(seconds):
                await self._free.acquire()
        except TimeoutError:
            raise DeadlineExceeded(f"Other SPARQL queries took all of {seconds:g} s: send it again.") from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()

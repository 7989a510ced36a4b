"""Writers: few changes are written at once, in threads of their own; more wait without a thread, and none for ever.

A change waits for whoever writes: on SQLite for the file, on PostgreSQL for the knowledge base. In the threads of all
else, changes behind one long merge would keep everybody's keys and questions from being looked at.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from app.errors import WritersBusy

T = TypeVar("T")
Given = TypeVarTuple("Given")


class Writers:
    """Lets `at_once` changes be written; lives in one event loop.

    Args:
        most_waiting: changes that may wait before new ones are refused.
        patience: seconds that one waits for its turn.
    """

    def __init__(self, at_once: int, most_waiting: int, patience: float) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._threads = CapacityLimiter(at_once)
        self._most_waiting = most_waiting
        self._patience = patience
        self._waiting = 0

    async def run(self, change: Callable[[*Given], T], *given: *Given) -> T:
        """What the change gives, once it is its turn.

        Raises:
            WritersBusy: too many wait already, or others took all of the time.
        """
        await self._wait()
        try:
            return await run_sync(change, *given, limiter=self._threads)
        finally:
            self._free.release()

    async def _wait(self) -> None:
        if self._free.locked() and self._waiting >= self._most_waiting:
            raise WritersBusy
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            raise WritersBusy from None
        finally:
            self._waiting -= 1

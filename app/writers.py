"""Writers: few changes are written at once, in threads of their own; more wait without a thread, and none for ever.

A change waits for whoever writes: on SQLite for the file, on PostgreSQL for the knowledge base. In the threads of all
else, changes behind one long merge would keep everybody's keys and questions from being looked at; and if one knowledge
base could take all places, the changes of every other.
"""

from collections.abc import Callable
from time import monotonic
from typing import TypeVar, TypeVarTuple
from weakref import WeakValueDictionary

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from app.errors import WritersBusy
from app.turns import Turns

T = TypeVar("T")
Given = TypeVarTuple("Given")

SHARE = 0.25
"""Of the places, as many may the changes of one KB take."""
WAITING_SHARE = 0.5
"""Of those that may wait, as many may be changes of one KB."""


class Writers:
    """Lets `at_once` changes be written; lives in one event loop.

    Args:
        most_waiting: changes that may wait before new ones are refused.
        patience: seconds that one waits for its turn.
    """

    def __init__(self, at_once: int, most_waiting: int, patience: float) -> None:
        self._all = _turns(at_once, most_waiting)
        self._of_one = max(1, int(SHARE * at_once)), int(WAITING_SHARE * most_waiting)
        self._kbs: WeakValueDictionary[str, Turns] = WeakValueDictionary()
        self._threads = CapacityLimiter(at_once)
        self._patience = patience

    async def run(self, change: Callable[[*Given], T], *given: *Given) -> T:
        """What a change gives that waits for no KB, once it is its turn.

        Raises:
            WritersBusy: too many wait already, or others took all of the time.
        """
        async with self._all.turn(self._patience):
            return await run_sync(change, *given, limiter=self._threads)

    async def run_in(self, kb: str, change: Callable[[*Given], T], *given: *Given) -> T:
        """What a change to the facts of a KB gives, once it is its turn.

        Raises:
            WritersBusy: too many wait already, or others took all of the time.
        """
        until = monotonic() + self._patience
        of_kb = self._kbs.setdefault(kb, _turns(*self._of_one))
        async with of_kb.turn(self._patience), self._all.turn(until - monotonic()):
            return await run_sync(change, *given, limiter=self._threads)


def _turns(at_once: int, most_waiting: int) -> Turns:
    return Turns(at_once, most_waiting, WritersBusy, lambda _: WritersBusy())

"""Shards and tasks in this process, whose calls and replies are written out and read again; some may be missing."""

import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from kb.shards.calls import MISSING, Call
from kb.shards.shard import Shard
from kb.shards.source import ShardedSource
from kb.view import KnowledgeView, ViewBudgets

T = TypeVar("T")
R = TypeVar("R")


class LocalShards:
    """Counts what it is asked, and how often."""

    def __init__(self, shard: Shard) -> None:
        self._shard = shard
        self.missing: set[int] = set()
        self.rounds = 0
        self.calls: list[Call] = []

    def ask(self, calls: Sequence[Call]) -> list[Any]:
        """The reply to each call."""
        self.rounds += bool(calls)
        self.calls += calls
        return [MISSING if call.shard in self.missing else self._reply(call) for call in calls]

    def _reply(self, call: Call) -> Any:
        sent = pickle.loads(pickle.dumps(call))
        return pickle.loads(pickle.dumps(self._shard.answer(sent.verb, sent.arguments)))


def sharded(view: KnowledgeView, num_shards: int) -> tuple[KnowledgeView, LocalShards]:
    """The same view, read from shards."""
    shards = LocalShards(Shard(view.base, num_shards))
    source = ShardedSource(view.base, shards, num_shards)
    return KnowledgeView(view.kb_id, view.base, view.delta, ViewBudgets(), source), shards


class LocalTasks:
    """Tasks in threads of this process; what is sent and what comes back is written out and read again."""

    def __init__(self, ahead: int = 4) -> None:
        self.ahead = ahead
        self.submitted = 0
        self._pool = ThreadPoolExecutor(3)

    def submit(self, work: Callable[[T], R], piece: T) -> Future[R]:
        """Begin a piece of work."""
        self.submitted += 1
        return self._pool.submit(_done, pickle.dumps((work, piece)))


def _done(sent: bytes) -> Any:
    work, piece = pickle.loads(sent)
    return pickle.loads(pickle.dumps(work(piece)))

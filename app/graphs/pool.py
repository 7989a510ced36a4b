"""Graphs: the processes that hold KBs for SPARQL, started when they are asked, bounded in number and in triples.

A query is answered from exactly the revision that SQL has when it is asked, or a later one: a process that holds an
earlier one, or changes that SQL does not have, is let go, and the KB is read again.
"""

import subprocess
import sys
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from socket import send_fds, socket, socketpair
from threading import Lock
from time import monotonic

import orjson
from sqlalchemy import Engine

from app.errors import (
    DeadlineExceeded,
    GraphLoading,
    GraphTooLarge,
    NotAcceptable,
    QueryFailed,
    QueryMalformed,
    QueryTooCostly,
    ResultTooLarge,
    ServiceError,
)
from app.graphs.frames import BODY, DONE, PROBLEM, STARTED, receive_frame, send_json
from app.settings import Settings
from kb import database, kbs
from kb.store import LastChange, TripleStore

MOST_KEEPERS = 8
"""How many processes are kept: each takes tens of megabytes, however small its KB is."""
_GRACE_SECONDS = 1.0
_TRIES = 3


@dataclass(frozen=True)
class GraphQuery:
    """A query, and the formats that its result may have, the best first: of tables and of graphs."""

    text: str
    results: Sequence[str]
    graphs: Sequence[str]


@dataclass(frozen=True)
class GraphResult:
    """A result as it is sent."""

    media_type: str
    body: bytes


class _KeeperGone(Exception):
    """The process ended before it took a query."""


class _Keeper:
    """One process and the KB that it holds; `last_change` and `triples` are known once it has loaded."""

    def __init__(self, database_url: str, kb_id: int, max_triples: int, expected: int) -> None:
        self._control, theirs = socketpair()
        order = {"database_url": database_url, "kb_id": kb_id, "max_triples": max_triples}
        command = [sys.executable, "-m", "app.graphs.keeper", str(theirs.fileno())]
        with theirs:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[theirs.fileno()])
        assert self.process.stdin is not None
        with self.process.stdin as stdin:
            stdin.write(orjson.dumps(order))
        self._loading = Lock()
        self.last_change: LastChange | None = None
        self.triples = expected

    def wait(self, deadline: float) -> LastChange:
        """The last change to what it holds, once it is loaded.

        Raises:
            GraphLoading: it is not, by then.
            GraphTooLarge: it never will be.
            _KeeperGone: it ended.
        """
        if not self._loading.acquire(timeout=max(0.0, deadline - monotonic())):
            raise GraphLoading
        try:
            if self.last_change is None:
                self._control.settimeout(max(0.01, deadline - monotonic()))
                received = receive_frame(self._control)
                self._control.settimeout(None)
                if received is None:
                    raise _KeeperGone
                if received[0] == PROBLEM:
                    raise GraphTooLarge
                told = orjson.loads(received[1])
                self.last_change, self.triples = LastChange(*told["last_change"]), told["triples"]
            return self.last_change
        except TimeoutError:
            raise GraphLoading from None
        except OSError:
            raise _KeeperGone from None
        finally:
            self._loading.release()

    def ask(self, query: GraphQuery, settings: Settings, deadline: float) -> GraphResult:
        """The result of a query.

        Raises:
            ServiceError: there is none.
            _KeeperGone: it was never begun.
        """
        ours, theirs = socketpair()
        with ours:
            with theirs:
                try:
                    send_fds(self._control, [b"q"], [theirs.fileno()])
                except OSError:
                    raise _KeeperGone from None
            seconds = max(0.01, deadline - monotonic())
            ours.settimeout(seconds + _GRACE_SECONDS)
            try:
                return _answer(ours, query, settings, seconds)
            except OSError:  # of which a timeout is one
                raise _given_up(deadline, settings) from None

    def leave(self) -> None:
        """Let it go: what it is asked now it still answers."""
        self._control.close()
        if self.last_change is None:
            self.process.kill()

    def kill(self) -> None:
        """End it."""
        self._control.close()
        self.process.kill()
        self.process.wait()


class Graphs:
    """Asks KBs as graphs; safe to use from several threads."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._lock = Lock()
        self._keepers: OrderedDict[int, _Keeper] = OrderedDict()
        self._leaving: list[_Keeper] = []

    def query(self, kb_id: int, query: GraphQuery, deadline: float) -> GraphResult:
        """The result of a query on a KB as it is now.

        Raises:
            KbNotFound: there is no such KB.
            ServiceError: there is no result, by the deadline or at all.
        """
        asked = kbs.last_committed_change(self._engine, kb_id)
        for _ in range(_TRIES):
            keeper = self._keeper(kb_id)
            try:
                if not self._is_held(kb_id, asked, keeper.wait(deadline)):
                    raise _KeeperGone
                return keeper.ask(query, self._settings, deadline)
            except (_KeeperGone, GraphTooLarge) as gone:
                self.forget(kb_id, keeper)
                if isinstance(gone, GraphTooLarge):
                    raise
                kbs.last_committed_change(self._engine, kb_id)
        raise GraphLoading

    def _is_held(self, kb_id: int, asked: LastChange, held: LastChange) -> bool:
        """Whether what is held is what SQL had when it was asked, or has had since."""
        if held == asked:
            return True
        with database.reading(self._engine) as connection:
            return held.revision >= asked.revision and TripleStore(connection).has_seen(kb_id, held)

    def forget(self, kb_id: int, only: _Keeper | None = None) -> None:
        """Let the graph of a KB go, or only this one of it."""
        with self._lock:
            if only is None or self._keepers.get(kb_id) is only:
                self._let_go(kb_id)

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            for keeper in (*self._keepers.values(), *self._leaving):
                keeper.kill()
            self._keepers.clear()
            self._leaving.clear()

    def _keeper(self, kb_id: int) -> _Keeper:
        """The process that holds the KB, or loads it from now on; the others make room for it."""
        with self._lock:
            self._reap()
            if kb_id not in self._keepers:
                self._make_room(kb_id)
            self._keepers.move_to_end(kb_id)
            return self._keepers[kb_id]

    def _reap(self) -> None:
        """Let go of the processes that have ended, as they do when they are asked nothing for minutes."""
        for kb_id, keeper in [*self._keepers.items()]:
            if keeper.process.poll() is not None:
                self._let_go(kb_id)
        self._leaving = [keeper for keeper in self._leaving if keeper.process.poll() is None]

    def _make_room(self, kb_id: int) -> None:
        most = self._settings.sparql_max_triples
        with database.reading(self._engine) as connection:
            expected = TripleStore(connection).counts(kb_id).triples
        if expected > most:
            raise GraphTooLarge
        while self._keepers and (
            len(self._keepers) >= MOST_KEEPERS or sum(one.triples for one in self._keepers.values()) + expected > most
        ):
            self._let_go(next(iter(self._keepers)))
        self._keepers[kb_id] = _Keeper(self._settings.url_of_database, kb_id, most, expected)

    def _let_go(self, kb_id: int) -> None:
        keeper = self._keepers.pop(kb_id, None)
        if keeper is not None:
            keeper.leave()
            self._leaving.append(keeper)


def _answer(of: socket, query: GraphQuery, settings: Settings, seconds: float) -> GraphResult:
    started = receive_frame(of)
    if started is None or started[0] != STARTED:
        raise _KeeperGone
    until = monotonic() + seconds
    order = {
        "query": query.text,
        "results": [*query.results],
        "graphs": [*query.graphs],
        "seconds": seconds,
        "memory_bytes": settings.sparql_query_bytes,
        "result_bytes": settings.sparql_result_bytes,
    }
    send_json(of, BODY, order)
    body: list[bytes] = []
    while (received := receive_frame(of)) is not None:
        kind, content = received
        if kind == BODY:
            body.append(content)
        elif kind == DONE:
            return GraphResult(orjson.loads(content)["media_type"], b"".join(body))
        else:
            raise _refusal(settings, **orjson.loads(content))
    raise _given_up(until, settings)


def _given_up(deadline: float, settings: Settings) -> ServiceError:
    """What a query was ended by that says nothing more: its alarm, else the bounds of its memory."""
    if monotonic() >= deadline - 0.05:
        limit = f"{settings.deadline_seconds:g} s"
        return DeadlineExceeded(f"The query took longer than {limit} and was ended: make it narrower, or add a LIMIT.")
    return QueryTooCostly(settings.sparql_query_bytes)


def _refusal(settings: Settings, code: str, detail: str) -> ServiceError:
    if code == "malformed":
        return QueryMalformed(detail)
    if code == "too_large":
        return ResultTooLarge(settings.sparql_result_bytes)
    if code == "too_costly":
        return QueryTooCostly(settings.sparql_query_bytes)
    return NotAcceptable() if code == "not_acceptable" else QueryFailed(detail)

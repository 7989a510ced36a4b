"""The process that holds one KB as a graph in memory, and answers each query in a fork of itself.

    python -m app.graphs.keeper SOCKET < order.json

Oxigraph cannot be interrupted, so a fork has an alarm that ends it, bounds on its memory, and no way to open a file or
a socket: SERVICE reaches nobody. The graph survives whatever a query does. The process ends when the service does, or
when it was asked nothing for minutes.
"""

import gc
import os
import resource
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any

import orjson
import pyoxigraph
from pyoxigraph import QueryBoolean, QuerySolutions, QueryTriples, RdfFormat

from app.exports import written
from app.graphs.formats import GRAPHS, RESULTS
from app.graphs.frames import BODY, DONE, PROBLEM, STARTED, receive_frame, send_frame, send_json
from kb import database
from kb.errors import KbNotFound
from kb.store import LastChange, TripleStore

IDLE_SECONDS = 300.0
NICENESS = 5


class TooLarge(Exception):
    """A graph or a result has grown beyond its limit."""


class _Chunks:
    """An iterator of bytes as a file, up to a number of lines."""

    def __init__(self, chunks: Iterator[bytes], most_lines: int) -> None:
        self._chunks = chunks
        self._left = most_lines
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes; none at the end."""
        if not self._rest:
            self._rest = next(self._chunks, b"")
            self._left -= self._rest.count(b"\n")
            if self._left < 0:
                raise TooLarge
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece


class _Sink:
    """A file that sends what is written to it, up to a limit."""

    def __init__(self, to: socket.socket, limit: int) -> None:
        self._to = to
        self._left = limit

    def write(self, content: bytes) -> int:
        """Send it on."""
        self._left -= len(content)
        if self._left < 0:
            raise TooLarge
        send_frame(self._to, BODY, content)
        return len(content)

    def flush(self) -> None:
        """Nothing waits here."""


def main() -> None:
    """Load the graph, say so, answer."""
    order = orjson.loads(sys.stdin.buffer.read())
    control = socket.socket(fileno=int(sys.argv[1]))
    try:
        graph, last = load(order["database_url"], order["kb_id"], order["max_triples"])
    except KbNotFound:
        return
    except TooLarge:
        send_json(control, PROBLEM, {"code": "too_large"})
        return
    send_json(control, DONE, {"last_change": [*last], "triples": len(graph)})
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries forks
    serve(control, graph)


def load(database_url: str, kb_id: int, max_triples: int) -> tuple[pyoxigraph.Store, LastChange]:
    """The KB as an export has it, and the last change before it was read.

    Raises:
        KbNotFound: it is gone.
        TooLarge: it has more triples, with the names of things.
    """
    engine = database.create_engine(database_url)
    graph = pyoxigraph.Store()
    with database.reading(engine) as connection:
        store = TripleStore(connection)
        last = store.last_change(kb_id)
        lines = _Chunks(written(store, kb_id, "nt"), max_triples)
        graph.bulk_load(lines, RdfFormat.N_TRIPLES, lenient=True)  # type: ignore[arg-type] # it only reads
    engine.dispose()
    return graph, last


def serve(control: socket.socket, graph: pyoxigraph.Store) -> None:
    """Fork for each connection that comes in over `control`, until that ends or nothing comes for long."""
    control.settimeout(IDLE_SECONDS)
    while True:
        try:
            sign, files, _, _ = socket.recv_fds(control, 1, 1)
        except TimeoutError:
            return
        if not sign:
            return
        if os.fork() == 0:
            try:
                control.close()
                answer(socket.socket(fileno=files[0]), graph)
            finally:
                os._exit(0)
        os.close(files[0])


def answer(to: socket.socket, graph: pyoxigraph.Store) -> None:
    """Carry out one query within its limits, or say why not; whoever cannot any more just ends."""
    send_frame(to, STARTED)
    received = receive_frame(to)
    if received is None:
        return
    order = orjson.loads(received[1])
    _confine(order["seconds"], order["memory_bytes"])
    try:
        media_type = _write(graph, order, _Sink(to, order["result_bytes"]))
        send_json(to, DONE, {"media_type": media_type})
    except BaseException as error:  # Oxigraph's panics are no Exception
        send_json(to, PROBLEM, {"code": _code_of(error), "detail": str(error)[:500]})


def _confine(seconds: float, memory_bytes: int) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # which ends the process, wherever it is
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    os.nice(NICENESS)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # Rust tells of memory that it does not get
    used = _address_space()
    resource.setrlimit(resource.RLIMIT_AS, (used + memory_bytes, used + memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))  # what is open stays open; nothing else can be


def _address_space() -> int:
    """Bytes of address space of this process; where the system does not tell, a guess above what most graphs take."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 8 * 1024**3


class _NotAcceptable(Exception):
    """The query's kind of result has none of the wanted formats."""


def _write(graph: pyoxigraph.Store, order: dict[str, Any], sink: _Sink) -> str:
    """Write a query's result in the first wanted format that it has; that format."""
    found = graph.query(order["query"])
    wanted = order["graphs"] if isinstance(found, QueryTriples) else order["results"]
    if not wanted:
        raise _NotAcceptable
    media_type = str(wanted[0])
    if isinstance(found, QueryTriples):
        found.serialize(sink, GRAPHS[media_type])  # type: ignore[arg-type] # it only writes
    elif isinstance(found, QuerySolutions | QueryBoolean):
        found.serialize(sink, RESULTS[media_type])  # type: ignore[arg-type] # it only writes
    return media_type


def _code_of(error: BaseException) -> str:
    for kind, code in (
        (SyntaxError, "malformed"),
        (TooLarge, "too_large"),
        (MemoryError, "too_costly"),
        (_NotAcceptable, "not_acceptable"),
    ):
        if isinstance(error, kind):
            return code
    return "failed"


if __name__ == "__main__":
    main()

"""Exports to clients that go away or do not read: a connection to the database is theirs for a while only."""

import gc
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest
from sqlalchemy.pool import QueuePool

from app.exports import FORMATS
from app.wiring import EXPORTS_AT_ONCE
from kb.store import TripleStore
from tests.app.running import RunningService


@pytest.fixture
def kb(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> str:
    """A KB whose export never ends."""

    def endless(store: TripleStore, kb_id: int) -> Iterator[bytes]:
        assert [*store.export(kb_id)]
        while True:
            yield bytes(65_536)

    monkeypatch.setitem(FORMATS, "nt", ("application/n-triples", endless))
    return service.kb("Oslo|capital of|Norway")


@contextmanager
def unread(service: RunningService, kb: str) -> Iterator[socket.socket]:
    """An export that was asked for, and of which nothing is read."""
    with closing(socket.socket()) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", service.port))
        client.sendall(f"GET /v1/kbs/{kb}/export HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        wait(lambda: client.recv(1, socket.MSG_PEEK) == b"H")
        yield client


def wait(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def connections(service: RunningService) -> int:
    pool = service.services.engine.pool
    assert isinstance(pool, QueuePool)
    return pool.checkedout()


def test_the_connection_of_an_export_that_is_left_is_free_at_once(service: RunningService, kb: str) -> None:
    gc.disable()
    try:
        for _ in range(3):
            with unread(service, kb):
                wait(lambda: connections(service) > 0)
            wait(lambda: connections(service) == 0)
    finally:
        gc.enable()


def test_a_client_that_does_not_read_its_export_loses_it(
    service: RunningService, kb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.downloads.SEND_SECONDS", 0.5)
    with unread(service, kb) as client:
        wait(lambda: connections(service) > 0)
        wait(lambda: connections(service) == 0)
        with client.makefile("rb") as reply:
            assert not reply.read().endswith(b"0\r\n\r\n")


def test_few_exports_are_sent_at_once_and_all_else_goes_on(service: RunningService, kb: str) -> None:
    with ExitStack() as clients:
        for _ in range(EXPORTS_AT_ONCE):
            clients.enter_context(unread(service, kb))
        refused = service.http.get(f"/v1/kbs/{kb}/export")
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
        assert int(refused.headers["Retry-After"]) >= 1
        assert service.http.get("/readyz").status_code == 200
    wait(lambda: service.http.get(f"/v1/kbs/{kb}/export", params={"format": "tsv"}).status_code == 200)


def test_a_request_for_which_no_connection_is_free_is_told_so(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = service.services.engine
    monkeypatch.setattr(engine.pool, "_timeout", 0.2)
    taken = [engine.connect() for _ in range(64)]
    try:
        replies = [service.http.get(path) for path in ("/readyz", "/v1/kbs")]
    finally:
        for one in taken:
            one.close()
    assert [(reply.status_code, reply.json()["code"]) for reply in replies] == [(503, "database_unavailable")] * 2

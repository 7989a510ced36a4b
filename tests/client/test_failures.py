"""What goes wrong on the way: servers that are killed, not there yet, too busy, or no Hopfact at all."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from hopfact import errors
from hopfact.client import Retries
from hopfact.types import JobReply
from tests.client.conftest import Connect
from tests.processes import ServiceProcess, serving

TSV = "text/tab-separated-values"
LINES = [f"thing {number}\tpart of\tset {number % 7}\n".encode() for number in range(40_000)]
PATIENT = Retries(times=12, longest_wait=2.0)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServiceProcess]:
    """A service of its own, which comes back at the same address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    one = ServiceProcess(tmp_path / "data", port=str(port))
    try:
        one.start()
        yield one
    finally:
        one.kill()
        one.client.close()


def facts(client: Any, kb: str) -> int:
    counts: dict[str, int] = client.kb(kb)["counts"]
    return counts["triples"]


def test_an_upload_that_a_kill_cuts_off_is_sent_again(
    connect: Connect, service: ServiceProcess, tmp_path: Path
) -> None:
    client = connect(service, retries=PATIENT)
    client.create_kb("kb")
    path = tmp_path / "facts.tsv"
    path.write_bytes(b"".join(LINES * 2))
    killed: list[int] = []

    def sent(gone: int, _: int | None) -> None:
        if not killed:
            killed.append(gone)
            service.kill()
            service.start()

    job = client.ingest("kb", path, sent=sent)
    assert 0 < killed[0] < path.stat().st_size
    assert (job["state"], job["accepted"], job["duplicates"]) == ("succeeded", len(LINES), len(LINES))
    assert facts(client, "kb") == len(LINES)
    assert [one["id"] for one in client.jobs()] == [job["id"]]


def test_an_upload_that_cannot_begin_anew_fails_and_changes_nothing(connect: Connect, service: ServiceProcess) -> None:
    client = connect(service, retries=PATIENT)
    client.create_kb("kb")

    def pieces() -> Iterator[bytes]:
        yield b"".join(LINES)
        service.kill()
        service.start()
        yield from [b"".join(LINES)] * 20

    with pytest.raises(errors.Unreachable, match="cannot be reached"):
        client.upload("kb", pieces(), media_type=TSV)
    assert facts(client, "kb") == 0
    assert [*client.jobs()] == []


def test_waiting_for_a_job_goes_on_over_a_kill(connect: Connect, service: ServiceProcess) -> None:
    client = connect(service, retries=PATIENT)
    client.create_kb("kb")
    heard: list[JobReply] = []

    def progress(job: JobReply) -> None:
        if not heard:
            service.kill()
            service.start()
        heard.append(job)

    job = client.ingest("kb", b"".join(LINES), media_type=TSV, progress=progress)
    assert heard[0]["state"] in ("queued", "running")
    assert heard[-1] == job
    assert facts(client, "kb") == len(LINES)


def test_a_service_that_is_still_starting_is_waited_for(connect: Connect, service: ServiceProcess) -> None:
    client = connect(service, retries=PATIENT)
    service.kill()
    with ThreadPoolExecutor(1) as pool:
        started = pool.submit(service.start)
        client.create_kb("kb")  # which is not repeatable, but was never sent before
        started.result()
    assert facts(client, "kb") == 0


def test_a_service_that_is_gone_is_given_up(connect: Connect, service: ServiceProcess) -> None:
    url = str(service.client.base_url)
    client = connect(service, retries=Retries(times=2, first_wait=0.01))
    service.kill()
    with pytest.raises(errors.Unreachable) as failed:
        client.kbs()
    assert str(failed.value).startswith(f"{url.rstrip('/')} cannot be reached: ")
    assert (failed.value.code, failed.value.status, failed.value.request_id) == ("unreachable", None, None)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://there:port", "is no address"),
        ("localhost:8000", "unsupported protocol"),
        ("there", "missing an 'http://'"),
    ],
)
def test_an_address_that_is_none_is_told(kind: Any, url: str, told: str) -> None:
    with pytest.raises(errors.Unreachable, match=told), kind(url) as client:
        client.kbs()


def refused(service: ServiceProcess, status: int) -> int:
    """How often the service replied so."""
    figures = service.client.get("/metrics").text.splitlines()
    lines = [line for line in figures if line.startswith("hopfact_requests_total{") and f'status="{status}"' in line]
    return sum(int(float(line.rpartition(" ")[2])) for line in lines)


def test_what_a_rate_limit_refuses_is_sent_when_it_may_be(connect: Connect, tmp_path: Path) -> None:
    with serving(tmp_path, HOPFACT_RATE_LIMIT="2/second") as service:
        patient, hasty = connect(service), connect(service, retries=Retries(times=0))
        assert [patient.kbs() for _ in range(4)] == [[]] * 4
        assert refused(service, 429) > 0
        with pytest.raises(errors.TooManyRequests) as failed:
            [hasty.kbs() for _ in range(100)]
    assert (failed.value.code, failed.value.retry_after) == ("too_many_requests", 1.0)


def test_what_an_overload_refuses_is_asked_again(connect: Connect, tmp_path: Path) -> None:
    questions = [f"thing {number} is part of what?" for number in range(100)]
    with serving(tmp_path, HOPFACT_MAX_WAITING_QUESTIONS="120") as service:
        clients = [connect(service, retries=PATIENT) for _ in range(3)]
        clients[0].create_kb("kb")
        clients[0].write("kb", [("thing 1", "part of", "all")])
        with ThreadPoolExecutor(3) as pool:
            replies = [*pool.map(lambda client: client.ask_batch("kb", questions), clients)]
        assert [len(some) for some in replies] == [100] * 3
        assert refused(service, 503) > 0


def test_what_stays_refused_is_raised_after_the_waits_that_the_service_asks_for(
    connect: Connect, tmp_path: Path
) -> None:
    with serving(tmp_path, HOPFACT_DEADLINE_SECONDS="0.000001") as service:
        client = connect(service, retries=Retries(times=1))
        client.create_kb("kb")
        client.write("kb", [("a", "b", "c")])
        began = time.monotonic()
        with pytest.raises(errors.Unavailable) as failed:
            client.ask("kb", "What is a?")
        assert failed.value.retry_after is not None
        assert time.monotonic() - began >= failed.value.retry_after
        assert failed.value.code == "deadline_exceeded"
        assert refused(service, 503) == 2
        impatient = connect(service, retries=Retries(times=9, longest_wait=0.5))
        with pytest.raises(errors.Unavailable):
            impatient.ask("kb", "What is a?")
        assert refused(service, 503) == 3


class Flawed:
    """A server, no Hopfact, that deletes but loses its first reply, and refuses all else in words of its own."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        seen = self.seen

        class Handler(BaseHTTPRequestHandler):
            def do_DELETE(self) -> None:
                seen.append(self.path)
                if len(seen) > 1:
                    self.send_error(404)

            def do_GET(self) -> None:
                self.send_error(502)

            def do_POST(self) -> None:
                seen.append(self.path)

            def log_message(self, *_: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def flawed() -> Iterator[Flawed]:
    one = Flawed()
    thread = Thread(target=one.server.serve_forever)
    thread.start()
    yield one
    one.server.shutdown()
    thread.join()
    one.server.server_close()


def test_a_deletion_whose_reply_was_lost_is_done_though_nothing_is_left(kind: Any, flawed: Flawed) -> None:
    with kind(flawed.url) as client:
        client.delete_kb("kb")
        assert flawed.seen == ["/v1/kbs/kb"] * 2
        with pytest.raises(errors.NotFound):
            client.delete_kb("kb")


def test_what_may_have_been_done_is_not_done_twice(kind: Any, flawed: Flawed) -> None:
    with kind(flawed.url) as client:
        with pytest.raises(errors.Unreachable):
            client.create_kb("kb")
        assert flawed.seen == ["/v1/kbs"]


def test_a_reply_that_is_not_the_services_is_told_apart(kind: Any, flawed: Flawed) -> None:
    with kind(flawed.url) as client, pytest.raises(errors.Refused, match="not as Hopfact does") as failed:
        client.kbs()
    assert (failed.value.code, failed.value.status) == ("not_hopfact", 502)

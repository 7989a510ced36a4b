"""A real service on loopback for tests: uvicorn in a thread, everything behind it real."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from threading import Thread
from typing import Any

import httpx
from fastapi import FastAPI

from app.main import create_app, server_of
from app.settings import Settings
from app.telemetry import configure_logging
from app.wiring import Services

TSV = "text/tab-separated-values"
_numbers = count()


class RunningService:
    """The service, and a client with the verbs that tests repeat."""

    def __init__(self, app: FastAPI, port: int) -> None:
        self.app = app
        self.port = port
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx.Client(base_url=self.url, timeout=60)

    @property
    def services(self) -> Services:
        found: Services = self.app.state.services
        return found

    def kb(self, *lines: str) -> str:
        """A new KB with these facts, each `subject|relation|object`; its name."""
        name = f"kb-{next(_numbers)}"
        assert self.http.post("/v1/kbs", json={"name": name}).status_code == 201
        if lines:
            reply = self.write(name, *lines)
            assert reply.status_code == 200, reply.text
        return name

    def write(self, kb: str, *lines: str, **parameters: str) -> httpx.Response:
        """A small write of facts, each `subject|relation|object`."""
        return self.http.post(f"/v1/kbs/{kb}/triples", params=parameters, json={"triples": triples(*lines)})

    def upload(
        self,
        kb: str,
        data: bytes | Iterator[bytes],
        media_type: str = TSV,
        encoding: str | None = None,
        **parameters: str,
    ) -> httpx.Response:
        """A bulk upload."""
        headers = {"Content-Type": media_type} | ({"Content-Encoding": encoding} if encoding else {})
        return self.http.post(f"/v1/kbs/{kb}/triples", params=parameters, headers=headers, content=data)

    def ingest(
        self, kb: str, data: bytes, media_type: str = TSV, encoding: str | None = None, **parameters: str
    ) -> Any:
        """A bulk upload; its job as it ended."""
        reply = self.upload(kb, data, media_type, encoding, **parameters)
        assert reply.status_code == 202, reply.text
        return self.ended(reply.json()["id"])

    def ended(self, job_id: int, seconds: float = 180) -> Any:
        """The job, once it has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            job = self.http.get(f"/v1/jobs/{job_id}").json()
            if job["state"] in ("succeeded", "failed", "cancelled"):
                return job
            time.sleep(0.02)
        raise AssertionError(f"job {job_id} did not end: {job}")

    def facts(self, kb: str) -> set[tuple[str, str, str]]:
        """The labels of all facts of a small KB."""
        page = self.http.get(f"/v1/kbs/{kb}/triples", params={"limit": 1000}).json()["triples"]
        return {(one["subject"]["label"], one["relation"]["label"], one["object"]["label"]) for one in page}


def triples(*lines: str) -> list[dict[str, str]]:
    """Facts as JSON, each from `subject|relation|object`."""
    return [dict(zip(("subject", "relation", "object"), line.split("|"), strict=True)) for line in lines]


@contextmanager
def running(settings: Settings) -> Iterator[RunningService]:
    """The service until the block ends, ready."""
    configure_logging(settings)
    app = create_app(settings)
    server = server_of(app, settings)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = Thread(target=server.run, kwargs={"sockets": [listening]}, name="service-under-test", daemon=True)
    thread.start()
    try:
        _wait(lambda: server.started or not thread.is_alive())
        assert server.started, "the service did not start"
        service = RunningService(app, listening.getsockname()[1])
        _wait(lambda: service.http.get("/readyz").status_code == 200)
        yield service
        service.http.close()
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()


def _wait(condition: Any, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)

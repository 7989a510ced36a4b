"""SIGTERM under load: what was asked is answered, what was written is there, and then nothing more is taken."""

import math
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tests.processes import serving

CLIENTS = 8
LOAD_SECONDS = 2.0
ACCEPTING_SECONDS = 0.2
"""A request counts as taken when it was sent this long before the signal: until then it may lie unread in a socket."""


class Call(NamedTuple):
    """A request: when it was sent, and what came of it; 0 where the connection was refused or cut."""

    sent: float
    status: int
    fact: str


def test_what_was_taken_is_answered_and_what_was_acknowledged_is_kept(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        service.client.post("/v1/kbs", json={"name": "kb"})
        url = str(service.client.base_url)
        with ThreadPoolExecutor(CLIENTS) as pool:
            running = [pool.submit(_load, url, number) for number in range(CLIENTS)]
            time.sleep(LOAD_SECONDS)
            told = time.monotonic()
            service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(30) in (0, -signal.SIGTERM)
            calls = [call for one in running for call in one.result()]
    taken = [call for call in calls if call.sent < told - ACCEPTING_SECONDS]
    assert len(taken) > 2 * CLIENTS
    assert {call.status for call in taken} == {200}
    assert {call.status for call in calls} <= {200, 503, 0}
    with serving(tmp_path) as service:
        exported = service.client.get("/v1/kbs/kb/export?format=tsv").text.splitlines()
    written = {call.fact for call in calls if call.status == 200 and call.fact}
    assert written
    assert written <= set(exported)


def _load(url: str, number: int) -> list[Call]:
    """Write and ask by turns, until the service is gone."""
    calls: list[Call] = []
    while not calls or calls[-1].status == 200:
        fact = "" if len(calls) % 2 else f"thing {number} {len(calls)}\tpart of\tall"
        sent: list[float] = []
        try:
            with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
                status = _call(client, fact, sent).status_code
        except httpx.TransportError:
            status = 0
        calls.append(Call(sent[0] if sent else math.inf, status, fact))
    return calls


def _call(client: httpx.Client, fact: str, sent: list[float]) -> httpx.Response:
    def trace(event: str, _: dict[str, Any]) -> None:
        if event == "http11.send_request_body.complete":
            sent.append(time.monotonic())

    if fact:
        path, parts = "/v1/kbs/kb/triples", ("subject", "relation", "object")
        body: dict[str, Any] = {"triples": [dict(zip(parts, fact.split("\t"), strict=True))]}
    else:
        path, body = "/v1/kbs/kb/ask/batch", {"questions": ["what is thing 1 0 part of?"] * 10}
    return client.post(path, json=body, extensions={"trace": trace})

"""SIGTERM under load: what was asked is answered, what was written is there, and then nothing more is taken."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import httpx

from tests.processes import serving

CLIENTS = 8
LOAD_SECONDS = 2.0
SENDING_SECONDS = 0.1
"""A request counts as taken when it was sent this long before the signal."""


class Call(NamedTuple):
    """A request: when it was begun, and what came of it; 0 where the connection was refused or cut."""

    begun: float
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
    taken = [call for call in calls if call.begun < told - SENDING_SECONDS]
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
        begun = time.monotonic()
        try:
            with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
                calls.append(Call(begun, _call(client, fact).status_code, fact))
        except httpx.TransportError:
            calls.append(Call(begun, 0, fact))
    return calls


def _call(client: httpx.Client, fact: str) -> httpx.Response:
    if not fact:
        return client.post("/v1/kbs/kb/ask/batch", json={"questions": ["what is thing 1 0 part of?"] * 10})
    subject, relation, value = fact.split("\t")
    triple = {"subject": subject, "relation": relation, "object": value}
    return client.post("/v1/kbs/kb/triples", json={"triples": [triple]})

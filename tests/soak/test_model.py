"""Random use by four clients of two KBs, with restarts and kills, against the plain model (after Qdrant's model test).

`scripts/soak` runs the long form; the seed is printed, and draws the same calls again, though not the moments of kills.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from tests.postgres import empty
from tests.processes import ServiceProcess, run_hopfact, serving, verify, wait
from tests.soak.clients import SoakClient

logger = logging.getLogger(__name__)
CLIENTS = ("ann", "bob", "cem", "dora")
SHARED = ("left", "right")
CALLS_IN_A_ROUND = 40
KILLED, STOPPED = 0.4, 0.2
"""How often a round is cut off by a kill, and how often it ends with a restart."""


def test_what_is_held_is_what_the_plain_model_holds(tmp_path: Path, soak_calls: int, soak_seed: int) -> None:
    run(tmp_path, soak_calls, soak_seed)


@pytest.mark.postgres
def test_the_same_on_postgres(tmp_path: Path, postgres_url: str, soak_calls: int, soak_seed: int) -> None:
    try:
        run(tmp_path, soak_calls, soak_seed, HOPFACT_DATABASE_URL=postgres_url)
    finally:
        empty(postgres_url)


def run(data: Path, calls: int, seed: int, **variables: str) -> None:
    """Make calls in rounds; after each, what was cut off is settled and everything compared."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    random = Random(seed)
    service = ServiceProcess(data, HOPFACT_WORKER_POLL_SECONDS="0.05", **variables)
    clients = [SoakClient(name, SHARED, f"{seed} {name}") for name in CLIENTS]
    starts = [service.start()]
    kills = stops = 0
    try:
        for kb in SHARED:
            assert service.client.post("/v1/kbs", json={"name": kb}).status_code == 201
        _ready(service, clients)
        while sum(client.done for client in clients) < calls:
            event = random.random()
            _round(service, clients, random.uniform(0.05, 2.0) if event < KILLED else None)
            if event < KILLED:
                kills += 1
            elif event < KILLED + STOPPED:
                service.stop()
                stops += 1
            if event < KILLED + STOPPED:
                starts.append(service.start())
                _ready(service, clients)
            for client in clients:
                client.check()
        service.stop()
        assert verify(data, **variables) == 0, "SQL and index differ"
        _comes_back(data, clients, variables)
    finally:
        service.kill()
        for http in (service.client, *(client.http for client in clients)):
            http.close()
    done = sum(client.done for client in clients)
    logger.info("seed %d: %d calls, %d kills, %d stops, ready in %.1f s at most", seed, done, kills, stops, max(starts))
    assert list((data / "spool").iterdir()) == [], "an upload was left"


def _round(service: ServiceProcess, clients: Sequence[SoakClient], kill_after: float | None) -> None:
    """Let all clients make calls at once, and kill the service meanwhile if a time is given."""
    with ThreadPoolExecutor(len(clients)) as pool:
        running = [pool.submit(client.run, CALLS_IN_A_ROUND) for client in clients]
        if kill_after is not None:
            time.sleep(kill_after)
            service.kill()
        for one in running:
            one.result()


def _comes_back(data: Path, clients: Sequence[SoakClient], variables: Mapping[str, str]) -> None:
    """Back up, restore into a new data folder, which has SQLite, and compare that."""
    for folder, words, more in ((data, "backup", variables), (data / "restored", "restore", {})):
        done = run_hopfact(folder, words, str(data / "backup"), **more)
        assert done.returncode == 0, done.stderr
    with serving(data / "restored") as service:
        for client in clients:
            client.connect(service.client.base_url)
            client.check()


def _ready(service: ServiceProcess, clients: Sequence[SoakClient]) -> None:
    """Wait until what was cut off has ended, settle it, and let the clients talk to the service."""
    wait(lambda: not _open_jobs(service), "jobs did not end")
    for client in clients:
        client.connect(service.client.base_url)
        client.make_own()
        client.settle()


def _open_jobs(service: ServiceProcess) -> bool:
    return any(
        service.client.get("/v1/jobs", params={"state": state}).json()["jobs"] for state in ("queued", "running")
    )

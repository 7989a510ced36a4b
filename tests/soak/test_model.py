"""Random use by four clients of two KBs, with restarts and kills, against the plain model (after Qdrant's model test).

On PostgreSQL three replicas serve, a client meets another one after each round, and the database is stopped, crashes
and loses its connections.

`scripts/soak` runs the long form; the seed is printed, and draws the same calls again, though not the moments of kills.
"""

import logging
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from random import Random

import pytest

from tests.postgres import PostgresServer, postgres_server
from tests.processes import ServiceProcess, run_hopfact, serving, verify, wait
from tests.soak.clients import SoakClient

logger = logging.getLogger(__name__)
CLIENTS = ("ann", "bob", "cem", "dora")
SHARED = ("left", "right")
CALLS_IN_A_ROUND = 40
EVENTS = ("nothing", "kill", "stop", "cut", "outage")
WEIGHTS = (4, 4, 2, 1, 2)
"""What happens in a round, and how often; the last two need a database with connections."""


def test_what_is_held_is_what_the_plain_model_holds(tmp_path: Path, soak_calls: int, soak_seed: int) -> None:
    run(tmp_path, soak_calls, soak_seed)


@pytest.mark.postgres
def test_the_same_on_postgres_by_three_replicas(tmp_path: Path, soak_calls: int, soak_seed: int) -> None:
    with postgres_server() as server:
        run(tmp_path, soak_calls, soak_seed, replicas=3, server=server)


def run(data: Path, calls: int, seed: int, replicas: int = 1, server: PostgresServer | None = None) -> None:
    """Make calls in rounds; after each, what was cut off is settled and everything compared."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    random = Random(seed)
    variables = {"HOPFACT_WORKER_POLL_SECONDS": "0.05"} | ({"HOPFACT_DATABASE_URL": server.url} if server else {})
    services = [ServiceProcess(data, f"log-{number}", **variables) for number in range(replicas)]
    clients = [SoakClient(name, SHARED, f"{seed} {name}", may_lose_database=server is not None) for name in CLIENTS]
    starts = [service.start() for service in services]
    kinds, events = EVENTS if server else EVENTS[:3], Counter[str]()
    try:
        for kb in SHARED:
            assert services[0].client.post("/v1/kbs", json={"name": kb}).status_code == 201
        _ready(services, clients)
        while sum(client.done for client in clients) < calls:
            event, one = random.choices(kinds, WEIGHTS[: len(kinds)])[0], random.choice(services)
            events[event] += 1
            _round(clients, partial(_interrupt, event, one, server, random))
            if event in ("kill", "stop"):
                starts.append(one.start())
            if event != "nothing":
                _ready(services, clients)
            for client in clients:
                client.connect(random.choice(services).client.base_url)  # what one acknowledged, all must know
                client.check()
        for service in services:
            service.stop()
        assert verify(data, **variables) == 0, "SQL and index differ"
        _comes_back(data, clients, variables)
    finally:
        for service in services:
            service.kill()
        for http in (*(service.client for service in services), *(client.http for client in clients)):
            http.close()
    done = sum(client.done for client in clients)
    logger.info("seed %d: %d calls, %s, ready in %.1f s at most", seed, done, dict(events), max(starts))
    assert list((data / "spool").iterdir()) == [], "an upload was left"


def _round(clients: Sequence[SoakClient], interrupt: Callable[[], None]) -> None:
    """Let all clients make calls at once, and interrupt them."""
    with ThreadPoolExecutor(len(clients)) as pool:
        running = [pool.submit(client.run, CALLS_IN_A_ROUND) for client in clients]
        interrupt()
        for one in running:
            one.result()


def _interrupt(event: str, service: ServiceProcess, server: PostgresServer | None, random: Random) -> None:
    if event == "nothing":
        return
    time.sleep(random.uniform(0.05, 2.0))
    if event == "kill":
        service.kill()
    elif event == "stop":
        service.stop()
    elif event == "cut":
        assert server is not None
        server.cut_connections()
    else:
        assert server is not None
        server.stop(random.choice((signal.SIGINT, signal.SIGQUIT)))
        time.sleep(random.uniform(0, 1.0))
        server.start()


def _comes_back(data: Path, clients: Sequence[SoakClient], variables: Mapping[str, str]) -> None:
    """Back up, restore into a new data folder, which has SQLite, and compare that."""
    for folder, words, more in ((data, "backup", variables), (data / "restored", "restore", {})):
        done = run_hopfact(folder, words, str(data / "backup"), **more)
        assert done.returncode == 0, done.stderr
    with serving(data / "restored") as service:
        for client in clients:
            client.connect(service.client.base_url)
            client.check()


def _ready(services: Sequence[ServiceProcess], clients: Sequence[SoakClient]) -> None:
    """Wait until what was cut off has ended, settle it, and let each client talk to one of the services."""
    for service in services:
        wait(service.is_ready, "the service did not get ready again")
    wait(lambda: not _open_jobs(services[0]), "jobs did not end")
    for number, client in enumerate(clients):
        client.connect(services[number % len(services)].client.base_url)
        client.make_own()
        client.settle()


def _open_jobs(service: ServiceProcess) -> bool:
    return any(
        service.client.get("/v1/jobs", params={"state": state}).json()["jobs"] for state in ("queued", "running")
    )

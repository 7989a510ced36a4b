"""Random use by four clients of two KBs, with restarts and kills, against the plain model (after Qdrant's model test).

On PostgreSQL four replicas serve and two workers run the jobs, a client meets another replica after each round, and the
database is stopped, crashes and loses its connections.

`scripts/soak` runs the long form; the seed is printed, and draws the same calls again, though not the moments of kills.
"""

import logging
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from random import Random
from statistics import median

import pytest

from tests.postgres import PostgresServer, postgres_server
from tests.processes import ServiceProcess, WorkerProcess, run_hopfact, serving, verify, wait
from tests.soak.clients import SoakClient

logger = logging.getLogger(__name__)
CLIENTS = ("ann", "bob", "cem", "dora")
SHARED = ("left", "right")
CALLS_IN_A_ROUND = (20, 40, 300)
"""By each client: between the things that happen, much is done or little."""
SECONDS_A_CALL = 0.05
"""About, of a client, where four make calls at once."""
EVENTS = ("nothing", "kill", "stop", "backup", "train", "cut", "outage")
WEIGHTS = (3, 4, 2, 1, 0.3, 1, 2)
"""What happens in a round, and how often; the last two need a database with connections."""


def test_what_is_held_is_what_the_plain_model_holds(tmp_path: Path, soak_calls: int, soak_seed: int) -> None:
    Soak(tmp_path, soak_seed).run(soak_calls)


@pytest.mark.postgres
def test_the_same_on_postgres_by_four_replicas_and_two_workers(tmp_path: Path, soak_calls: int, soak_seed: int) -> None:
    with postgres_server() as server:
        Soak(tmp_path, soak_seed, server).run(soak_calls)


def test_a_kill_in_every_round_loses_nothing(tmp_path: Path, soak_kills: int, soak_seed: int) -> None:
    Soak(tmp_path, soak_seed).survive_kills(soak_kills)


@pytest.mark.postgres
def test_the_same_of_kills_on_postgres(tmp_path: Path, soak_kills: int, soak_seed: int) -> None:
    with postgres_server() as server:
        Soak(tmp_path, soak_seed, server).survive_kills(soak_kills)


class Soak:
    """Services on one data folder, clients that use them at random, and what happens to them meanwhile."""

    def __init__(self, data: Path, seed: int, server: PostgresServer | None = None) -> None:
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self.data, self.seed, self.server = data, seed, server
        self.random = Random(seed)
        self.variables = {"HOPFACT_WORKER_POLL_SECONDS": "0.05", "HOPFACT_TRAINING_STEPS": "1"}
        if server:
            self.variables |= {"HOPFACT_DATABASE_URL": server.url, "HOPFACT_WORKER": "none"}
        replicas, workers = (4, 2) if server else (1, 0)
        self.services = [ServiceProcess(data, f"log-{number}", **self.variables) for number in range(replicas)]
        self.workers = [WorkerProcess(data, f"log-worker-{number}", **self.variables) for number in range(workers)]
        self.processes: list[ServiceProcess | WorkerProcess] = [*self.services, *self.workers]
        self.clients = [
            SoakClient(name, SHARED, f"{seed} {name}", may_lose_database=server is not None) for name in CLIENTS
        ]
        self.events: Counter[str] = Counter()

    def run(self, calls: int) -> None:
        """Make so many calls in rounds long and short, in each of which something happens."""
        self._run(self._drawn(calls), most=max(1, calls // (4 * len(self.clients))))

    def survive_kills(self, kills: int) -> None:
        """Kill a service or a worker at a random moment of each of so many short rounds."""
        self._run(repeat("kill", kills), most=CALLS_IN_A_ROUND[0])

    def _drawn(self, calls: int) -> Iterator[str]:
        """What happens in each round, until so many calls are made."""
        kinds = EVENTS if self.server else EVENTS[:-2]
        while sum(client.done for client in self.clients) < calls:
            yield self.random.choices(kinds, WEIGHTS[: len(kinds)])[0]

    def _run(self, events: Iterator[str], most: int) -> None:
        """Make calls in rounds; after each, what was cut off is settled and everything compared."""
        try:
            starts = [process.start() for process in self.processes]
            for kb in SHARED:
                assert self.services[0].client.post("/v1/kbs", json={"name": kb}).status_code == 201
            self._ready()
            for event in events:
                one = self.random.choice(self.processes)
                self._round(event, one, most)
                if event in ("kill", "stop"):
                    starts.append(one.start())
                if event != "nothing":
                    self._ready()
                for client in self.clients:  # what one acknowledged, all must know
                    client.connect(self.random.choice(self.services).client.base_url)
                    client.check()
            wait(lambda: not any((self.data / "spool").iterdir()), "an upload was left")
            for process in self.processes:
                process.stop()
            assert verify(self.data, **self.variables) == 0, "SQL and index differ"
            self._comes_back()
        finally:
            for process in self.processes:
                process.kill()
            for http in (*(service.client for service in self.services), *(client.http for client in self.clients)):
                http.close()
        done, happened = sum(client.done for client in self.clients), dict(self.events)
        times = [seconds for seconds in starts if seconds]  # a worker's are not counted
        ready = f"ready in {median(times):.1f} s (median of {len(times)} starts), {max(times):.1f} s at most"
        logger.info("seed %d: %d calls, %s, %s", self.seed, done, happened, ready)

    def _round(self, event: str, one: ServiceProcess | WorkerProcess, most: int) -> None:
        """Let all clients make calls at once, each at most `most`, and something happen."""
        self.events[event] += 1
        calls = min(self.random.choice(CALLS_IN_A_ROUND), most)
        with ThreadPoolExecutor(len(self.clients)) as pool:
            running = [pool.submit(client.run, calls) for client in self.clients]
            if event != "nothing":
                time.sleep(self.random.uniform(0.05, calls * SECONDS_A_CALL))
                self._happens(event, one)
            for one_client in running:
                one_client.result()

    def _happens(self, event: str, one: ServiceProcess | WorkerProcess) -> None:
        if event == "kill":
            one.kill()
        elif event == "stop":
            one.stop()
        elif event == "backup":
            self._back_up()
        elif event == "train":
            assert self.services[0].client.post(f"/v1/kbs/{SHARED[0]}/train", json={}).status_code == 202
        elif event == "cut":
            assert self.server is not None
            self.server.cut_connections()
        else:
            assert self.server is not None
            self.server.stop(self.random.choice((signal.SIGINT, signal.SIGQUIT)))
            time.sleep(self.random.uniform(0, 1.0))
            self.server.start()

    def _back_up(self) -> None:
        done = run_hopfact(self.data, "backup", str(self.data / "backup"), **self.variables)
        assert done.returncode == 0, done.stderr

    def _comes_back(self) -> None:
        """Back up, restore into a new data folder, which has SQLite, and compare that."""
        self._back_up()
        done = run_hopfact(self.data / "restored", "restore", str(self.data / "backup"))
        assert done.returncode == 0, done.stderr
        with serving(self.data / "restored") as service:
            for client in self.clients:
                client.connect(service.client.base_url)
                client.check()

    def _ready(self) -> None:
        """Wait until what was cut off has ended, settle it, and let each client talk to one of the services."""
        for service in self.services:
            wait(service.is_ready, "the service did not get ready again")
        wait(lambda: not _open_jobs(self.services[0]), "jobs did not end")
        for number, client in enumerate(self.clients):
            client.connect(self.services[number % len(self.services)].client.base_url)
            client.make_own()
            client.settle()


def _open_jobs(service: ServiceProcess) -> bool:
    return any(
        service.client.get("/v1/jobs", params={"state": state}).json()["jobs"] for state in ("queued", "running")
    )

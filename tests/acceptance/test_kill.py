"""kill -9 of a real `hopfact serve` at random moments of ingestion: all of a job or none of it, and the job ends."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

NUM_TRIPLES = 15_000
ROUNDS = 3
ROOT = Path(__file__).parents[2]


@contextmanager
def serving(data: Path, **variables: str) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    """`hopfact serve` as a process of its own; killed at the end, if it lives."""
    environment = environment_of(data) | variables
    log = open(data / "log", "ab")  # noqa: SIM115 - the process writes to it
    start = log.tell()
    command = [str(Path(sys.executable).with_name("hopfact")), "serve", "--port", "0"]
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        url = _url(data / "log", start, process)
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            _wait(lambda: _is_ready(client), "the service did not get ready")
            yield process, client
    finally:
        process.kill()
        process.wait()
        log.close()


def environment_of(data: Path) -> dict[str, str]:
    """The variables of a process on this data folder."""
    return {**os.environ, "HOPFACT_DATA": str(data), "HOPFACT_THREADS": "1", "OMP_NUM_THREADS": "1"}


def test_a_killed_service_holds_all_of_a_job_or_none(tmp_path: Path) -> None:
    survive_kills(tmp_path, rounds=ROUNDS, seed=1)


@pytest.mark.slow
def test_ten_kills_are_survived(tmp_path: Path) -> None:
    survive_kills(tmp_path, rounds=10, seed=2)


# A worker that dies in the middle of every merge, as one for which the memory is too small.
DYING_WORKER = """
import os, signal
from app.cli import main
from kb import merging
merging._Merge.add_triples = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
main()
"""


def test_a_job_that_kills_its_process_each_time_fails_and_the_service_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path, HOPFACT_WORKER="none") as (_, client):
        deadly = upload(client, "deadly", b"a\tb\tc\n")
    for _ in range(2):
        command = [sys.executable, "-c", DYING_WORKER, "worker"]
        died = subprocess.run(command, env=environment_of(tmp_path), check=False, cwd=ROOT, timeout=60)
        assert died.returncode == -signal.SIGKILL
    with serving(tmp_path, HOPFACT_JOB_ATTEMPTS="2") as (_, client):
        harmless = upload(client, "harmless", b"a\tb\tc\n")
        _wait(lambda: state(client, "harmless", harmless)["finished"], "the next job did not end")
        seen = state(client, "deadly", deadly)
        assert (seen["job"]["state"], seen["job"]["error"]["code"], seen["triples"]) == ("failed", "worker_died", 0)
        assert state(client, "harmless", harmless)["triples"] == 1
    assert list((tmp_path / "spool").iterdir()) == [], "an upload was left"


def survive_kills(data: Path, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    body = b"".join(
        b"subject %d\trelation %d\tobject %d\n" % (n % 3_000, n % 40, n % 7_000) for n in range(NUM_TRIPLES)
    )
    seconds = 0.0
    interrupted: tuple[str, int] | None = None
    for number in range(rounds + 1):
        with serving(data) as (process, client):
            if interrupted is None:
                seconds = timed(client, "first", body)
            else:
                ends_as_a_whole(client, *interrupted)
            if number == rounds:
                process.send_signal(signal.SIGTERM)
                process.wait(30)
                break
            interrupted = f"round-{number}", upload(client, f"round-{number}", body)
            time.sleep(chance.uniform(0, 1.1 * seconds))
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert list((data / "spool").iterdir()) == [], "an upload was left"
    assert list((data / "work").iterdir()) == [], "a stage was left"
    assert verify(data) == 0, "SQL and index differ"


def ends_as_a_whole(client: httpx.Client, kb: str, job_id: int) -> None:
    """The job of a killed service ends, and at no time a part of it is seen."""
    while not (seen := state(client, kb, job_id))["finished"]:
        assert seen["triples"] in (0, NUM_TRIPLES), "a part of a job is visible"
        time.sleep(0.1)
    assert seen["job"]["state"] == "succeeded", seen
    assert seen["job"]["accepted"] == seen["triples"] == NUM_TRIPLES


def upload(client: httpx.Client, kb: str, body: bytes) -> int:
    """A job on a new KB; its id."""
    client.post("/v1/kbs", json={"name": kb})
    headers = {"Content-Type": "text/tab-separated-values"}
    return int(client.post(f"/v1/kbs/{kb}/triples", content=body, headers=headers).json()["id"])


def timed(client: httpx.Client, kb: str, body: bytes) -> float:
    """How long a whole ingestion takes here."""
    started = time.monotonic()
    job_id = upload(client, kb, body)
    _wait(lambda: state(client, kb, job_id)["finished"], "the ingestion did not end")
    return time.monotonic() - started


def state(client: httpx.Client, kb: str, job_id: int) -> dict[str, Any]:
    """The job, whether it has ended, and the KB's triples; the job is read first, so that they fit at its end."""
    job = client.get(f"/v1/jobs/{job_id}").json()
    triples = client.get(f"/v1/kbs/{kb}").json()["counts"]["triples"]
    return {"job": job, "finished": job["state"] not in ("queued", "running"), "triples": triples}


def verify(data: Path) -> int:
    """The exit status of `hopfact index verify`."""
    command = [str(Path(sys.executable).with_name("hopfact")), "index", "verify"]
    return subprocess.run(command, env=environment_of(data), check=False).returncode


def _url(log: Path, start: int, process: subprocess.Popen[bytes]) -> str:
    found: list[str] = []

    def told() -> bool:
        found[:] = re.findall(r'"url": ?"(http[^"]+)"', log.read_bytes()[start:].decode())
        assert process.poll() is None, log.read_text()
        return bool(found)

    _wait(told, "the service did not tell its address")
    return found[0]


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def _wait(condition: Any, complaint: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.05)

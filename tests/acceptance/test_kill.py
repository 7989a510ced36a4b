"""kill -9 of a real `hopfact serve` at random moments of ingestion: all of a job or none of it, and the job ends."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.processes import environment_of, serving, verify, wait

NUM_TRIPLES = 15_000
ROUNDS = 3
ROOT = Path(__file__).parents[2]


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
    with serving(tmp_path, HOPFACT_WORKER="none") as service:
        deadly = upload(service.client, "deadly", b"a\tb\tc\n")
    for _ in range(2):
        command = [sys.executable, "-c", DYING_WORKER, "worker"]
        died = subprocess.run(command, env=environment_of(tmp_path), check=False, cwd=ROOT, timeout=60)
        assert died.returncode == -signal.SIGKILL
    with serving(tmp_path, HOPFACT_JOB_ATTEMPTS="2") as service:
        client = service.client
        harmless = upload(client, "harmless", b"a\tb\tc\n")
        wait(lambda: state(client, "harmless", harmless)["finished"], "the next job did not end")
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
        with serving(data) as service:
            if interrupted is None:
                seconds = timed(service.client, "first", body)
            else:
                ends_as_a_whole(service.client, *interrupted)
            if number == rounds:
                service.stop()
                break
            interrupted = f"round-{number}", upload(service.client, f"round-{number}", body)
            time.sleep(chance.uniform(0, 1.1 * seconds))
            service.kill()
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
    wait(lambda: state(client, kb, job_id)["finished"], "the ingestion did not end")
    return time.monotonic() - started


def state(client: httpx.Client, kb: str, job_id: int) -> dict[str, Any]:
    """The job, whether it has ended, and the KB's triples; the job is read first, so that they fit at its end."""
    job = client.get(f"/v1/jobs/{job_id}").json()
    triples = client.get(f"/v1/kbs/{kb}").json()["counts"]["triples"]
    return {"job": job, "finished": job["state"] not in ("queued", "running"), "triples": triples}

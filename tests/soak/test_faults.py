"""A disk that fails or is full: what is asked is answered, and an operation happens as a whole or not at all.

Each write, sync, rename and creation of a file is made to fail, one by one. `scripts/soak` tries every call of
every operation; here some are drawn, by a seed that is printed.
"""

import errno
import json
import logging
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, NoReturn

import httpx
import pytest

from tests.processes import ServiceProcess, run_hopfact, verify, wait
from tests.soak.shim import HALF, Calls, Shim, compiled

logger = logging.getLogger(__name__)
ONCE, EVER = 1, 1 << 40
FAULTS = (
    (Calls.WRITE, errno.ENOSPC, EVER),
    (Calls.WRITE, errno.EIO, ONCE),
    (Calls.WRITE, HALF, ONCE),
    (Calls.SYNC, errno.EIO, ONCE),
    (Calls.SYNC, errno.ENOSPC, EVER),
    (Calls.RENAME, errno.EIO, ONCE),
    (Calls.RENAME, errno.ENOSPC, EVER),
    (Calls.CREATE, errno.ENOSPC, EVER),
    (Calls.CREATE, errno.EIO, ONCE),
)
REFUSALS = {"disk_full", "storage_failed", "busy"}
TSV = {"Content-Type": "text/tab-separated-values"}
Facts = frozenset[tuple[str, str, str]]
Kbs = dict[str, Facts]


@dataclass
class Operation:
    """A change of what is held: the request that makes it, and what is held afterwards."""

    send: Callable[[httpx.Client, int], httpx.Response]
    after: Callable[[Kbs, int], Kbs]


def small_write(client: httpx.Client, number: int) -> httpx.Response:
    return client.post("/v1/kbs/towns/triples", json={"triples": _bodies(small(number))})


def small(number: int) -> Facts:
    return frozenset((f"small {number}", f"sees {one}", f"thing {one}") for one in range(3))


def first_write(client: httpx.Client, number: int) -> httpx.Response:
    """Into a new KB, which gets its first generation."""
    return client.post(f"/v1/kbs/new-{number}/triples", json={"triples": _bodies(small(number))})


def upload(client: httpx.Client, number: int) -> httpx.Response:
    return client.post("/v1/kbs/towns/triples", content=_tsv(large(number)), headers=TSV)


def first_upload(client: httpx.Client, number: int) -> httpx.Response:
    return client.post(f"/v1/kbs/new-{number}/triples", content=_tsv(large(number)), headers=TSV)


def large(number: int) -> Facts:
    return frozenset((f"large {number} {one % 40}", f"has {one % 7}", f"part {one}") for one in range(300))


def _bodies(facts: Facts) -> list[dict[str, str]]:
    return [dict(zip(("subject", "relation", "object"), fact, strict=True)) for fact in sorted(facts)]


def _tsv(facts: Facts) -> str:
    return "".join("\t".join(fact) + "\n" for fact in sorted(facts))


def delete_facts(client: httpx.Client, number: int) -> httpx.Response:
    return client.delete("/v1/kbs/towns/triples", params={"relation": f"stays {number}"})


def without(held: Kbs, number: int) -> Kbs:
    return held | {"towns": frozenset(fact for fact in held["towns"] if fact[1] != f"stays {number}")}


def create(client: httpx.Client, number: int) -> httpx.Response:
    return client.post("/v1/kbs", json={"name": f"made-{number}"})


def delete_kb(client: httpx.Client, number: int) -> httpx.Response:
    return client.delete(f"/v1/kbs/gone-{number}")


OPERATIONS = {
    "small write": Operation(small_write, lambda held, number: held | {"towns": held["towns"] | small(number)}),
    "first write": Operation(first_write, lambda held, number: held | {f"new-{number}": small(number)}),
    "upload": Operation(upload, lambda held, number: held | {"towns": held["towns"] | large(number)}),
    "first upload": Operation(first_upload, lambda held, number: held | {f"new-{number}": large(number)}),
    "deletion": Operation(delete_facts, without),
    "new KB": Operation(create, lambda held, number: held | {f"made-{number}": frozenset()}),
    "deletion of a KB": Operation(
        delete_kb, lambda held, number: {kb: facts for kb, facts in held.items() if kb != f"gone-{number}"}
    ),
}


class Faulty:
    """A real service on a disk that fails when it is told to."""

    def __init__(self, folder: Path) -> None:
        data = folder / "data"
        self.shim = Shim(compiled(folder), folder / "page", data)
        self.service = ServiceProcess(data, log="../log", **self.shim.variables)
        self.number = 0
        self.service.start()
        self.client.post("/v1/kbs", json={"name": "towns"})
        self.client.post("/v1/kbs/towns/triples", json={"triples": [
            {"subject": "Bern", "relation": "stays 0", "object": "Switzerland"},
            {"subject": "Bern", "relation": "mayor", "object": "Alec von Graffenried"},
        ]})  # fmt: skip

    @property
    def client(self) -> httpx.Client:
        """Of the process that runs now."""
        return self.service.client

    def prepare(self) -> None:
        """Make what the next operation may delete or fill."""
        self.number += 1
        for kb in (f"gone-{self.number}", f"new-{self.number}"):
            assert self.client.post("/v1/kbs", json={"name": kb}).status_code == 201
        triple = {"subject": "Bern", "relation": f"stays {self.number}", "object": "Switzerland"}
        for kb in ("towns", f"gone-{self.number}"):
            assert self.client.post(f"/v1/kbs/{kb}/triples", json={"triples": [triple]}).status_code == 200

    def held(self) -> Kbs:
        """All that it holds."""
        names = [kb["name"] for kb in self.client.get("/v1/kbs").json()["kbs"]]
        return {kb: self._exported(kb) for kb in names}

    def _exported(self, kb: str) -> Facts:
        reply = self.client.get(f"/v1/kbs/{kb}/export", params={"format": "jsonl"})
        lines = [json.loads(line) for line in reply.text.splitlines()]
        return frozenset((_label(one["subject"]), _label(one["relation"]), _label(one["object"])) for one in lines)

    def counted(self, operation: Operation, calls: Calls) -> int:
        """How many calls of a kind an operation makes when nothing fails."""
        self.prepare()
        self.shim.count(calls)
        reply = operation.send(self.client, self.number)
        self._ended(reply)
        seen = self.shim.seen
        self.clear()
        return seen

    def tried(self, operation: Operation, calls: Calls, error: int, after: int, times: int) -> bool:
        """Make an operation while calls fail, and check that it happened or did not; whether it did."""
        self.prepare()
        before = self.held()
        with self.shim.failing(calls, error, after, times):
            reply = operation.send(self.client, self.number)
            if reply.status_code == 202:
                time.sleep(0.3)  # on the disk that fails
        failed = self.shim.failed
        assert self.service.process.poll() is None, "the service has ended"
        code = self._ended(reply)
        assert code is None or code in REFUSALS, (code, reply.text)
        assert code is None or failed, (code, "but nothing failed")
        found, wanted = self.held(), operation.after(before, self.number) if code is None else before
        assert found.keys() == wanted.keys()
        for kb, facts in wanted.items():
            assert found[kb] == facts, (kb, code, sorted(found[kb] ^ facts)[:3])
        self.answers()
        self.clear()
        return code is None

    def answers(self) -> None:
        """It is ready and answers."""
        wait(self.service.is_ready, "the service did not get ready again")
        reply = self.client.post("/v1/kbs/towns/ask", json={"question": "who is the mayor of Bern?"})
        assert reply.status_code == 200, reply.text
        assert [answer["label"] for answer in reply.json()["answers"]] == ["Alec von Graffenried"], reply.text

    def clear(self) -> None:
        """Delete the KBs of this operation: what is held must not grow with each."""
        for kb in ("gone", "new", "made"):
            assert self.client.delete(f"/v1/kbs/{kb}-{self.number}").status_code in (204, 404)

    def _ended(self, reply: httpx.Response) -> str | None:
        """The code of the error that an operation ended with, None when it has happened."""
        body: dict[str, Any] = reply.json() if reply.content else {}
        if reply.status_code >= 400:
            return str(body["code"])
        if reply.status_code != 202:
            return None
        job: dict[str, Any] = {}

        def is_over() -> bool:
            job.update(self.client.get(f"/v1/jobs/{body['id']}").json())
            return job["state"] not in ("queued", "running")

        wait(is_over, "a job did not end")
        return str(job["error"]["code"]) if job["state"] == "failed" else None


def _label(term: Any) -> str:
    return str(term if isinstance(term, str) else term["label"])


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    """After all operations: nothing is left over, and SQL and index agree."""
    made = Faulty(tmp_path_factory.mktemp("faulty"))
    try:
        yield made
        made.service.stop()
        data = made.service.data
        assert list((data / "spool").glob("*")) == [], "an upload was left"
        assert list((data / "work").glob("*")) == [], "a stage was left"
        assert verify(data) == 0, "SQL and index differ"
    finally:
        made.service.kill()
        made.client.close()


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_on_a_failing_disk_happens_as_a_whole_or_not_at_all(
    faulty: Faulty, name: str, soak_calls: int, soak_seed: int
) -> None:
    chance, outcomes = Random(f"{soak_seed} {name}"), []
    for calls, error, times in FAULTS:
        number = faulty.counted(OPERATIONS[name], calls)
        for after in sorted(chance.sample(range(number), min(max(1, soak_calls // 800), number))):
            logger.info("%s: call %d of %d (%s) fails with %d", name, after + 1, number, calls.name, error)
            outcomes.append(faulty.tried(OPERATIONS[name], calls, error, after, times))
    logger.info("seed %d, %s: %d faults, happened %d times", soak_seed, name, len(outcomes), sum(outcomes))


def test_a_service_that_cannot_write_its_database_says_so_and_ends(faulty: Faulty) -> None:
    faulty.service.stop()
    with faulty.shim.failing(Calls.WRITE, errno.EIO, after=0):
        ended = run_hopfact(faulty.service.data, "serve", "--port", "0", **faulty.shim.variables)
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (
        1,
        "hopfact: The disk cannot be written: nothing was changed. Mend the data folder's disk, send it again. "
        "(disk I/O error)",
    )
    faulty.service.start()
    faulty.answers()


@pytest.mark.parametrize("later", [-86_400, 86_400])
def test_a_clock_that_is_set_changes_nothing(faulty: Faulty, later: int) -> None:
    faulty.prepare()
    held = faulty.held()
    try:
        faulty.shim.set_clock(later)
        told = datetime.fromisoformat(faulty.client.post("/v1/kbs", json={"name": "later"}).json()["created_at"])
        assert abs((told - datetime.now(UTC)).total_seconds() - later) < 60
        for operation in (OPERATIONS["small write"], OPERATIONS["upload"], OPERATIONS["deletion"]):
            assert operation.send(faulty.client, faulty.number).status_code in (200, 202)
            held = operation.after(held, faulty.number)
        faulty.service.kill()
        faulty.service.start()
        wait(lambda: faulty.held() == held | {"later": frozenset()}, "not everything is there")
        faulty.answers()
    finally:
        faulty.shim.set_clock(0)
    assert faulty.client.delete("/v1/kbs/later").status_code == 204
    faulty.clear()


def fill(filler: Path) -> NoReturn:
    """Leave no byte of a file system."""
    with filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def test_a_full_file_system_is_told_and_costs_nothing(tmp_path: Path) -> None:
    inside = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
    if shutil.which("unshare") is None or subprocess.run([*inside, "true"], check=False).returncode:
        pytest.skip("no file system can be mounted here")
    mount = 'mount -t tmpfs -o size=8m tmpfs "$HOPFACT_DATA" && exec "$@"'
    service = ServiceProcess(tmp_path / "data", log="../log", inside=(*inside, mount, "sh"))
    try:
        service.start()
        client = service.client
        client.post("/v1/kbs", json={"name": "towns"})
        assert small_write(client, 1).status_code == 200
        filler = Path(f"/proc/{service.process.pid}/root{service.data}/filler")
        with pytest.raises(OSError, match="No space left"):
            fill(filler)
        assert client.get("/readyz").json()["status"] == "degraded"
        for write in (small_write, upload):
            reply = write(client, 2)
            assert (reply.status_code, reply.json()["code"]) == (507, "disk_full")
        assert '"event":"storage failed"' in service.log.read_text()
        asked = {"question": "what does small 1 see?"}
        assert client.post("/v1/kbs/towns/ask", json=asked).status_code == 200
        filler.unlink()
        assert client.get("/readyz").json() == {"status": "ready"}
        assert small_write(client, 2).json()["accepted"] == 3
    finally:
        service.kill()
        service.client.close()

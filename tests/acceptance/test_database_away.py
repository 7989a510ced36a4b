"""A real service and a real worker that start before their database does."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.postgres import postgres_server
from tests.processes import ServiceProcess, WorkerProcess, wait

UPLOAD = b"Sunrise\tdirected by\tF. W. Murnau\n"


@pytest.mark.postgres
def test_what_starts_before_its_database_waits_for_it(tmp_path: Path) -> None:
    with postgres_server() as database, ThreadPoolExecutor(1) as pool:
        database.stop()
        variables = {"HOPFACT_DATABASE_URL": database.url, "HOPFACT_WORKER_POLL_SECONDS": "0.05"}
        worker = WorkerProcess(tmp_path, "log-worker", **variables)
        service = ServiceProcess(tmp_path, "log-service", HOPFACT_WORKER="none", **variables)
        try:
            worker.start()
            starting = pool.submit(service.start)
            logs = (tmp_path / "log-worker", tmp_path / "log-service")
            wait(lambda: all(log.exists() and "trying again" in log.read_text() for log in logs), "they do not wait")
            database.start()
            starting.result()
            service.client.post("/v1/kbs", json={"name": "films"})
            headers = {"Content-Type": "text/tab-separated-values"}
            job = service.client.post("/v1/kbs/films/triples", content=UPLOAD, headers=headers).json()
            wait(lambda: _state(service, job["id"]) == "succeeded", "the worker did not take the job")
        finally:
            worker.kill()
            service.kill()
            service.client.close()


def _state(service: ServiceProcess, job_id: int) -> str:
    state: str = service.client.get(f"/v1/jobs/{job_id}").json()["state"]
    return state

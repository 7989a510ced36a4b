"""The service on PostgreSQL, with the worker as it runs in a process of its own."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from app.settings import Settings
from kb.database import create_engine, metadata
from tests.app.running import RunningService, running

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def service(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    settings = Settings(
        data=tmp_path_factory.mktemp("postgres-service"),
        database_url=postgres_url,  # type: ignore[arg-type]
        threads=1,
        worker="none",
        log_level="error",
    )
    with running(settings) as started:
        started.services.worker.start()  # as `hopfact worker` does
        yield started
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {', '.join(table.name for table in metadata.sorted_tables)} CASCADE"))
    engine.dispose()


def test_an_upload_becomes_facts_that_are_browsed_deleted_and_exported(service: RunningService) -> None:
    kb = service.kb("Bern|capital of|Switzerland")
    job = service.ingest(kb, b"Oslo\tcapital of\tNorway\nbad\nRome\tcapital of\tItaly\n")
    assert (job["state"], job["accepted"], job["rejected"]) == ("succeeded", 2, 1)
    service.http.request("DELETE", f"/v1/kbs/{kb}/triples", params={"subject": "Oslo"})
    assert {subject for subject, _, _ in service.facts(kb)} == {"Bern", "Rome"}
    assert service.http.get(f"/v1/kbs/{kb}/export", params={"format": "tsv"}).text.count("capital of") == 2
    linked = service.http.post(f"/v1/kbs/{kb}/ask", json={"question": "Rome is the capital of what?"}).json()
    assert [one["label"] for one in linked["linked_entities"]] == ["Rome"]


def test_keys_and_kbs_are_made_and_deleted(service: RunningService) -> None:
    kb = service.kb()
    assert service.http.delete(f"/v1/kbs/{kb}").status_code == 204
    assert service.http.get(f"/v1/kbs/{kb}").status_code == 404


def test_the_same_file_in_two_jobs_at_once(service: RunningService) -> None:
    kb = service.kb()
    data = b"".join(b"s%d\tr%d\to%d\n" % (number, number % 7, number % 100) for number in range(2_000))
    jobs = [service.ended(service.upload(kb, data).json()["id"]) for _ in range(2)]
    assert sum(job["accepted"] for job in jobs) == sum(job["duplicates"] for job in jobs) == 2_000

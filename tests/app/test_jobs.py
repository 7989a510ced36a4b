"""Jobs on a real database, without a worker."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete

from app import tables
from app.errors import JobFinished, NotFound
from app.jobs import FINISHED, Job, JobLost, JobStore, Upload
from kb import database
from kb.ingestion import Ingested
from kb.store import TripleStore
from kb.triples import RejectedLine

UPLOAD = Upload("/spool/a", 10, "text/csv", "gzip", "atlas", "skip")


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if request.param == "postgresql":
        yield request.getfixturevalue("postgres_engine")
        return
    made = database.create_engine(f"sqlite:///{tmp_path_factory.mktemp('jobs') / 'jobs.sqlite'}")
    database.migrate(made)
    yield made
    made.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as opened:
        yield opened


@pytest.fixture
def jobs(connection: Connection) -> JobStore:
    return JobStore(connection)


@pytest.fixture
def job(connection: Connection, jobs: JobStore) -> Job:
    kb = TripleStore(connection).create_kb("films")
    return jobs.record(kb.id, kb.name, UPLOAD)


def never(_: Job) -> bool:
    return False


def always(_: Job) -> bool:
    return True


def test_a_new_job_waits_with_its_upload(jobs: JobStore, job: Job) -> None:
    assert jobs.job(job.id) == job
    assert (job.state, job.upload, job.total, job.is_finished, job.is_merged) == ("queued", UPLOAD, 10, False, False)


def test_the_oldest_waiting_job_is_claimed_once(jobs: JobStore, job: Job) -> None:
    later = jobs.record(job.kb_id, job.kb, UPLOAD)
    first, second, none = (jobs.claim("me", never) for _ in range(3))
    assert first is not None
    assert second is not None
    assert (first.id, second.id, none) == (job.id, later.id, None)
    assert (first.state, first.worker) == ("running", "me")


def test_an_abandoned_job_is_claimed_again_and_starts_over(jobs: JobStore, job: Job) -> None:
    jobs.claim("dead", never)
    jobs.beat(job.id, "dead", 5, 3, 1)
    jobs.reject(job.id, [RejectedLine(2, "bad", "text")])
    again = jobs.claim("me", always)
    assert again is not None
    assert (again.id, again.worker, again.done, again.triples, again.rejected) == (job.id, "me", 0, 0, 0)
    assert jobs.rejected(job.id, 0, 10) == []


def test_a_merged_job_that_was_abandoned_keeps_what_it_did(jobs: JobStore, job: Job) -> None:
    jobs.claim("dead", never)
    jobs.reject(job.id, [RejectedLine(2, "bad", "text")])
    jobs.merged(job.id, "dead", Ingested(7, 2, 5, 1, 4))
    again = jobs.claim("me", always)
    assert again is not None
    assert again.is_merged
    assert (again.accepted, again.duplicates, again.names, again.rejected, again.kb_revision) == (7, 2, 5, 1, 4)
    assert len(jobs.rejected(job.id, 0, 10)) == 1


def test_a_job_that_killed_its_workers_too_often_fails(jobs: JobStore, job: Job) -> None:
    for worker in ("first", "second"):
        jobs.claim(worker, always)
        assert jobs.give_up(never, 1) == [], "its worker lives"
        assert jobs.give_up(always, 3) == [], "not too often yet"
    [failed] = jobs.give_up(always, 2)
    assert (failed.id, failed.state, failed.error_code, failed.attempts) == (job.id, "failed", "worker_died", 2)
    assert "died 2 times" in (failed.error_detail or "")
    assert jobs.claim("third", always) is None
    with pytest.raises(JobLost):
        jobs.merged(job.id, "second", Ingested(1, 0, 0, 0, 1))


def test_a_job_that_is_put_back_loses_no_attempt(jobs: JobStore, job: Job) -> None:
    for _ in range(4):
        jobs.claim("me", never)
        jobs.release(job.id, "me")
    assert jobs.job(job.id).attempts == 0
    assert jobs.give_up(always, 1) == []


def test_a_merged_job_is_never_given_up(jobs: JobStore, job: Job) -> None:
    jobs.claim("dead", never)
    jobs.merged(job.id, "dead", Ingested(1, 0, 0, 0, 1))
    assert jobs.give_up(always, 1) == []
    assert jobs.claim("me", always) is not None


def test_a_worker_that_lost_its_job_can_change_nothing(jobs: JobStore, job: Job) -> None:
    jobs.claim("slow", never)
    jobs.claim("quick", always)
    for change in (
        lambda: jobs.beat(job.id, "slow", 1, 1, 0),
        lambda: jobs.merged(job.id, "slow", Ingested(1, 0, 0, 0, 1)),
        lambda: jobs.finish(job.id, "slow", "succeeded"),
        lambda: jobs.release(job.id, "slow"),
    ):
        with pytest.raises(JobLost):
            change()


def test_a_queued_job_is_cancelled_and_a_running_one_is_told(jobs: JobStore, job: Job) -> None:
    running = jobs.record(job.kb_id, job.kb, UPLOAD)
    jobs.claim("me", never, only=running.id)
    assert jobs.request_cancel(job.id).state == "cancelled"
    told = jobs.request_cancel(running.id)
    assert (told.state, told.cancel_requested) == ("running", True)


def test_a_merged_job_that_waits_again_is_not_cancelled(jobs: JobStore, job: Job) -> None:
    jobs.claim("me", never)
    jobs.merged(job.id, "me", Ingested(1, 0, 0, 0, 1))
    jobs.release(job.id, "me")
    assert jobs.request_cancel(job.id).state == "queued"


def test_a_finished_job_is_not_cancelled(jobs: JobStore, job: Job) -> None:
    jobs.claim("me", never)
    jobs.finish(job.id, "me", "succeeded")
    with pytest.raises(JobFinished):
        jobs.request_cancel(job.id)
    with pytest.raises(NotFound):
        jobs.request_cancel(10**9)


def test_rejected_lines_come_in_pages(jobs: JobStore, job: Job) -> None:
    jobs.reject(job.id, [RejectedLine(number, "bad", "text") for number in (9, 3, 5, 7)])
    jobs.reject(job.id, [])
    assert [line.number for line in jobs.rejected(job.id, 0, 3)] == [3, 5, 7]
    assert [line.number for line in jobs.rejected(job.id, 7, 3)] == [9]


def test_only_uploads_of_unfinished_jobs_are_needed(jobs: JobStore, job: Job) -> None:
    assert jobs.is_wanted(UPLOAD.spool)
    jobs.request_cancel(job.id)
    assert not jobs.is_wanted(UPLOAD.spool)


VERBS = st.sampled_from(
    ["claim", "steal", "beat", "merged", "cancel", "succeed", "fail", "release", "kb deleted", "give up"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(VERBS, max_size=12))
def test_a_finished_job_never_changes_its_state(engine: Engine, verbs: list[str]) -> None:
    with engine.connect() as connection:
        jobs = JobStore(connection)
        kb = TripleStore(connection).create_kb("films")
        number = jobs.record(kb.id, kb.name, UPLOAD).id
        act: dict[str, Callable[[], object]] = {
            "claim": lambda: jobs.claim("me", never),
            "steal": lambda: jobs.claim("me", always),
            "beat": lambda: jobs.beat(number, "me", 1, 1, 0),
            "merged": lambda: jobs.merged(number, "me", Ingested(1, 0, 0, 0, 1)),
            "cancel": lambda: jobs.request_cancel(number),
            "succeed": lambda: jobs.finish(number, "me", "succeeded"),
            "fail": lambda: jobs.finish(number, "me", "failed", "code", "detail"),
            "release": lambda: jobs.release(number, "me"),
            "give up": lambda: jobs.give_up(always, 2),
            "kb deleted": lambda: jobs.end_with_kb(kb.id, "kb_deleted", "gone"),
        }
        before = "queued"
        for verb in verbs:
            with suppress(JobLost, JobFinished):
                act[verb]()
            state = jobs.job(number).state
            assert before not in FINISHED or state == before
            before = state
        connection.rollback()


def test_two_workers_never_claim_the_same_job(engine: Engine) -> None:
    with database.writing(engine) as connection:
        kb = TripleStore(connection).create_kb("contended")
        for _ in range(8):
            JobStore(connection).record(kb.id, kb.name, UPLOAD)

    def claim_all(worker: str) -> list[int]:
        claimed: list[int] = []
        while True:
            with database.writing(engine) as connection:
                job = JobStore(connection).claim(worker, never)
            if job is None:
                return claimed
            claimed.append(job.id)

    with ThreadPoolExecutor(4) as pool:
        taken = [number for worker in pool.map(claim_all, "abcd") for number in worker]
    assert len(taken) == len(set(taken)) == 8
    with database.writing(engine) as connection:
        connection.execute(delete(tables.job))
        TripleStore(connection).delete_kb(kb.id)

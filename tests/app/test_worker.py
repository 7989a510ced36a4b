"""The worker on a real store, without HTTP."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from app import worker
from app.jobs import Job, JobStore, State, Upload
from app.settings import Settings
from app.spool import SpoolFile
from app.telemetry import Metrics
from app.wiring import Services
from app.worker import Worker
from kb.store import TripleStore

LINES = b"Oslo\tcapital of\tNorway\nRome\tcapital of\tItaly\n"


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = Services(Settings(data=tmp_path, threads=1, job_heartbeat_seconds=0.05), Metrics())
    made.prepare()
    yield made
    made.close()


def queued(services: Services, data: bytes = LINES, kb: str = "cities") -> Job:
    """A job on a new KB."""
    spool = SpoolFile(services.settings.spool_folder)
    spool.write(data)
    path = spool.keep()
    upload = Upload(str(path), spool.size, "text/tab-separated-values", None, None, "skip")
    job = services.record_job(services.create_kb(kb), upload)
    spool.close()
    return job


def num_triples(services: Services, kb: str = "cities") -> int:
    with services.reading() as connection:
        store = TripleStore(connection)
        return store.counts(store.kb(kb).id).triples


def other_worker(services: Services) -> Worker:
    return Worker(services.engine, services.views, services.settings, services.tracing)


def test_a_job_is_run_and_its_upload_removed(services: Services) -> None:
    job = queued(services)
    ended = services.worker.run_one()
    assert ended is not None
    assert (ended.state, ended.accepted, ended.triples, ended.done) == ("succeeded", 2, 2, len(LINES))
    assert not Path(job.upload.spool).exists()
    assert services.worker.run_one() is None


def test_the_lines_that_are_kept_of_those_left_out_are_bounded(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "MOST_REJECTED_LINES", 25_000)
    job = queued(services, b"bad\n" * 60_000 + LINES)
    ended = services.worker.run_one()
    assert ended is not None
    assert (ended.state, ended.accepted, ended.rejected) == ("succeeded", 2, 60_000)
    with services.reading() as connection:
        kept = [line.number for line in JobStore(connection).rejected(job.id, 0, 100_000)]
    assert kept == [*range(1, 25_001)]


def test_figures_count_the_jobs_of_other_processes_too(services: Services) -> None:
    queued(services)
    queued(services, b"Oslo\tlies in\tNorway\n", kb="other")
    service = Services(services.settings, Metrics())  # as of a service whose jobs `hopfact worker` runs
    before = service.figures().decode()
    for _ in range(2):
        services.worker.run_one()
    after = service.figures().decode()
    service.close()
    assert 'hopfact_jobs_total{kind="ingestion",state="succeeded"} 0.0' in before
    assert 'hopfact_jobs_total{kind="training",state="failed"} 0.0' in before, "or the first failure is no increase"
    assert 'hopfact_jobs_total{kind="ingestion",state="succeeded"} 2.0' in after
    assert "hopfact_triples_ingested_total 3.0" in after


def test_facts_that_cannot_be_made_answerable_at_first_are_later(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued(services)
    refresh, failures = services.views.refresh, [OSError("disk is away"), RuntimeError("still away")]

    def sometimes(kb_id: int) -> object:
        if failures:
            raise failures.pop()
        return refresh(kb_id)

    monkeypatch.setattr(services.views, "refresh", sometimes)
    monkeypatch.setattr("app.worker._MAX_PAUSE_SECONDS", 0.01)
    ended = services.worker.run_one()
    assert ended is not None
    assert (ended.state, num_triples(services)) == ("succeeded", 2)


def test_a_worker_that_stops_after_the_merge_leaves_the_rest_to_the_next(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = queued(services)

    def broken(_: int) -> object:
        services.worker.ask_to_stop()
        raise OSError("disk is away")

    with monkeypatch.context() as patched:
        patched.setattr(services.views, "refresh", broken)
        services.worker.run_one()
    left = services.job(job.id)
    assert (left.state, left.is_merged, num_triples(services)) == ("queued", True, 2)
    ended = other_worker(services).run_one()
    assert ended is not None
    assert (ended.state, ended.accepted, ended.duplicates) == ("succeeded", 2, 0)


def test_a_worker_that_stops_while_reading_puts_the_job_back_untouched(services: Services) -> None:
    job = queued(services)
    services.worker.ask_to_stop()
    services.worker.run_one()
    assert (services.job(job.id).state, num_triples(services)) == ("queued", 0)
    ended = other_worker(services).run_one()
    assert ended is not None
    assert ended.state == "succeeded"


@pytest.mark.parametrize("fails", [False, True])
def test_a_worker_stops_although_the_end_of_its_job_cannot_be_noted(
    services: Services, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    job = queued(services, b"\xff\xfe\xff" if fails else LINES)
    tried = Event()

    def lose(*_: object) -> None:
        tried.set()
        lose_the_database()

    with monkeypatch.context() as patched:
        patched.setattr(JobStore, "finish", lose)
        services.worker.start()
        assert tried.wait(30)
        services.worker.ask_to_stop()
        assert services.worker._thread is not None
        services.worker._thread.join(5)
        assert not services.worker.is_alive()
    assert services.job(job.id).state == "running"
    services.worker.stop()
    ended = other_worker(services).run_one()
    assert ended is not None
    assert (ended.state, num_triples(services)) == (("failed", 0) if fails else ("succeeded", 2))


def test_a_running_job_of_a_living_worker_is_left_alone(services: Services) -> None:
    job = queued(services)
    living = other_worker(services)
    with services.writing() as connection:
        JobStore(connection).claim(living.name, lambda _: False)
    assert services.worker.run_one() is None
    living.stop()
    ended = services.worker.run_one()
    assert ended is not None
    assert (ended.id, ended.state) == (job.id, "succeeded")


def test_a_job_whose_workers_died_too_often_fails_and_the_next_is_run(services: Services) -> None:
    deadly = queued(services)
    for _ in range(services.settings.job_attempts):
        dying = other_worker(services)
        with services.writing() as connection:
            claimed = JobStore(connection).claim(dying.name, lambda _: True)
        assert claimed is not None
        dying.stop()
    harmless = queued(services, kb="harmless")
    ended = services.worker.run_one()
    assert ended is not None
    assert (ended.id, ended.state) == (harmless.id, "succeeded")
    failed = services.job(deadly.id)
    assert (failed.state, failed.error_code, num_triples(services)) == ("failed", "worker_died", 0)
    assert not Path(deadly.upload.spool).exists()


def test_an_upload_that_is_gone_fails_its_job(services: Services) -> None:
    job = queued(services)
    Path(job.upload.spool).unlink()
    ended = services.worker.run_one()
    assert ended is not None
    assert (ended.state, ended.error_code) == ("failed", "upload_lost")


def test_an_end_whose_words_the_database_does_not_take_is_noted_in_others(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued(services, b"\xff\xfe\xff")
    finish = JobStore.finish

    def refuse(self: JobStore, job_id: int, worker: str, state: State, code: str, detail: str) -> Job:
        if code == "not_text":
            raise DataError("UPDATE", {}, Exception("a text with a NUL"))
        return finish(self, job_id, worker, state, code, detail)

    monkeypatch.setattr(JobStore, "finish", refuse)
    ended = services.worker.run_one()
    assert ended is not None
    assert (ended.state, ended.error_code) == ("failed", "internal_error")


def lose_the_database(*_: object) -> None:
    raise OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))


def find_no_connection(*_: object) -> None:
    raise NoConnection("QueuePool limit of size 8 overflow 56 reached")


@pytest.mark.parametrize("lose", [lose_the_database, find_no_connection])
def test_a_job_whose_database_went_away_is_tried_again(
    services: Services, monkeypatch: pytest.MonkeyPatch, lose: Callable[..., None]
) -> None:
    job = queued(services)
    with monkeypatch.context() as patch:
        patch.setattr("kb.merging._Merge.add_triples", lose)
        states = [ended.state for ended in (services.worker.run_one(), services.worker.run_one()) if ended]
    assert states == ["queued", "queued"]
    ended = services.worker.run_one()
    assert ended is not None
    assert (ended.id, ended.state, num_triples(services)) == (job.id, "succeeded", 2)


def test_a_heart_goes_on_beating_after_it_found_no_connection(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued(services)
    beat, refresh, failed, beats = JobStore.beat, services.views.refresh, Event(), Event()

    def beat_at_last(self: JobStore, *given: Any) -> None:
        if not failed.is_set():
            failed.set()
            find_no_connection()
        beats.set()
        beat(self, *given)

    monkeypatch.setattr(JobStore, "beat", beat_at_last)
    monkeypatch.setattr(services.views, "refresh", lambda kb_id: beats.wait(5) and refresh(kb_id))
    ended = services.worker.run_one()
    assert beats.is_set()
    assert ended is not None
    assert ended.state == "succeeded"


def test_a_job_whose_database_never_comes_back_fails_in_the_end(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued(services)
    monkeypatch.setattr("kb.merging._Merge.add_triples", lose_the_database)
    ended = [services.worker.run_one() for _ in range(services.settings.job_attempts)][-1]
    assert ended is not None
    assert (ended.state, ended.error_code, num_triples(services)) == ("failed", "database_unavailable", 0)


def test_an_upload_whose_bytes_changed_fails_its_job_and_changes_nothing(services: Services) -> None:
    job = queued(services)
    spool = Path(job.upload.spool)
    spool.write_bytes(spool.read_bytes().swapcase())
    ended = services.worker.run_one()
    assert ended is not None
    assert (ended.state, ended.error_code, num_triples(services)) == ("failed", "storage_failed", 0)


def test_tidying_removes_what_dead_workers_and_ended_jobs_left(services: Services) -> None:
    job = queued(services)
    with services.writing() as connection:
        JobStore(connection).request_cancel(job.id)
    dead = services.settings.work_folder / "dead"
    dead.mkdir(parents=True)
    (services.worker.work_folder.parent.parent / "workers" / "dead.lock").touch()
    services.worker.tidy()
    assert not dead.exists()
    assert list(services.settings.spool_folder.iterdir()) == []


def test_a_worker_in_a_thread_runs_what_it_is_woken_for(services: Services) -> None:
    services.worker.start()
    assert services.worker.is_alive()
    job = queued(services)
    waiting = Thread(target=lambda: [None for _ in iter(lambda: services.job(job.id).is_finished, True)])
    waiting.start()
    waiting.join(60)
    assert services.job(job.id).state == "succeeded"

"""The worker: claims jobs and runs them, in a thread of the service or as processes of their own.

A worker holds a lock on a file with its name, which the operating system frees when the process dies, however it dies.
So whoever starts next on this data folder sees at once which running jobs were abandoned. A worker whose lock file is
not here runs on another host, and is taken for dead when it was silent for too long.
"""

import errno
import fcntl
import os
import secrets
import shutil
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Event, Thread
from time import monotonic

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from app.errors import DATABASE_AWAY, DISK_FULL, problem_of
from app.jobs import KB_DELETED, Job, JobLost, JobStore, Kind
from app.model_versions import ModelStore
from app.settings import Settings
from app.spool import digest_of, sweep
from app.telemetry import logger
from app.tracing import Span, Tracing
from app.training import Trained, TrainingCancelled, TrainingFailed, keep, train
from kb.consistency import Views
from kb.database import reading, writing
from kb.deletion import purge
from kb.errors import IngestionCancelled, KbNotFound, KnowledgeError, StorageFailed
from kb.formats import ParseOptions
from kb.ingestion import Ingested, IngestionTask, Progress, ingest
from kb.store import TripleStore
from kb.triples import RejectedLine

MOST_FEEDBACK = 2_000
MOST_REJECTED_LINES = 100_000
"""How many lines that a job left out are kept to be read; a few bytes that unpack to many must not fill the disk."""
_REBUILT_ATTEMPT = 4
_MAX_PAUSE_SECONDS = 30.0
_TIDY_SECONDS = 60.0

log = logger("hopfact.worker")


class _Stopped(Exception):
    """The worker was asked to stop in the middle of what it must do."""


class Worker:
    """Runs jobs of one kind, one after the other, until it is stopped."""

    def __init__(
        self,
        engine: Engine,
        views: Views,
        settings: Settings,
        tracing: Tracing,
        kind: Kind = "ingestion",
    ) -> None:
        self.kind = kind
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._engine = engine
        self._views = views
        self._settings = settings
        self._tracing = tracing
        self._stopping = Event()
        self._woken = Event()
        self._thread: Thread | None = None
        self._locks = settings.data / "workers"
        self.work_folder = settings.work_folder / self.name
        self._lock = _hold(self._locks / f"{self.name}.lock")

    def start(self) -> None:
        """Run jobs in a thread, from now until `stop`."""
        self._thread = Thread(target=self.run, name=f"hopfact-{self.kind}", daemon=True)
        self._thread.start()

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def wake(self) -> None:
        """There is a job: do not wait for the next look."""
        self._woken.set()

    def ask_to_stop(self) -> None:
        """End soon; the running job is put back, for the next start."""
        self._stopping.set()
        self._woken.set()

    def stop(self) -> None:
        """Ask to stop, wait, and free the lock."""
        self.ask_to_stop()
        if self._thread is not None:
            self._thread.join()
        shutil.rmtree(self.work_folder, ignore_errors=True)
        self._lock.unlink(missing_ok=True)

    def run(self) -> None:
        """Run jobs until asked to stop."""
        next_tidying = 0.0
        while not self._stopping.is_set():
            try:
                if self.run_one() is not None:
                    continue
                if monotonic() >= next_tidying:
                    self.tidy()
                    next_tidying = monotonic() + _TIDY_SECONDS
            except Exception:
                log.exception("the worker cannot reach its jobs")
            if self._woken.wait(self._settings.worker_poll_seconds):
                self._woken.clear()
                next_tidying = 0.0

    def tidy(self) -> None:
        """Delete what nobody needs: rows of deleted KBs, uploads of ended jobs, stages and locks of dead workers."""
        purge(self._engine, self._stopping)
        self._views.forget_deleted()
        self._remove_models()
        removed = sweep(self._settings.spool_folder, self._is_wanted)
        for lock in self._locks.glob("*.lock"):
            if lock != self._lock and _is_free(lock):
                shutil.rmtree(self._settings.work_folder / lock.stem, ignore_errors=True)
                lock.unlink(missing_ok=True)
        if removed:
            log.info("removed uploads that no job needs", files=removed)

    def _remove_models(self) -> None:
        """Delete the readers of deleted KBs."""
        folders = [*self._settings.models_folder.glob("*")]
        if not folders:
            return
        with reading(self._engine) as connection:
            known = {str(kb.id) for kb in TripleStore(connection).kbs()}
        for folder in folders:
            if folder.name.isdecimal() and folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)

    def run_one(self, only: int | None = None) -> Job | None:
        """Run the oldest job that waits, or `only` that one; the job as it ended, None when there was none."""
        with reading(self._engine) as connection:
            if JobStore(connection).is_idle(self.kind):
                return None
        with writing(self._engine) as connection:
            jobs = JobStore(connection)
            given_up = jobs.give_up(self._is_abandoned, self._settings.job_attempts, self.kind)
            job = jobs.claim(self.name, self._is_abandoned, only, self.kind)
        for one in given_up:
            self._note_end(one)
        if job is None:
            return None
        span = self._tracing.begin_job()
        with span.in_log():
            return self._run(job, span)

    def _run(self, job: Job, span: Span) -> Job:
        log.info("job begins", job=job.id, kb=job.kb, bytes=job.total, again=job.is_merged)
        try:
            ended = _JobRun(self, job, span).run()
        except JobLost:
            log.warning("job was taken over by another worker", job=job.id)
            return job
        except _Stopped:
            log.warning("the end of the job could not be noted; the next start sees to it", job=job.id)
            return job
        self._note_end(ended)
        span.end(f"job {job.kind}", {"hopfact.job": job.id, "hopfact.job_state": ended.state}, ended.error_code)
        return ended

    def _note_end(self, job: Job) -> None:
        """Log it; if it has ended for good, remove its upload."""
        if job.is_finished:
            Path(job.upload.spool).unlink(missing_ok=True)
        log.info("job ends", job=job.id, kb=job.kb, state=job.state, accepted=job.accepted, error=job.error_code)

    def _is_wanted(self, spool: str) -> bool:
        with reading(self._engine) as connection:
            return JobStore(connection).is_wanted(spool)

    def _is_abandoned(self, job: Job) -> bool:
        lock = self._locks / f"{job.worker}.lock"
        if lock == self._lock:
            return True  # ours, and we are not running it: we were stopped from noting its end
        if lock.exists():
            return _is_free(lock)
        if job.heartbeat_at is None or self._engine.dialect.name == "sqlite":
            return True  # SQLite's workers all have their locks here; this one removed its own
        silence = datetime.now(UTC) - job.heartbeat_at
        return silence.total_seconds() > self._settings.job_abandoned_seconds


class _JobRun:
    """One job from claim to end, watched by a thread that saves its progress and sees that it is to be cancelled."""

    def __init__(self, worker: Worker, job: Job, span: Span) -> None:
        self._worker = worker
        self._span = span
        self._engine = worker._engine
        self._settings = worker._settings
        self._job = job
        self._name = worker.name
        self._progress = Progress(job.done, job.total, job.triples)
        self._rejected = job.rejected
        self._is_over = Event()
        self._is_cancelled = Event()
        self._is_lost = Event()

    def run(self) -> Job:
        """Do the job; how it ended."""
        watcher = Thread(target=self._watch, name=f"hopfact-job-{self._job.id}", daemon=True)
        watcher.start()
        try:
            return self._run()
        finally:
            self._is_over.set()
            watcher.join()

    def _run(self) -> Job:
        return self._train() if self._job.kind == "training" else self._take_in()

    def _train(self) -> Job:
        """Adapt the reader; what was made, and whether it answers from now on, is stored as the job ends."""
        try:
            with reading(self._engine) as connection:
                TripleStore(connection).revision(self._job.kb_id)
                models = ModelStore(connection)
                active, feedback = models.active(self._job.kb_id), models.feedback(self._job.kb_id, MOST_FEEDBACK)
            folder = self._worker.work_folder
            with self._span.stage("train"):
                trained = train(self._settings, self._job, active, feedback, folder, self._note_steps, self._must_end)
            path = self._settings.models_folder / str(self._job.kb_id) / f"reader-{self._job.id}.safetensors"
            keep(trained.path, path)
            return self._end(lambda jobs: self._store(jobs, trained, path))
        except (JobLost, _Stopped):
            raise
        except Exception as error:
            return self._fail(*KB_DELETED) if self._is_deleted() else self._ended_by(error)

    def _is_deleted(self) -> bool:
        with reading(self._engine) as connection:
            return all(kb.id != self._job.kb_id for kb in TripleStore(connection).kbs())

    def _store(self, jobs: JobStore, trained: Trained, path: Path) -> Job:
        kb_id = self._job.kb_id
        models = jobs.of_kb(kb_id)
        folder = self._settings.models_folder
        version = models.record(kb_id, self._job.id, folder, path, trained.base, trained.kb_revision, trained.metrics)
        if trained.metrics["promoted"]:
            models.activate(kb_id, version.id)
        return jobs.finish(self._job.id, self._name, "succeeded")

    def _note_steps(self, done: int) -> None:
        self._progress = Progress(done, self._job.total, 0)

    def _take_in(self) -> Job:
        try:
            if not self._job.is_merged:
                with self._span.stage("ingest"):
                    self._ingest()
        except JobLost:
            raise
        except Exception as error:
            if not self._is_merged():  # a commit may succeed although its connection breaks
                return self._ended_by(error)
        try:
            with self._span.stage("make answerable"):
                self._make_answerable()
        except KbNotFound:
            return self._fail(*KB_DELETED)
        except _Stopped:
            return self._release()
        return self._end(lambda jobs: jobs.finish(self._job.id, self._name, "succeeded"))

    def _ended_by(self, error: Exception) -> Job:
        """The job as it ends after it was stopped, by whatever: nothing was changed."""
        if isinstance(error, KbNotFound):
            return self._fail(*KB_DELETED)
        if not isinstance(error, IngestionCancelled | TrainingCancelled):
            code, detail = self._reason(error)
            if code == DATABASE_AWAY and self._job.attempts < self._settings.job_attempts:
                log.warning("the database went away; the job is put back", job=self._job.id, kb=self._job.kb)
                return self._release(is_counted=True)
            return self._fail(code, detail)
        if self._is_lost.is_set():
            raise JobLost(f"job {self._job.id} belongs to another worker now") from error
        if self._is_cancelled.is_set():
            return self._end(lambda jobs: jobs.finish(self._job.id, self._name, "cancelled"))
        return self._release()

    def _is_merged(self) -> bool:
        with reading(self._engine) as connection:
            return JobStore(connection).job(self._job.id).is_merged

    def _ingest(self) -> None:
        upload = self._job.upload
        task = IngestionTask(
            kb_id=self._job.kb_id,
            spool=Path(upload.spool),
            options=ParseOptions(
                media_type=upload.media_type,
                content_encoding=upload.content_encoding,
                source=upload.source,
                max_label_bytes=self._settings.max_label_bytes,
                max_unpacked_bytes=self._settings.max_unpacked_bytes,
                max_line_bytes=self._settings.max_line_bytes,
                blank_prefix=digest_of(Path(upload.spool)),
            ),
            on_error=upload.on_error,
            work_folder=self._worker.work_folder,
            digest=digest_of(Path(upload.spool)),
        )
        self._worker.work_folder.mkdir(parents=True, exist_ok=True)
        with self._worker._views.draft(self._job.kb_id, self._worker.work_folder) as draft:
            ingest(
                self._engine,
                task,
                progress=self._note_progress,
                cancelled=self._must_end,
                reject=self._reject,
                before_commit=self._note_merged,
                draft=draft,
            )

    def _make_answerable(self) -> None:
        """The triples are committed, so this cannot fail any more, only take longer.

        Raises:
            KbNotFound: nobody can ask any more.
            _Stopped: the worker must end first.
        """
        views, kb_id = self._worker._views, self._job.kb_id
        for attempt in count(1):
            try:
                views.refresh(kb_id) if attempt < _REBUILT_ATTEMPT else views.rebuild(kb_id)
            except KbNotFound:
                raise
            except Exception:
                log.exception("facts cannot be made answerable; trying again", job=self._job.id, kb=self._job.kb)
                if self._worker._stopping.wait(min(_MAX_PAUSE_SECONDS, 0.2 * 5 ** min(attempt, 5))):
                    raise _Stopped from None
            else:
                return

    def _note_progress(self, progress: Progress) -> None:
        self._progress = progress

    def _must_end(self) -> bool:
        return self._is_cancelled.is_set() or self._is_lost.is_set() or self._worker._stopping.is_set()

    def _reject(self, lines: list[RejectedLine]) -> None:
        kept = lines[: max(0, MOST_REJECTED_LINES - self._rejected)]
        self._rejected += len(lines)
        if kept:
            with writing(self._engine) as connection:
                JobStore(connection).reject(self._job.id, kept)

    def _note_merged(self, connection: Connection, ingested: Ingested) -> None:
        JobStore(connection).merged(self._job.id, self._name, ingested)

    def _watch(self) -> None:
        while not self._is_over.wait(self._settings.job_heartbeat_seconds):
            try:
                with writing(self._engine) as connection:
                    jobs = JobStore(connection)
                    self._beat(jobs)
                    cancel = jobs.job(self._job.id).cancel_requested
            except JobLost:
                self._is_lost.set()
                return
            except (DBAPIError, NoConnection, StorageFailed) as error:
                # SQLite has one writer, and the merge of this very job may be it: the next beat tells.
                log.debug("no heartbeat", job=self._job.id, reason=str(error))
                continue
            if cancel:
                self._is_cancelled.set()

    def _beat(self, jobs: JobStore) -> None:
        jobs.beat(self._job.id, self._name, self._progress.bytes_done, self._progress.triples, self._rejected)

    def _fail(self, code: str, detail: str) -> Job:
        try:
            return self._end(lambda jobs: jobs.finish(self._job.id, self._name, "failed", code, detail))
        except DBAPIError:  # words that the database does not take, now or later
            log.exception("the end of the job cannot be stored as it is", job=self._job.id)
            return self._end(lambda jobs: jobs.finish(self._job.id, self._name, "failed", *self._internal_error()))

    def _release(self, *, is_counted: bool = False) -> Job:
        def release(jobs: JobStore) -> Job:
            jobs.release(self._job.id, self._name, is_counted=is_counted)
            return jobs.job(self._job.id)

        return self._end(release)

    def _end(self, change: Callable[[JobStore], Job]) -> Job:
        """Note the end, however long the database is busy: a job that has ended must not look as if it ran.

        Raises:
            _Stopped: the worker must end first, so whoever starts next runs the job again, or what is left of it.
        """
        self._is_over.set()
        while True:
            try:
                with writing(self._engine) as connection:
                    jobs = JobStore(connection)
                    self._beat(jobs)
                    return change(jobs)
            except (OperationalError, InterfaceError, NoConnection, StorageFailed):
                log.exception("the end of the job cannot be noted; trying again", job=self._job.id)
                if self._worker._stopping.wait(1):
                    raise _Stopped from None

    def _reason(self, error: Exception) -> tuple[str, str]:
        if not Path(self._job.upload.spool).exists():
            return "upload_lost", "The upload is gone from the spool folder: send it again."
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return DISK_FULL.code, DISK_FULL.detail
        if isinstance(error, TrainingFailed):
            return error.code, error.detail
        problem = problem_of(error)
        if problem is not None and isinstance(error, KnowledgeError | DBAPIError | NoConnection):
            return problem.code, problem.detail
        log.exception("job failed", job=self._job.id, kb=self._job.kb)
        return self._internal_error()

    def _internal_error(self) -> tuple[str, str]:
        return "internal_error", f"The service failed; its log tells more of job {self._job.id}."


def _hold(path: Path) -> Path:
    """Lock a new file until this process ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return path


def _is_free(path: Path) -> bool:
    """Whether the process that locked a file is gone."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True

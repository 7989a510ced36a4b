"""Jobs: rows that say what is to be done, who does it and how far it is; every job query, and nothing of the web.

A state never moves backwards, but for `running` to `queued` when a worker stops in an orderly way. What a job did is
stored in the transaction that did it (`merged`), so that a job which runs again knows that only the rest is left.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from app import tables
from app.errors import JobFinished, NotFound
from app.model_versions import ModelStore
from kb.ingestion import Ingested
from kb.store import TripleStore
from kb.triples import RejectedLine

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
Kind = Literal["ingestion", "training"]
FINISHED: tuple[State, ...] = ("succeeded", "failed", "cancelled")
UNFINISHED: tuple[State, ...] = ("queued", "running")
WORKER_DIED = "worker_died"
KB_DELETED = ("kb_deleted", "The knowledge base was deleted while the job ran: nothing of the upload is left.")

_job = tables.job
_rejected = tables.rejected_line


class JobCount(NamedTuple):
    """Jobs of one kind and state."""

    kind: Kind
    state: State
    number: int
    oldest: datetime
    accepted: int


class JobLost(Exception):
    """Another worker took the job over, because this one was silent for too long: whatever it did must be undone."""


@dataclass(frozen=True)
class Upload:
    """What a job reads, and how: a file of triples, or the questions of a training as JSON.

    `size` is what there is to do: bytes, or steps of a training.
    """

    spool: str
    size: int
    media_type: str
    content_encoding: str | None
    source: str | None
    on_error: Literal["skip", "abort"]


@dataclass(frozen=True)
class Job:
    """One row of the job table."""

    id: int
    kind: Kind
    kb_id: int
    kb: str
    state: State
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    done: int
    total: int
    triples: int
    accepted: int | None
    duplicates: int | None
    names: int | None
    rejected: int
    kb_revision: int | None
    error_code: str | None
    error_detail: str | None
    upload: Upload
    cancel_requested: bool
    worker: str | None
    heartbeat_at: datetime | None
    attempts: int

    @property
    def is_finished(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state in FINISHED

    @property
    def is_merged(self) -> bool:
        """Whether its triples are in the KB: the rest of the job only makes them answerable."""
        return self.kb_revision is not None

    def envelope(self) -> dict[str, Any]:
        """The job as design section 7 shows it."""
        error = None if self.error_code is None else {"code": self.error_code, "detail": self.error_detail}
        unit = "bytes" if self.kind == "ingestion" else "steps"
        return {
            "id": self.id,
            "kind": self.kind,
            "kb": self.kb,
            "state": self.state,
            "created_at": self.created_at,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "progress": {"done": self.done, "total": self.total, "unit": unit, "triples": self.triples},
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "names": self.names,
            "rejected": self.rejected,
            "kb_revision": self.kb_revision,
            "error": error,
        }


_JOB_FIELDS = [field.name for field in fields(Job) if field.name != "upload"]
_UPLOAD_FIELDS = [field.name for field in fields(Upload) if field.name != "size"]


class JobStore:
    """Every query on jobs and their rejected lines; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_kb(self, kb_id: int) -> ModelStore:
        """The model versions of a KB that is there, in the same transaction.

        Raises:
            KbNotFound: it was deleted.
        """
        TripleStore(self._connection).revision(kb_id)
        return ModelStore(self._connection)

    def record(self, kb_id: int, kb: str, upload: Upload, kind: Kind = "ingestion") -> Job:
        """A new queued job."""
        return self._one(
            insert(_job)
            .values(
                kind=kind,
                kb_id=kb_id,
                kb=kb,
                state="queued",
                created_at=_now(),
                total=upload.size,
                spool=upload.spool,
                media_type=upload.media_type,
                content_encoding=upload.content_encoding,
                source=upload.source,
                on_error=upload.on_error,
            )
            .returning(_job)
        )

    def job(self, job_id: int) -> Job:
        """The job.

        Raises:
            NotFound: there is none with this id.
        """
        row = self._connection.execute(select(_job).where(_job.c.id == job_id)).one_or_none()
        if row is None:
            raise NotFound("job", job_id)
        return _job_of(row)

    def jobs(
        self, kb: str | None, state: State | None, before_id: int, limit: int, kb_id: int | None = None
    ) -> list[Job]:
        """Jobs, newest first, older than `before_id` unless that is 0; of KBs of a name, or of one KB by its id."""
        query = select(_job).order_by(_job.c.id.desc()).limit(limit)
        if kb is not None:
            query = query.where(_job.c.kb == kb)
        if kb_id is not None:
            query = query.where(_job.c.kb_id == kb_id)
        if state is not None:
            query = query.where(_job.c.state == state)
        if before_id:
            query = query.where(_job.c.id < before_id)
        return [_job_of(row) for row in self._connection.execute(query)]

    def request_cancel(self, job_id: int) -> Job:
        """Cancel a queued job at once, tell the worker of a running one.

        Raises:
            JobFinished: there is nothing left to cancel.
        """
        self._connection.execute(select(_job.c.id).where(_job.c.id == job_id).with_for_update())
        job = self.job(job_id)
        if job.is_finished and job.state != "cancelled":
            raise JobFinished(job_id, job.state)
        values: dict[str, Any] = {"cancel_requested": True}
        if job.state == "queued" and not job.is_merged:
            values |= {"state": "cancelled", "finished_at": _now()}
        self._connection.execute(update(_job).where(_job.c.id == job_id, _job.c.state == job.state).values(values))
        return self.job(job_id)

    def end_with_kb(self, kb_id: int, code: str, detail: str) -> None:
        """Fail the jobs of a KB that nobody has begun, and forget the lines that its jobs left out: its data."""
        self._forget_rejected(_job.c.kb_id == kb_id)
        self._connection.execute(
            update(_job)
            .where(_job.c.kb_id == kb_id, _job.c.state == "queued")
            .values(state="failed", finished_at=_now(), error_code=code, error_detail=detail)
        )

    def give_up(self, is_abandoned: Callable[[Job], bool], most_attempts: int, kind: Kind = "ingestion") -> list[Job]:
        """Fail the jobs whose workers died this often before anything was changed: the next would die as well.

        A merged job is not given up, for it cannot have changed nothing any more.
        """
        died = (
            (_job.c.kind == kind)
            & (_job.c.state == "running")
            & _job.c.kb_revision.is_(None)
            & (_job.c.attempts >= most_attempts)
        )
        rows = self._connection.execute(select(_job).where(died).with_for_update(skip_locked=True)).all()
        return [self._give_up(job) for job in map(_job_of, rows) if is_abandoned(job)]

    def _give_up(self, job: Job) -> Job:
        detail = (
            f"The process died {job.attempts} times while it ran this job, perhaps for want of memory: nothing was "
            "changed. Send less at once, or give the process more memory and send it again."
        )
        failed = {"state": "failed", "finished_at": _now(), "error_code": WORKER_DIED, "error_detail": detail}
        return self._one(update(_job).where(_job.c.id == job.id).values(failed).returning(_job))

    def claim(
        self, worker: str, is_abandoned: Callable[[Job], bool], only: int | None = None, kind: Kind = "ingestion"
    ) -> Job | None:
        """Take the oldest job of a kind that waits, or that its worker abandoned; None when there is none.

        Rows that another worker is just taking are skipped on PostgreSQL; SQLite has one writer at a time anyway.
        """
        wanted = (_job.c.kind == kind) & _job.c.state.in_(UNFINISHED)
        query = select(_job).where(wanted).order_by(_job.c.id).with_for_update(skip_locked=True)
        if only is not None:
            query = query.where(_job.c.id == only)
        for row in self._connection.execute(query).all():
            job = _job_of(row)
            if job.state == "queued" or is_abandoned(job):
                return self._begin(job, worker)
        return None

    def _begin(self, job: Job, worker: str) -> Job:
        if not job.is_merged:
            self._connection.execute(delete(_rejected).where(_rejected.c.job_id == job.id))
        progress = {} if job.is_merged else {"done": 0, "triples": 0, "rejected": 0}
        return self._one(
            update(_job)
            .where(_job.c.id == job.id)
            .values(
                state="running",
                worker=worker,
                started_at=job.started_at or _now(),
                heartbeat_at=_now(),
                attempts=_job.c.attempts + 1,
                **progress,
            )
            .returning(_job)
        )

    def beat(self, job_id: int, worker: str, done: int, triples: int, rejected: int) -> None:
        """Say that the worker lives, and how far it is.

        Raises:
            JobLost: another worker has the job now.
        """
        self._update_own(job_id, worker, heartbeat_at=_now(), done=done, triples=triples, rejected=rejected)

    def merged(self, job_id: int, worker: str, ingested: Ingested) -> None:
        """Note what the transaction that this belongs to merged.

        Raises:
            JobLost: another worker has the job now, so the transaction must not be committed.
        """
        self._update_own(
            job_id,
            worker,
            accepted=ingested.accepted,
            duplicates=ingested.duplicates,
            names=ingested.names,
            rejected=ingested.rejected,
            kb_revision=ingested.revision,
        )

    def finish(self, job_id: int, worker: str, state: State, code: str | None = None, detail: str | None = None) -> Job:
        """End the job.

        Raises:
            JobLost: another worker has the job now.
        """
        values: dict[str, Any] = {"state": state, "finished_at": _now(), "error_code": code, "error_detail": detail}
        if state == "succeeded":
            values["done"] = _job.c.total
        self._update_own(job_id, worker, **values)
        if code == KB_DELETED[0]:
            self._forget_rejected(_job.c.id == job_id)
        return self.job(job_id)

    def _forget_rejected(self, of_jobs: ColumnElement[bool]) -> None:
        self._connection.execute(delete(_rejected).where(_rejected.c.job_id.in_(select(_job.c.id).where(of_jobs))))

    def release(self, job_id: int, worker: str, *, is_counted: bool = False) -> None:
        """Put a job back, unfinished, for whoever claims it next; `is_counted` says that an attempt is lost by that."""
        attempts = _job.c.attempts - (0 if is_counted else 1)
        self._update_own(job_id, worker, state="queued", worker=None, attempts=attempts)

    def reject(self, job_id: int, lines: Sequence[RejectedLine]) -> None:
        """Keep the lines that were left out."""
        if lines:
            self._connection.execute(insert(_rejected), [{"job_id": job_id, **line._asdict()} for line in lines])

    def rejected(self, job_id: int, after_number: int, limit: int) -> list[RejectedLine]:
        """Rejected lines with numbers above `after_number`, in order."""
        columns = (_rejected.c.number, _rejected.c.reason, _rejected.c.text)
        query = select(*columns).where(_rejected.c.job_id == job_id, _rejected.c.number > after_number)
        rows = self._connection.execute(query.order_by(_rejected.c.number).limit(limit))
        return [RejectedLine(*row) for row in rows]

    def is_wanted(self, spool: str) -> bool:
        """Whether a job still needs this upload."""
        wanting = select(_job.c.id).where(_job.c.state.in_(UNFINISHED), _job.c.spool == spool)
        return self._connection.scalar(wanting.limit(1)) is not None

    def counts(self) -> list[JobCount]:
        """How many jobs there are, by kind and state, when the oldest was made, and how many triples were new in them.

        Jobs are never deleted, so what has ended grows only. Reads them all: 0.2 s for 200,000.
        """
        accepted = func.coalesce(func.sum(_job.c.accepted), 0)
        counted = select(_job.c.kind, _job.c.state, func.count(), func.min(_job.c.created_at), accepted)
        rows = self._connection.execute(counted.group_by(_job.c.kind, _job.c.state))
        return [JobCount(kind, state, count, oldest, int(new)) for kind, state, count, oldest, new in rows]

    def is_idle(self, kind: Kind = "ingestion") -> bool:
        """Whether every job of a kind has ended."""
        waiting = select(_job.c.id).where(_job.c.kind == kind, _job.c.state.in_(UNFINISHED))
        return self._connection.scalar(waiting.limit(1)) is None

    def _update_own(self, job_id: int, own: str, **values: Any) -> None:  # noqa: ANN401 - column values
        """Change a job that `own` runs."""
        mine = (_job.c.id == job_id) & (_job.c.worker == own) & (_job.c.state == "running")
        if self._connection.execute(update(_job).where(mine).values(**values)).rowcount != 1:
            raise JobLost(f"job {job_id} belongs to another worker now")

    def _one(self, statement: ReturningInsert[Any] | ReturningUpdate[Any]) -> Job:
        return _job_of(self._connection.execute(statement).one())


def _job_of(row: Row[Any]) -> Job:
    values = {name: row._mapping[name] for name in _JOB_FIELDS}
    read = {name: row._mapping[name] for name in _UPLOAD_FIELDS}
    return Job(**values, upload=Upload(size=row._mapping["total"], **read))


def _now() -> datetime:
    return datetime.now(UTC)

"""Model versions: readers adapted to one KB, which of them answers, and the reader that a KB is asked with.

The shipped reader is version 0 of every KB: it cannot be lost, and activating it is the way back.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from app import tables
from app.errors import NotFound
from app.telemetry import logger
from kb.database import reading
from kb.errors import KbNotFound
from models.checkpoints import CheckpointUnusable
from models.reader import Reader
from models.texts import TokenEncoder

SHIPPED = 0
CACHED_READERS = 16
REMEMBERED_SECONDS = 1.0
"""For how long a process may go on with a version after another process activated a different one."""

_model = tables.model
_feedback = tables.feedback
log = logger("hopfact.models")


@dataclass(frozen=True)
class ModelVersion:
    """One row of the model table."""

    id: int
    kb_id: int
    job_id: int | None
    created_at: datetime
    path: str
    """Under the folder of models, which may move."""
    sha256: bytes
    base: str
    kb_revision: int
    metrics: Mapping[str, Any]
    active: bool

    def envelope(self) -> dict[str, Any]:
        """The version as the API shows it."""
        return {
            "id": self.id,
            "job": self.job_id,
            "created_at": self.created_at,
            "base": self.base,
            "kb_revision": self.kb_revision,
            "metrics": dict(self.metrics),
            "active": self.active,
        }


class ModelStore:
    """Every query on model versions and on feedback; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(
        self, kb_id: int, job_id: int, folder: Path, path: Path, base: str, kb_revision: int, metrics: Mapping[str, Any]
    ) -> ModelVersion:
        """A new version, not yet active; its checkpoint stands at `path`, in the `folder` of models."""
        values = {
            "kb_id": kb_id,
            "job_id": job_id,
            "created_at": _now(),
            "path": str(path.relative_to(folder)),
            "sha256": digest_of(path),
            "base": base,
            "kb_revision": kb_revision,
            "metrics": dict(metrics),
            "active": False,
        }
        return _version(self._connection.execute(insert(_model).values(values).returning(_model)).one())

    def versions(self, kb_id: int) -> list[ModelVersion]:
        """The versions of a KB, newest first."""
        query = select(_model).where(_model.c.kb_id == kb_id).order_by(_model.c.id.desc())
        return [_version(row) for row in self._connection.execute(query)]

    def active(self, kb_id: int) -> ModelVersion | None:
        """The version that answers; None: the shipped reader."""
        query = select(_model).where(_model.c.kb_id == kb_id, _model.c.active).order_by(_model.c.id.desc())
        row = self._connection.execute(query).first()
        return None if row is None else _version(row)

    def activate(self, kb_id: int, version_id: int) -> None:
        """Let a version answer, or the shipped reader (0).

        Raises:
            NotFound: the KB has no such version.
        """
        mine = _model.c.kb_id == kb_id
        self._connection.execute(update(_model).where(mine).values(active=False))
        if version_id == SHIPPED:
            return
        found = self._connection.execute(update(_model).where(mine, _model.c.id == version_id).values(active=True))
        if found.rowcount != 1:
            raise NotFound("model", version_id)

    def add_feedback(
        self,
        kb_id: int,
        question: str,
        answers: list[str],
        correct: bool | None,
        comment: str | None,
        about: str | None,
    ) -> int:
        """Keep what a user says about a question's answers; its id.

        Raises:
            KbNotFound: the KB was deleted.
        """
        values = {
            "kb_id": kb_id,
            "created_at": _now(),
            "request_id": about,
            "question": question,
            "answers": answers,
            "correct": correct,
            "comment": comment,
        }
        try:
            found = self._connection.execute(insert(_feedback).values(values).returning(_feedback.c.id))
        except IntegrityError:
            raise KbNotFound(kb_id) from None
        return int(found.scalar_one())

    def forget_kb(self, kb_id: int) -> None:
        """Delete what there is of a KB: its versions, and what its users asked and said."""
        for table in (_model, _feedback, tables.question_log):
            self._connection.execute(delete(table).where(table.c.kb_id == kb_id))

    def rows_of_versions(self, kb_id: int) -> list[dict[str, Any]]:
        """The versions of a KB, oldest first, as JSON can hold them."""
        return [_as_json(vars(one), leave_out=("id", "kb_id", "job_id")) for one in reversed(self.versions(kb_id))]

    def restore_version(self, kb_id: int, row: Mapping[str, Any]) -> None:
        """Record a version as `rows_of_versions` gave it; its checkpoint stands at its path."""
        values = {**row, "kb_id": kb_id, "sha256": bytes.fromhex(row["sha256"])}
        self._connection.execute(insert(_model).values(_from_json(values)))

    def rows_of_feedback(self, kb_id: int) -> list[dict[str, Any]]:
        """All feedback on a KB, oldest first, as JSON can hold it."""
        rows = self._connection.execute(select(_feedback).where(_feedback.c.kb_id == kb_id).order_by(_feedback.c.id))
        return [_as_json(dict(row._mapping), leave_out=("id", "kb_id")) for row in rows]

    def restore_feedback(self, kb_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Record feedback as `rows_of_feedback` gave it."""
        for row in rows:
            self._connection.execute(insert(_feedback).values(_from_json({**row, "kb_id": kb_id})))

    def feedback(self, kb_id: int, limit: int) -> dict[str, list[str]]:
        """Questions with the answers that users say are right: the newest word on each, of the newest `limit`."""
        columns = (_feedback.c.question, _feedback.c.answers)
        query = select(*columns).where(_feedback.c.kb_id == kb_id).order_by(_feedback.c.id.desc()).limit(limit)
        return {question: answers for question, answers in reversed(self._connection.execute(query).all())}


class Readers:
    """Which reader a KB is asked with; safe to use from several threads."""

    def __init__(self, engine: Engine, folder: Path, shipped: Reader, encoder: TokenEncoder) -> None:
        self._engine = engine
        self._folder = folder
        self._shipped = shipped
        self._encoder = encoder
        self._known: dict[int, tuple[float, ModelVersion | None]] = {}
        self._readers: OrderedDict[int, Reader] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, kb_id: int) -> Reader:
        """The reader of a KB's active version; the shipped one where there is none, or its file cannot be used."""
        with self._lock:
            looked_at, version = self._known.get(kb_id, (-REMEMBERED_SECONDS, None))
            if time.monotonic() - looked_at >= REMEMBERED_SECONDS:
                with reading(self._engine) as connection:
                    version = ModelStore(connection).active(kb_id)
                self._known[kb_id] = (time.monotonic(), version)
            return self._shipped if version is None else self._load(version)

    def forget(self, kb_id: int) -> None:
        """Look again at the next question: something was activated."""
        with self._lock:
            self._known.pop(kb_id, None)

    def _load(self, version: ModelVersion) -> Reader:
        known = self._readers.get(version.id)
        if known is None:
            try:
                path = self._folder / version.path
                if digest_of(path) != version.sha256:
                    raise CheckpointUnusable(path, "it is not what was trained")
                known = Reader.load(path, encoder=self._encoder)
            except (CheckpointUnusable, OSError) as error:
                log.error(
                    "an adapted reader cannot be used; the shipped one answers", model=version.id, reason=str(error)
                )
                known = self._shipped
            self._readers[version.id] = known
        self._readers.move_to_end(version.id)
        while len(self._readers) > CACHED_READERS:
            self._readers.popitem(last=False)
        return known


def digest_of(path: Path) -> bytes:
    """The SHA-256 of a checkpoint's weights."""
    return hashlib.sha256(path.read_bytes()).digest()


_FIELDS = [field.name for field in fields(ModelVersion)]


def _version(row: Row[Any]) -> ModelVersion:
    return ModelVersion(**{name: row._mapping[name] for name in _FIELDS})


def _as_json(row: Mapping[str, Any], leave_out: Sequence[str]) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name not in leave_out}
    texts = {
        name: value.isoformat() if isinstance(value, datetime) else value.hex()
        for name, value in kept.items()
        if isinstance(value, datetime | bytes)
    }
    return {**kept, **texts}


def _from_json(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "created_at": datetime.fromisoformat(row["created_at"])}


def _now() -> datetime:
    return datetime.now(UTC)

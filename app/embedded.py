"""The verbs of the command line on the embedded store, without a server; replies are those of the HTTP API."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any, Literal, TypeVar, cast

import orjson

from app import evaluation
from app.answering import Question
from app.api.bodies import EvaluateBody, KeyBody, TrainBody
from app.exports import exported
from app.jobs import Job, JobStore, Upload
from app.keys import NewKey
from app.spool import SpoolFile
from app.wiring import Services
from app.worker import Worker
from hopfact.bodies import pieces_of
from hopfact.errors import JobFailed
from hopfact.events import ENDED
from hopfact.types import (
    AskReply,
    EvaluationReply,
    GoldQuestionBody,
    JobReply,
    KbReply,
    KeyReply,
    ModelsReply,
    NewKeyReply,
    RejectedLineReply,
    Scope,
)
from kb.deletion import purge
from kb.errors import EmptyInput

T = TypeVar("T")
_POLL_SECONDS = 0.05


class Embedded:
    """The same verbs as `Client` has, on the data folder itself."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._running: Thread | None = None
        services.prepare()

    def close(self) -> None:
        """Let a running job end, and close the database."""
        if self._running is not None:
            self._services.worker.ask_to_stop()
            self._services.trainer.ask_to_stop()
            self._running.join()
        self._services.close()

    def kbs(self) -> list[KbReply]:
        """All knowledge bases."""
        return [_as_json(kb, KbReply) for kb in self._services.kb_envelopes()]

    def create_kb(self, name: str) -> KbReply:
        """Make a knowledge base."""
        return _as_json(self._services.kb_envelope(self._services.create_kb(name).name), KbReply)

    def kb(self, name: str) -> KbReply:
        """One knowledge base."""
        self._services.views.refresh(self._services.kb(name).id)
        return _as_json(self._services.kb_envelope(name), KbReply)

    def delete_kb(self, name: str) -> None:
        """Delete a knowledge base."""
        self._services.delete_kb(name)
        purge(self._services.engine)

    def export(self, kb: str, format: str) -> Iterator[bytes]:
        """A KB as a file."""
        return exported(self._services.engine, self._services.kb(kb).id, format)

    def upload(
        self,
        kb: str,
        file: Path,
        *,
        media_type: str,
        encoding: str | None = None,
        source: str | None = None,
        on_error: Literal["skip", "abort"] = "skip",
    ) -> JobReply:
        """Record a job for a file and begin it; the job."""
        services = self._services
        found = services.kb(kb)
        spool = SpoolFile(services.settings.spool_folder)
        try:
            with file.open("rb") as opened:
                for piece in pieces_of(opened):
                    spool.write(piece)
            if spool.size == 0:
                raise EmptyInput
            path = spool.keep()
            job = services.record_job(found, Upload(str(path), spool.size, media_type, encoding, source, on_error))
        except BaseException:
            spool.discard()
            raise
        spool.close()
        return self._begin(services.worker, job)

    def ingest_whole(self, kb: str, file: Path, media_type: str, encoding: str) -> None:
        """Load a file into a KB and wait for the end, all of it or nothing.

        Raises:
            JobFailed: nothing was changed.
        """
        self.wait(self.upload(kb, file, media_type=media_type, encoding=encoding, on_error="abort")["id"])

    def train(self, kb: str, questions: Sequence[GoldQuestionBody]) -> JobReply:
        """Record a job that adapts the reader to a KB and begin it; the job."""
        given = TrainBody.model_validate({"questions": questions})
        job = self._services.record_training(kb, [one.gold() for one in given.questions])
        return self._begin(self._services.trainer, job)

    def _begin(self, worker: Worker, job: Job) -> JobReply:
        self._running = Thread(target=worker.run_one, args=(job.id,), name="hopfact-job")
        self._running.start()
        return _as_json(job.envelope(), JobReply)

    def models(self, kb: str) -> ModelsReply:
        """The versions of a KB's reader."""
        return _as_json(self._services.model_versions(kb), ModelsReply)

    def activate(self, kb: str, version: int) -> ModelsReply:
        """Let a version of a KB's reader answer."""
        self._services.activate_model(kb, version)
        return self.models(kb)

    def wait(
        self, job_id: int, *, progress: Callable[[JobReply], object] | None = None, check: bool = True
    ) -> JobReply:
        """A job as it ended; `progress` hears of how far it is before.

        Raises:
            JobFailed: it did not succeed; not raised without `check`.
        """
        while (job := _as_json(self._services.job(job_id).envelope(), JobReply))["state"] not in ENDED:
            if progress is not None:
                progress(job)
            sleep(_POLL_SECONDS)
        if check and job["state"] != "succeeded":
            raise JobFailed(job)
        return job

    def rejected(self, job_id: int, *, page_size: int) -> Iterator[RejectedLineReply]:
        """The first lines that a job left out."""
        with self._services.reading() as connection:
            lines = JobStore(connection).rejected(job_id, 0, page_size)
        return (_as_json(line._asdict(), RejectedLineReply) for line in lines)

    def ask(
        self,
        kb: str,
        question: str,
        *,
        entities: Sequence[str] | None = None,
        max_hops: int | None = None,
        limit: int = 1_000,
    ) -> AskReply:
        """The answer to one question."""
        asked = Question(question, tuple(entities or ()), max_hops, limit)
        return _as_json(self._services.ask(kb, [asked])[0], AskReply)

    def evaluate(self, kb: str, questions: Sequence[GoldQuestionBody], *, mistakes: int) -> EvaluationReply:
        """How well questions with known answers are answered."""
        given = EvaluateBody.model_validate({"questions": questions, "mistakes": mistakes})
        gold = [one.gold() for one in given.questions]
        replies = self._services.ask(kb, [one.asked() for one in gold])
        found = evaluation.report(gold, replies, self._services.settings.abstain_below, given.mistakes)
        return _as_json({**found, "kb": kb, "model": self._services.model_of(kb)}, EvaluationReply)

    def create_key(
        self, name: str, scope: Scope, *, kb: str | None = None, expires_at: datetime | None = None
    ) -> NewKeyReply:
        """Make a key."""
        body = KeyBody(name=name, scope=scope, kb=kb, expires_at=expires_at)
        key, text = self._services.keys.create(NewKey(body.name, body.scope, body.kb, body.expires_at))
        return _as_json({**key.envelope(), "key": text}, NewKeyReply)

    def api_keys(self) -> list[KeyReply]:
        """All keys, without their secrets."""
        return [_as_json(key.envelope(), KeyReply) for key in self._services.keys.stored()]

    def revoke_key(self, key_id: int) -> None:
        """Revoke a key."""
        self._services.keys.revoke(key_id)

    def verify(self, kb: str) -> list[str]:
        """What differs between the KB in SQL and its derived structures."""
        return self._services.views.verify(self._services.kb(kb).id)

    def rebuild(self, kb: str) -> None:
        """Build the KB's derived structures anew."""
        self._services.views.rebuild(self._services.kb(kb).id)


def _as_json(content: Mapping[str, Any], kind: type[T]) -> T:
    """What a client of the HTTP API would read: times are texts."""
    return cast(T, orjson.loads(orjson.dumps(content)))

"""The verbs of the command line on the embedded store, without a server; replies are those of the HTTP API."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any, Literal

import orjson

from app import evaluation
from app.answering import Question
from app.api.schemas import EvaluateBody, KeyBody, TrainBody
from app.client import chunks_of
from app.errors import ServiceError
from app.exports import exported
from app.jobs import Job, JobStore, Upload
from app.keys import NewKey
from app.spool import SpoolFile
from app.wiring import Services
from app.worker import Worker
from kb.deletion import purge
from kb.errors import EmptyInput
from kb.store import TripleStore
from kb.triples import normalise_label

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

    def kbs(self) -> list[dict[str, Any]]:
        """All knowledge bases."""
        with self._services.reading() as connection:
            kbs = TripleStore(connection).kbs()
        return [self._services.kb_envelope(kb) for kb in kbs]

    def create_kb(self, name: str) -> dict[str, Any]:
        """Make a knowledge base."""
        return self._services.kb_envelope(self._services.create_kb(name))

    def kb(self, name: str) -> dict[str, Any]:
        """One knowledge base."""
        kb = self._services.kb(name)
        self._services.views.refresh(kb.id)
        return self._services.kb_envelope(kb)

    def delete_kb(self, name: str) -> None:
        """Delete a knowledge base."""
        self._services.delete_kb(name)
        purge(self._services.engine)

    def export(self, name: str, format: str) -> Iterator[bytes]:
        """A KB as a file."""
        return exported(self._services.engine, self._services.kb(name).id, format)

    def ingest(
        self,
        kb: str,
        file: Path,
        media_type: str,
        encoding: str | None,
        source: str | None,
        on_error: Literal["skip", "abort"],
    ) -> dict[str, Any]:
        """Record a job for a file and begin it; the job."""
        services = self._services
        found = services.kb(kb)
        spool = SpoolFile(services.settings.spool_folder)
        try:
            for chunk in chunks_of(file):
                spool.write(chunk)
            if spool.size == 0:
                raise EmptyInput
            path = spool.keep()
            source = normalise_label(source) if source else None
            job = services.record_job(found, Upload(str(path), spool.size, media_type, encoding, source, on_error))
        except BaseException:
            spool.discard()
            raise
        spool.close()
        return self._begin(services.worker, job)

    def ingest_whole(self, kb: str, file: Path, media_type: str, encoding: str) -> None:
        """Load a file into a KB and wait for the end, all of it or nothing.

        Raises:
            ServiceError: the job failed.
        """
        job = self.ingest(kb, file, media_type, encoding, None, "abort")
        while job["state"] in ("queued", "running"):
            sleep(_POLL_SECONDS)
            job = self.job(job["id"])
        if job["state"] != "succeeded":
            error = job["error"] or {"detail": "The job was cancelled.", "code": "cancelled"}
            raise ServiceError(f"{kb}: {error['detail']} ({error['code']})")

    def train(self, kb: str, body: dict[str, Any]) -> dict[str, Any]:
        """Record a job that adapts the reader to a KB and begin it; the job."""
        given = TrainBody.model_validate(body)
        job = self._services.record_training(kb, [one.gold() for one in given.questions])
        return self._begin(self._services.trainer, job)

    def _begin(self, worker: Worker, job: Job) -> dict[str, Any]:
        self._running = Thread(target=worker.run_one, args=(job.id,), name="hopfact-job")
        self._running.start()
        return _as_json(job.envelope())

    def models(self, kb: str) -> dict[str, Any]:
        """The versions of a KB's reader."""
        return _as_json(self._services.model_versions(kb))

    def activate(self, kb: str, version: int) -> dict[str, Any]:
        """Let a version of a KB's reader answer."""
        self._services.activate_model(kb, version)
        return self.models(kb)

    def job(self, job_id: int) -> dict[str, Any]:
        """One job."""
        return _as_json(self._services.job(job_id).envelope())

    def rejected(self, job_id: int, limit: int) -> list[dict[str, Any]]:
        """The first lines that a job left out."""
        with self._services.reading() as connection:
            return [line._asdict() for line in JobStore(connection).rejected(job_id, 0, limit)]

    def ask(self, kb: str, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to one question."""
        asked = Question(
            question["question"],
            tuple(question.get("entities", ())),
            question.get("max_hops"),
            question.get("limit", 1_000),
        )
        return self._services.ask(kb, [asked])[0]

    def evaluate(self, kb: str, body: dict[str, Any]) -> dict[str, Any]:
        """How well questions with known answers are answered."""
        given = EvaluateBody.model_validate(body)
        gold = [one.gold() for one in given.questions]
        replies = self._services.ask(kb, [one.asked() for one in gold])
        found = evaluation.report(gold, replies, self._services.settings.abstain_below, given.mistakes)
        return {**found, "kb": kb, "model": self._services.model_of(kb)}

    def create_key(self, new: dict[str, Any]) -> dict[str, Any]:
        """Make a key."""
        body = KeyBody.model_validate(new)
        key, text = self._services.keys.create(NewKey(body.name, body.scope, body.kb, body.expires_at))
        return _as_json({**key.envelope(), "key": text})

    def stored_keys(self) -> list[dict[str, Any]]:
        """All keys, without their secrets."""
        return [_as_json(key.envelope()) for key in self._services.keys.stored()]

    def revoke_key(self, key_id: int) -> None:
        """Revoke a key."""
        self._services.keys.revoke(key_id)

    def verify(self, kb: str) -> list[str]:
        """What differs between the KB in SQL and its derived structures."""
        return self._services.views.verify(self._services.kb(kb).id)

    def rebuild(self, kb: str) -> None:
        """Build the KB's derived structures anew."""
        self._services.views.rebuild(self._services.kb(kb).id)


def _as_json(content: dict[str, Any]) -> dict[str, Any]:
    """What a client of the HTTP API would read: times are texts."""
    return dict(orjson.loads(orjson.dumps(content)))

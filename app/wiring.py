"""Wiring: builds everything from the settings, each part when it is first needed; the only constructor calls."""

import re
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cached_property
from itertools import product
from threading import Event, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, get_args

import faiss
import orjson
from anyio import CapacityLimiter
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from app.answering import AnsweringLimits, Question, QuestionAnswerer
from app.api.bodies import KB_NAME
from app.batching import QuestionBatcher
from app.errors import DATABASE_AWAY, DeadlineExceeded, KbNameInvalid, Overloaded, problem_of
from app.evaluation import GoldQuestion
from app.graphs.pool import Graphs
from app.jobs import FINISHED, KB_DELETED, UNFINISHED, Job, JobStore, Kind, Upload
from app.keys import KeyRing, revoke_keys_of
from app.limiting import RateLimiter
from app.memories import MemoryReader
from app.model_versions import SHIPPED, ModelStore, Readers
from app.settings import Settings, SettingsError, installing
from app.sparql import QueryWriter
from app.spool import SpoolFile
from app.telemetry import Metrics, logger
from app.tracing import Tracing
from app.turns import Turns
from app.worker import Worker
from app.writers import Writers
from kb import database
from kb.consistency import ConsistencyBudgets, Views
from kb.context import ContextEncoder
from kb.encoding import Encoder, StaticEncoder, load_encoder
from kb.errors import KbNotFound
from kb.shards.actors import RayCluster
from kb.shards.labels import ScatteredLabels
from kb.store import Counts, Kb, TripleStore
from models.checkpoints import CheckpointUnusable
from models.reader import Reader
from models.threads import limit_threads

if TYPE_CHECKING:
    from models.stories import StoryReader

SPARQL_AT_ONCE = 2
SPARQL_WAITING = 16
EXPORTS_AT_ONCE = 8
WRITES_AT_ONCE = 16
WRITES_WAITING = 256
DATABASE_PATIENCE = 60.0
"""Seconds for which a service or a worker that starts waits for its database, which may be starting, too."""
DATABASE_PAUSE = 1.0

log = logger("hopfact.service")


class Services:
    """What one process needs of one data folder; `prepare` first."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        settings.data.mkdir(parents=True, exist_ok=True)
        self.settings = settings
        self.engine = database.create_engine(settings.url_of_database)
        self.metrics = metrics
        self.keys = KeyRing(self.engine, settings)
        self.limiter = RateLimiter(settings.rates)
        self.tracing = _tracing(settings.otlp_endpoint)
        self.stopping = Event()
        self._known_kbs: dict[str, Kb] = {}
        self._is_warm = Event()
        self._warming: Thread | None = None
        faiss.omp_set_num_threads(settings.num_threads)

    def prepare(self, *, waits: bool = False) -> None:
        """Bring the database to this version's schema; `waits`: a server that is away is tried again for a minute.

        Raises:
            OperationalError: it is still away, or refuses.
        """
        end = monotonic() + (DATABASE_PATIENCE if waits and self.engine.dialect.name == "postgresql" else 0.0)
        while True:
            try:
                database.migrate(self.engine)
            except OperationalError as error:
                problem = problem_of(error)
                if monotonic() > end or problem is None or problem.code != DATABASE_AWAY:
                    raise
                log.warning("the database cannot be reached; trying again", reason=str(error.orig))
                sleep(DATABASE_PAUSE)
            else:
                return

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder of labels and questions."""
        return load_encoder(self.settings.encoder, self.settings.num_threads)

    @cached_property
    def views(self) -> Views:
        """The derived structures of every KB."""
        budgets = ConsistencyBudgets(threads=self.settings.num_threads)
        if self.settings.shards == 1:
            return Views(self.engine, self.settings.data, self.encoder, budgets)
        encode = ScatteredLabels(self.encoder, self.settings.encoder, self.cluster.tasks)
        return Views(self.engine, self.settings.data, self.encoder, budgets, self.cluster.source, encode)

    @cached_property
    def cluster(self) -> RayCluster:
        """Where the shards of every KB are.

        Raises:
            SettingsError: Ray is not installed.
        """
        of = self.settings
        if not RayCluster.is_installed():
            raise SettingsError(f"HOPFACT_SHARDS: more than 1 needs Ray: {installing('ray')}.")
        return RayCluster(of.ray_address, of.data, of.shards, of.shard_triples, of.shard_timeout_seconds)

    @cached_property
    def reader(self) -> Reader:
        """The reader.

        Raises:
            SettingsError: its checkpoint cannot be used.
        """
        limit_threads(1)  # the matrices of a few questions are small: a second thread makes them slower
        try:
            return Reader.load(self.settings.reader, encoder=self._words)
        except CheckpointUnusable as error:
            raise SettingsError(f"HOPFACT_READER: {error}") from error

    @cached_property
    def _words(self) -> ContextEncoder:
        """The encoder of words that readers were trained over."""
        return ContextEncoder(self.encoder if isinstance(self.encoder, StaticEncoder) else None)

    @cached_property
    def readers(self) -> Readers:
        """The readers of all KBs."""
        return Readers(self.engine, self.settings.models_folder, self.reader, self._words)

    @cached_property
    def answerer(self) -> QuestionAnswerer:
        """The answerer."""
        settings = self.settings
        limits = AnsweringLimits(
            max_hops=settings.max_hops,
            fact_budget=settings.fact_budget,
            abstain_below=settings.abstain_below,
            remembered_answers=settings.remembered_answers,
        )
        queries = QueryWriter(self.engine)
        return QuestionAnswerer(self.views, self.reader, self.encoder, queries, limits, self.readers.of)

    @cached_property
    def memories(self) -> MemoryReader:
        """Where memories that come with a question are read."""
        return MemoryReader(self.answerer, self.encoder, self._load_stories)

    def _load_stories(self) -> "StoryReader":
        from models.stories import DEFAULT_CHECKPOINT, StoryReader  # brings torch, which nothing else here needs

        return StoryReader.load(self.settings.stories or DEFAULT_CHECKPOINT)

    @cached_property
    def graphs(self) -> Graphs:
        """Where SPARQL is asked."""
        return Graphs(self.engine, self.settings)

    @cached_property
    def graph_turns(self) -> Turns:
        """Whose turn it is to ask by SPARQL; made in the event loop that uses it."""
        return Turns(
            SPARQL_AT_ONCE,
            SPARQL_WAITING,
            lambda: Overloaded("Too many SPARQL queries are waiting: send it again in a few seconds."),
            lambda seconds: DeadlineExceeded(f"Other SPARQL queries took all of {seconds:g} s: send it again."),
        )

    @cached_property
    def exports(self) -> CapacityLimiter:
        """Places of exports that are being sent; made in the event loop that uses it."""
        return CapacityLimiter(EXPORTS_AT_ONCE)

    @cached_property
    def writers(self) -> Writers:
        """Where what changes the database waits for its turn; made in the event loop that uses it."""
        return Writers(WRITES_AT_ONCE, WRITES_WAITING, database.BUSY_TIMEOUT_SECONDS)

    @cached_property
    def worker(self) -> Worker:
        """What ingests uploads in this process."""
        return Worker(self.engine, self.views, self.settings, self.tracing)

    @cached_property
    def trainer(self) -> Worker:
        """What runs training jobs in this process, so that no upload waits for one."""
        return Worker(self.engine, self.views, self.settings, self.tracing, "training")

    @cached_property
    def batcher(self) -> QuestionBatcher[tuple[str, int | None]]:
        """Where the questions of all requests meet, by `kb` and `only`; made in the event loop that uses it."""
        return QuestionBatcher(
            lambda kb, questions: self.ask(kb[0], questions, kb[1], waits=False),
            self.metrics,
            self.settings.batch_questions,
            self.settings.max_waiting_questions,
            self.settings.deadline_seconds,
            self.settings.max_wait_seconds,
        )

    def model_id(self, kb_id: int) -> str | None:
        """The reader that answers for a KB; None in a process that has loaded none."""
        return self.readers.of(kb_id).name if "reader" in self.__dict__ else None

    def model_of(self, kb: str, only: int | None = None) -> str | None:
        """The reader that answers for the KB of this name.

        Raises:
            KbNotFound: there is none.
        """
        return self.model_id(self.kb(kb, only).id)

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection that reads one state of the database."""
        return database.reading(self.engine)

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction, committed at its end; it does not wait for ever for another one."""
        return database.writing(self.engine, database.BUSY_TIMEOUT_SECONDS)

    def kb(self, name: str, only: int | None = None) -> Kb:
        """The KB of this name; here and below `only` is the id that it must have, for a caller who reaches no other.

        Raises:
            KbNotFound: there is none.
        """
        with self.reading() as connection:
            return TripleStore(connection).kb(name, only)

    def kb_envelope(self, name: str, only: int | None = None) -> dict[str, Any]:
        """A KB as the API shows it.

        Raises:
            KbNotFound: there is none.
        """
        with self.reading() as connection:
            store = TripleStore(connection)
            kb = store.kb(name, only)
            return self._envelope(kb, store.counts(kb.id))

    def kb_envelopes(self, only: int | None = None) -> list[dict[str, Any]]:
        """All KBs as the API shows them, of one moment."""
        with self.reading() as connection:
            store = TripleStore(connection)
            return [self._envelope(kb, store.counts(kb.id)) for kb in store.kbs() if only in (None, kb.id)]

    def _envelope(self, kb: Kb, counts: Counts) -> dict[str, Any]:
        return {
            "name": kb.name,
            "created_at": kb.created_at,
            "revision": kb.revision,
            "counts": asdict(counts),
            "index": asdict(self.views.state(kb.id)),
            "model": self.model_id(kb.id),
        }

    def ask(
        self, kb: str, questions: list[Question], only: int | None = None, *, waits: bool = True
    ) -> list[dict[str, Any]]:
        """Replies to questions on one KB.

        Which KB a name means is remembered: a KB is never renamed, and one that was deleted is not found by its id.

        Raises:
            KbNotFound: there is none of this name.
            StructuresBusy: another process builds the KB's structures; who `waits` waits for that first.
        """
        known = self._known_kbs.get(kb)
        if known is not None and only in (None, known.id):
            try:
                return self.answerer.ask(known, questions, waits=waits)
            except KbNotFound:
                self._known_kbs.pop(kb, None)
        known = self._known_kbs[kb] = self.kb(kb, only)
        return self.answerer.ask(known, questions, waits=waits)

    def create_kb(self, name: str) -> Kb:
        """A new, empty KB.

        Raises:
            KbNameInvalid: the name could not stand in an address or a path.
            KbExists: the name is taken.
        """
        if not re.fullmatch(KB_NAME, name):
            raise KbNameInvalid(name)
        with self.writing() as connection:
            return TripleStore(connection).create_kb(name)

    def delete_kb(self, name: str, only: int | None = None) -> None:
        """Delete a KB with all that belongs to it.

        Raises:
            KbNotFound: there is none.
        """
        with self.writing() as connection:
            store = TripleStore(connection)
            kb = store.kb(name, only)
            JobStore(connection).end_with_kb(kb.id, *KB_DELETED)
            ModelStore(connection).forget_kb(kb.id)
            revoke_keys_of(connection, kb.id)
            store.delete_kb(kb.id)
        self.views.drop(kb.id)
        if "graphs" in self.__dict__:
            self.graphs.forget(kb.id)
        shutil.rmtree(self.settings.models_folder / str(kb.id), ignore_errors=True)
        self.keys.forget()
        self.worker.wake()  # it removes the rows of a large KB, which nobody sees any more

    def job(self, job_id: int) -> Job:
        """The job.

        Raises:
            NotFound: there is none.
        """
        with self.reading() as connection:
            return JobStore(connection).job(job_id)

    def figures(self) -> bytes:
        """The page of figures, with what only the database knows as it is now: jobs, whatever process runs them."""
        figures = self.metrics
        figures.open_jobs.clear()
        if "cluster" in self.__dict__:
            figures.shards_missing.set(len(self.cluster.missing))
        try:
            with self.reading() as connection:
                jobs = JobStore(connection).counts()
        except OperationalError:
            figures.database_up.set(0)
            return figures.page()
        figures.database_up.set(1)
        waiting = [one for one in jobs if one.state in UNFINISHED]
        for one in waiting:
            figures.open_jobs.labels(one.kind, one.state).set(one.number)
        oldest = min((one.oldest for one in waiting), default=None)
        figures.oldest_job.set(0 if oldest is None else (datetime.now(UTC) - oldest).total_seconds())
        ended: dict[tuple[str, ...], float] = dict.fromkeys(product(get_args(Kind), FINISHED), 0)
        ended.update({(one.kind, one.state): one.number for one in jobs if one.state in FINISHED})
        figures.jobs.tell(ended)
        figures.ingested.tell({(): sum(one.accepted for one in jobs)})
        return figures.page()

    def record_job(self, kb: Kb, upload: Upload, kind: Kind = "ingestion") -> Job:
        """A new job for an upload that is safe on disk.

        Raises:
            KbNotFound: the KB was deleted while the upload came in.
        """
        with self.writing() as connection:
            TripleStore(connection).revision(kb.id)
            job = JobStore(connection).record(kb.id, kb.name, upload, kind)
        (self.worker if kind == "ingestion" else self.trainer).wake()
        return job

    def record_training(self, kb: str, questions: Sequence[GoldQuestion], only: int | None = None) -> Job:
        """A new job that adapts the reader to a KB, by questions with their answers.

        Raises:
            KbNotFound: there is no KB of this name.
            StorageFailed: the disk takes no file.
        """
        found = self.kb(kb, only)
        spool = SpoolFile(self.settings.spool_folder)
        try:
            asked = [{"question": one.text, "answers": one.answers, "entities": one.entities} for one in questions]
            spool.write(orjson.dumps(asked))
            path = spool.keep()
            upload = Upload(str(path), self.settings.training_steps, "application/json", None, None, "abort")
            job = self.record_job(found, upload, "training")
        except BaseException:
            spool.discard()
            raise
        spool.close()
        return job

    def model_versions(self, kb: str, only: int | None = None) -> dict[str, Any]:
        """The versions of a KB's reader, newest first, the shipped one last; and the name of the one that answers.

        Raises:
            KbNotFound: there is no KB of this name.
        """
        kb_id = self.kb(kb, only).id
        with self.reading() as connection:
            versions = [version.envelope() for version in ModelStore(connection).versions(kb_id)]
        shipped: dict[str, Any] = {
            "id": SHIPPED,
            "job": None,
            "created_at": None,
            "base": self.reader.name,
            "kb_revision": None,
            "metrics": {},
            "active": not any(version["active"] for version in versions),
        }
        return {"models": [*versions, shipped], "model": self.model_id(kb_id)}

    def activate_model(self, kb: str, version: int, only: int | None = None) -> None:
        """Let a version of a KB's reader answer from now on.

        Raises:
            KbNotFound: there is no KB of this name.
            NotFound: it has no such version.
        """
        found = self.kb(kb, only)
        with self.writing() as connection:
            ModelStore(connection).activate(found.id, version)
        self.readers.forget(found.id)

    def warm(self) -> None:
        """Load the reader now, and the structures of every KB in a thread; `missing` tells when that is done.

        What cannot be loaded now is logged, and tried again when it is asked for.
        """
        log.info("loaded", model=self.reader.name, encoder=self.encoder.id)

        def load() -> None:
            try:
                self.views.warm(self.stopping)
            except Exception as error:
                log.exception("structures not loaded", reason=str(error))
            self._is_warm.set()
            log.info("ready")

        self._warming = Thread(target=load, name="hopfact-warm", daemon=True)
        self._warming.start()

    def missing(self) -> list[str]:
        """What keeps the service from being ready; empty when nothing does."""
        missing = []
        with self.reading() as connection:
            TripleStore(connection).kbs()
        if not self._is_warm.is_set():
            missing.append("derived structures are being loaded or built")
        if self.settings.worker == "embedded" and not (self.worker.is_alive() and self.trainer.is_alive()):
            missing.append("the worker has ended")
        return missing

    def check_locked(self) -> None:
        """Refuse to be reachable from elsewhere without a key.

        Raises:
            SettingsError: it would be.
        """
        if not self.settings.is_loopback and not self.keys.is_locked():
            raise SettingsError(
                f"HOPFACT_HOST: {self.settings.host} is reachable from elsewhere, and no API key is made. "
                "Set HOPFACT_API_KEY, or run `hopfact keys create NAME --scope admin`."
            )

    def close(self) -> None:
        """Stop the worker and free the database; what runs is put back or ends first."""
        self.stopping.set()
        for worker in ("trainer", "worker"):
            if worker in self.__dict__:
                getattr(self, worker).stop()
        if self._warming is not None:
            self._warming.join()
        if "graphs" in self.__dict__:
            self.graphs.close()
        if "cluster" in self.__dict__:
            self.cluster.close()
        self.tracing.close()
        self.engine.dispose()


def _tracing(endpoint: str | None) -> Tracing:
    """What begins spans: for a collector, if one is named.

    Raises:
        SettingsError: what sends them is not installed.
    """
    if endpoint is None:
        return Tracing()
    try:
        from app.otlp import OtlpTracing  # OpenTelemetry is there if the extra is
    except ImportError as error:
        raise SettingsError(
            f"HOPFACT_OTLP_ENDPOINT: traces need what is not installed ({error}): {installing('telemetry')}."
        ) from error
    return OtlpTracing(endpoint)

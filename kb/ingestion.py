"""An upload into a KB: parsed in batches, staged, merged in one transaction; all or nothing, also after a kill."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from time import monotonic
from typing import BinaryIO, Literal, NamedTuple

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from kb import kbs
from kb.database import driver, reading, storage_errors, write_connection
from kb.drafts import Draft
from kb.errors import IngestionAborted, IngestionCancelled, StorageFailed
from kb.formats import ParseOptions, parse
from kb.garbage import give_back, rare_collections
from kb.merging import merge
from kb.records import Facts
from kb.stage import ATTACHED, StageTables, attached, create_stage_file, stage_tables
from kb.staging import Stager
from kb.triples import RejectedLine

STAGE_FILE = "stage.sqlite"
"""The scratch file of a SQLite ingestion in its work folder; one that a killed process left is overwritten."""

_CHUNK_BYTES = 1024 * 1024
_MERGE_CACHE_KIBIBYTES = (64 * 1024, 512 * 1024)
"""At least, and at most."""
_CACHED_BYTES_PER_ENTITY = 100
"""What an entity takes in the index of digests, which grows everywhere at once and must fit."""
_KB_CHECK_SECONDS = 1.0
_CANCEL_CHECK_SECONDS = 0.1


@dataclass(frozen=True)
class IngestionTask:
    """What to read into which KB. `work_folder` exists and belongs to this ingestion alone."""

    kb_id: int
    spool: Path
    options: ParseOptions
    on_error: Literal["skip", "abort"]
    work_folder: Path
    digest: str | None = None
    """BLAKE2b of the spool's bytes, 16 bytes in hexadecimal, when they were received."""


class Progress(NamedTuple):
    """How far the reading is, in bytes of the upload; `triples` are those read, names not counted."""

    bytes_done: int
    bytes_total: int
    triples: int


class Ingested(NamedTuple):
    """What an ingestion did, as `Written`; `rejected` counts lines."""

    accepted: int
    duplicates: int
    names: int
    rejected: int
    revision: int


def ingest(
    engine: Engine,
    task: IngestionTask,
    progress: Callable[[Progress], None],
    cancelled: Callable[[], bool],
    reject: Callable[[list[RejectedLine]], None],
    before_commit: Callable[[Connection, Ingested], None],
    draft: Draft | None = None,
) -> Ingested:
    """Read the spooled upload and add what is new to the KB, in one transaction.

    `progress` and `reject` are called while reading, when nothing is locked. `cancelled` is asked all the time, during
    the merge from another thread: it may read the database then, but not write, for SQLite has one writer. What
    `before_commit` does on the connection is committed together with the triples; if it raises, nothing is. A `draft`
    is begun, on SQLite, for the first triples of a KB if they are enough, and kept after the commit.

    Raises:
        IngestionCancelled: `cancelled` said so.
        IngestionAborted: at the first bad line, if `task.on_error` is "abort".
        KbNotFound: the KB is not there, or not any more.
        ParseError: the upload cannot be read to its end.
        StorageFailed: a disk is full or broken.
    """
    run = _Ingestion(engine, task, progress, cancelled, reject, before_commit, draft)
    try:
        with storage_errors("ingesting"), rare_collections():
            return run.through_file() if engine.dialect.name == "sqlite" else run.through_session()
    finally:
        give_back()


@dataclass
class _Ingestion:
    engine: Engine
    task: IngestionTask
    progress: Callable[[Progress], None]
    cancelled: Callable[[], bool]
    reject: Callable[[list[RejectedLine]], None]
    before_commit: Callable[[Connection, Ingested], None]
    draft: Draft | None
    num_rejected: int = 0
    kb_checked_at: float = float("-inf")

    def through_file(self) -> Ingested:
        """Stage in a SQLite file, attached for the merge."""
        path = self.task.work_folder / STAGE_FILE
        try:
            with create_stage_file(path).connect() as staging:
                tables = stage_tables(None)
                with staging.begin():
                    tables.metadata.create_all(staging, checkfirst=False)
                stager = Stager(staging, tables)
                self._read(staging, stager)
            cache = _merge_cache_kibibytes(stager.num_entities)
            with write_connection(self.engine) as connection, attached(connection, path, cache):
                return self._merge(connection, stager, stage_tables(ATTACHED))
        finally:
            path.unlink(missing_ok=True)

    def through_session(self) -> Ingested:
        """Stage in temporary tables of the PostgreSQL session that merges."""
        tables = stage_tables("pg_temp")
        with write_connection(self.engine) as connection:
            try:
                with connection.begin():
                    tables.metadata.create_all(connection, checkfirst=False)
                stager = Stager(connection, tables)
                self._read(connection, stager)
                return self._merge(connection, stager, tables)
            finally:
                if not connection.invalidated:
                    with connection.begin():
                        connection.exec_driver_sql("DISCARD TEMP")

    def _read(self, staging: Connection, stager: Stager) -> None:
        total = self.task.spool.stat().st_size
        with self.task.spool.open("rb") as spool:
            digest = blake2b(digest_size=16)
            for batch in parse(_chunks(spool, digest.update), replace(self.task.options, numbers=stager)):
                self._check()
                if batch.rejected:
                    self._take_rejected(batch.rejected)
                with staging.begin():
                    if batch.numbered is not None:
                        stager.add_numbered(batch.numbered, self.task.options.source)
                    else:
                        stager.add(batch.triples, batch.names)
                self.progress(Progress(batch.bytes_done, total, stager.num_triples))
            if self.task.digest not in (None, digest.hexdigest()):
                raise StorageFailed("reading the upload", "its bytes are not those that were received")
        stager.forget()

    def _check(self) -> None:
        """End early when the work is in vain."""
        if self.cancelled():
            raise IngestionCancelled
        if monotonic() - self.kb_checked_at > _KB_CHECK_SECONDS:
            with reading(self.engine) as connection:
                kbs.revision(connection, self.task.kb_id)
            self.kb_checked_at = monotonic()

    def _take_rejected(self, lines: list[RejectedLine]) -> None:
        if self.task.on_error == "abort":
            raise IngestionAborted(lines[0])
        self.num_rejected += len(lines)
        self.reject(lines)

    def _merge(self, connection: Connection, stager: Stager, tables: StageTables) -> Ingested:
        watch = _Watch(connection, self.cancelled)
        try:
            with connection.begin():
                with watch:
                    begin = partial(self._begin_draft, connection)
                    written = merge(connection, self.task.kb_id, stager, tables, watch.check, begin)
                ingested = Ingested(
                    written.accepted, written.duplicates, written.names, self.num_rejected, written.revision
                )
                self.before_commit(connection, ingested)
                if self.draft is not None:
                    self.draft.hold(connection)
        except DBAPIError:
            watch.check()
            raise
        if self.draft is not None:
            self.draft.keep()
        return ingested

    def _begin_draft(self, connection: Connection, facts: Facts) -> None:
        if self.draft is not None and len(facts.ids) >= self.draft.least_facts:
            self.draft.begin(connection, facts)


class _Watch:
    """Asks in a thread whether to cancel, and interrupts the statement that runs when that is so."""

    def __init__(self, connection: Connection, cancelled: Callable[[], bool]) -> None:
        own = driver(connection)
        self._interrupt = own.interrupt if connection.dialect.name == "sqlite" else own.cancel_safe
        self._cancelled = cancelled
        self._reason: BaseException | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="ingestion-watch", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, exception_type: type[BaseException] | None, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        if exception_type is None:
            self.check()

    def check(self) -> None:
        """Raise if the work is to end."""
        if self._reason is not None:
            raise self._reason

    def _watch(self) -> None:
        while not self._ended.wait(_CANCEL_CHECK_SECONDS):
            if self._reason is None:
                self._ask()
            if self._reason is not None:  # again and again: a statement that begins later is not interrupted
                self._interrupt()

    def _ask(self) -> None:
        try:
            if self._cancelled():
                self._reason = IngestionCancelled()
        except BaseException as error:
            self._reason = error


def _merge_cache_kibibytes(num_entities: int) -> int:
    least, most = _MERGE_CACHE_KIBIBYTES
    return min(max(least, num_entities * _CACHED_BYTES_PER_ENTITY // 1024), most)


def _chunks(file: BinaryIO, seen: Callable[[bytes], None]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK_BYTES):
        seen(chunk)
        yield chunk

"""Ingestion: all of an upload or nothing of it, on SQLite and PostgreSQL alike."""

import gc
import gzip
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from sqlalchemy import Connection, Engine, inspect

from kb import merging
from kb.database import reading, writing
from kb.errors import EmptyInput, IngestionAborted, IngestionCancelled, KbNotFound, StorageFailed, UnpackFailed
from kb.formats import ParseOptions
from kb.garbage import RARE_THRESHOLD
from kb.ingestion import Ingested, IngestionTask, Progress, ingest
from kb.store import Counts, TriplePattern, TripleStore
from kb.triples import RejectedLine
from tests.factories import make_triple

TSV = "text/tab-separated-values"
LINES = 12_000


@dataclass
class Upload:
    """An ingestion to be run, and what it told."""

    engine: Engine
    kb_id: int
    folder: Path
    body: bytes = b"Inception\tdirected by\tChristopher Nolan\n"
    media_type: str = TSV
    content_encoding: str | None = None
    on_error: Literal["skip", "abort"] = "skip"
    cancelled: Callable[[], bool] = lambda: False
    before_commit: Callable[[Connection, Ingested], None] = lambda _, __: None
    told: list[Progress] = field(default_factory=list)
    rejected: list[RejectedLine] = field(default_factory=list)

    def run(self) -> Ingested:
        """Ingest."""
        spool, work = self.folder / "spool", self.folder / "work"
        spool.write_bytes(self.body)
        work.mkdir(exist_ok=True)
        options = ParseOptions(self.media_type, self.content_encoding, source="upload")
        task = IngestionTask(self.kb_id, spool, options, self.on_error, work)
        return ingest(self.engine, task, self.told.append, self.cancelled, self.rejected.extend, self.before_commit)

    def counts(self) -> Counts:
        """What the KB holds now."""
        with reading(self.engine) as connection:
            return TripleStore(connection).counts(self.kb_id)

    def revision(self) -> int:
        """The KB's revision now."""
        with reading(self.engine) as connection:
            return TripleStore(connection).revision(self.kb_id)


@pytest.fixture
def upload(engine: Engine, tmp_path: Path) -> Upload:
    """A one-line upload into an empty KB."""
    with writing(engine) as connection:
        kb = TripleStore(connection).create_kb("films")
    return Upload(engine, kb.id, tmp_path)


def _assert_untouched(upload: Upload) -> None:
    assert upload.counts() == Counts(0, 0, 0, 0, 0)
    assert upload.revision() == 0
    assert list((upload.folder / "work").iterdir()) == []


def _many(lines: int = LINES) -> bytes:
    return b"".join(b"film %d\tstarring\tactor %d\n" % (n, n % 97) for n in range(lines))


def test_an_upload_is_in_the_kb_with_its_source(upload: Upload) -> None:
    assert upload.run() == Ingested(accepted=1, duplicates=0, names=0, rejected=0, revision=1)
    with reading(upload.engine) as connection:
        [stored] = TripleStore(connection).browse(upload.kb_id, TriplePattern(), 0, 10)
    assert stored.triple == make_triple(source="upload")


def test_garbage_is_collected_rarely_until_it_ends(upload: Upload) -> None:
    usual, seen = gc.get_threshold(), []
    upload.before_commit = lambda _, __: seen.append(gc.get_threshold()[0])
    upload.run()
    assert seen == [RARE_THRESHOLD]
    assert gc.get_threshold() == usual


def test_a_large_load_finds_and_leaves_every_index(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "BULK_ROWS", 1)
    before = {table: inspect(upload.engine).get_indexes(table) for table in ("entity", "triple")}
    assert upload.run().accepted == 1
    assert {table: inspect(upload.engine).get_indexes(table) for table in before} == before
    assert all(before.values())


def test_many_batches_are_one_change(upload: Upload) -> None:
    upload.body = _many()
    assert upload.run() == Ingested(LINES, 0, 0, 0, 1)
    assert upload.counts() == Counts(LINES, LINES + 97, 0, 1, 0)
    assert len(upload.told) >= 3
    assert upload.told == sorted(upload.told)
    assert upload.told[-1] == Progress(len(upload.body), len(upload.body), LINES)


def test_the_same_upload_again_changes_nothing(upload: Upload) -> None:
    upload.body = _many(100)
    upload.run()
    assert upload.run() == Ingested(accepted=0, duplicates=100, names=0, rejected=0, revision=1)


def test_a_packed_upload_is_read(upload: Upload) -> None:
    upload.body, upload.content_encoding = gzip.compress(_many(50)), "gzip"
    assert upload.run().accepted == 50
    assert upload.told[-1].bytes_done == len(upload.body)


def test_names_are_counted_apart_from_triples(upload: Upload) -> None:
    upload.media_type = "application/n-triples"
    upload.body = b"""<http://e.org/f> <http://www.w3.org/2000/01/rdf-schema#label> "Inception"@en .
<http://e.org/f> <http://e.org/directedBy> <http://e.org/n> .
"""
    assert upload.run() == Ingested(accepted=1, duplicates=0, names=1, rejected=0, revision=1)
    assert upload.counts().triples == upload.told[-1].triples == 1
    assert upload.run() == Ingested(accepted=0, duplicates=1, names=0, rejected=0, revision=1)


def test_bad_lines_are_told_and_the_rest_is_kept(upload: Upload) -> None:
    upload.body = b"A\tknows\tB\nonly two\tfields\nB\tknows\tC\n"
    assert upload.run() == Ingested(accepted=2, duplicates=0, names=0, rejected=1, revision=1)
    assert [line.number for line in upload.rejected] == [2]


def test_an_upload_of_bad_lines_only_changes_nothing(upload: Upload) -> None:
    upload.body = b"only two\tfields\n"
    assert upload.run() == Ingested(accepted=0, duplicates=0, names=0, rejected=1, revision=0)


def test_the_first_bad_line_ends_it_when_asked_to(upload: Upload) -> None:
    upload.body, upload.on_error = _many() + b"only two\tfields\n", "abort"
    with pytest.raises(IngestionAborted) as caught:
        upload.run()
    assert caught.value.line.number == LINES + 1
    _assert_untouched(upload)


@pytest.mark.parametrize(
    ("body", "encoding", "error"),
    [(b"", None, EmptyInput), (gzip.compress(_many(), compresslevel=1, mtime=0)[:-100], "gzip", UnpackFailed)],
)
def test_a_body_that_cannot_be_read_to_its_end_changes_nothing(
    upload: Upload, body: bytes, encoding: str | None, error: type[Exception]
) -> None:
    upload.body, upload.content_encoding = body, encoding
    with pytest.raises(error):
        upload.run()
    _assert_untouched(upload)


def test_it_can_be_cancelled_while_reading(upload: Upload) -> None:
    upload.body = _many()
    upload.cancelled = lambda: bool(upload.told)
    with pytest.raises(IngestionCancelled):
        upload.run()
    assert len(upload.told) == 1
    _assert_untouched(upload)


def test_it_can_be_cancelled_in_the_middle_of_a_statement_of_the_merge(
    upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    merging_now = threading.Event()

    def forever(merge: merging._Merge) -> int:
        merging_now.set()
        numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
        merge.connection.exec_driver_sql(numbers)
        raise AssertionError("the statement ended by itself")

    monkeypatch.setattr(merging._Merge, "add_names", forever)
    upload.cancelled = merging_now.is_set
    with pytest.raises(IngestionCancelled):
        upload.run()
    _assert_untouched(upload)


def test_an_error_in_asking_whether_to_cancel_ends_the_merge(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    reached = threading.Event()

    def wait(_: merging._Merge) -> int:
        reached.set()
        time.sleep(0.4)
        return 0

    def cancelled() -> bool:
        if reached.is_set():
            raise LookupError("the job is gone")
        return False

    monkeypatch.setattr(merging._Merge, "add_names", wait)
    upload.cancelled = cancelled
    with pytest.raises(LookupError):
        upload.run()
    _assert_untouched(upload)


def test_what_is_done_before_the_commit_is_committed_with_the_triples(upload: Upload) -> None:
    def note(connection: Connection, ingested: Ingested) -> None:
        TripleStore(connection).create_kb(f"accepted-{ingested.accepted}-{ingested.revision}")

    upload.before_commit = note
    upload.run()
    with reading(upload.engine) as connection:
        assert [kb.name for kb in TripleStore(connection).kbs()] == ["accepted-1-1", "films"]


def test_a_failure_before_the_commit_undoes_all(upload: Upload) -> None:
    def fail(connection: Connection, _: Ingested) -> None:
        TripleStore(connection).create_kb("other")
        raise LookupError

    upload.before_commit = fail
    with pytest.raises(LookupError):
        upload.run()
    _assert_untouched(upload)
    with reading(upload.engine) as connection:
        assert [kb.name for kb in TripleStore(connection).kbs()] == ["films"]


def test_a_kb_that_was_deleted_meanwhile_is_named(upload: Upload) -> None:
    def delete_kb(_: Progress) -> None:
        with writing(upload.engine) as connection:
            TripleStore(connection).delete_kb(upload.kb_id)

    upload.told = _Teller(delete_kb)
    with pytest.raises(KbNotFound):
        upload.run()
    with reading(upload.engine) as connection:
        assert TripleStore(connection).kbs() == []


class _Teller(list[Progress]):
    """A list that does something when it is told the first thing."""

    def __init__(self, act: Callable[[Progress], None]) -> None:
        super().__init__()
        self._act = act

    def append(self, progress: Progress) -> None:
        if not self:
            self._act(progress)
        super().append(progress)


def test_two_uploads_of_the_same_at_once_add_it_once(engine: Engine, tmp_path: Path) -> None:
    with writing(engine) as connection:
        kb_id = TripleStore(connection).create_kb("films").id
    uploads = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        uploads.append(Upload(engine, kb_id, tmp_path / str(number), _many(6_000)))
    done: list[Ingested] = []
    threads = [threading.Thread(target=lambda one=one: done.append(one.run())) for one in uploads]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((one.accepted, one.duplicates) for one in done) == [(0, 6_000), (6_000, 0)]
    assert uploads[0].counts().triples == 6_000
    assert uploads[0].revision() == 1


def test_connections_are_left_clean(upload: Upload) -> None:
    for _ in range(3):
        upload.run()
    with writing(upload.engine) as connection:
        store = TripleStore(connection)
        assert store.write(upload.kb_id, [make_triple("Tenet")]).accepted == 1


@contextmanager
def _files_limited_to(num_bytes: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_while_staging_is_named(sqlite_engine: Engine, tmp_path: Path) -> None:
    with writing(sqlite_engine) as connection:
        kb = TripleStore(connection).create_kb("films")
    upload = Upload(sqlite_engine, kb.id, tmp_path, _many(60_000))
    with pytest.raises(StorageFailed) as caught, _files_limited_to(2_000_000):
        upload.run()
    assert "disk" in caught.value.cause
    _assert_untouched(upload)
    assert upload.run().accepted == 60_000


def test_a_missing_upload_is_named(upload: Upload) -> None:
    work = upload.folder / "work"
    work.mkdir()
    task = IngestionTask(upload.kb_id, upload.folder / "gone", ParseOptions(TSV), "skip", work)
    with pytest.raises(StorageFailed, match="gone"):
        ingest(upload.engine, task, upload.told.append, upload.cancelled, upload.rejected.extend, upload.before_commit)


KILLED = """
import os, signal, sys
from pathlib import Path
from kb import merging
from kb.database import create_engine
from kb.formats import ParseOptions
from kb.ingestion import IngestionTask, ingest

url, kb_id, spool, work, moment = sys.argv[1:]
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
def go_on(*_):
    pass
if moment in ("add_triples", "add_names", "log"):
    setattr(merging._Merge, moment, die)
task = IngestionTask(int(kb_id), Path(spool), ParseOptions("text/tab-separated-values"), "skip", Path(work))
ingest(create_engine(url), task, die if moment == "reading" else go_on, lambda: False, go_on,
       die if moment == "before commit" else go_on)
"""


@pytest.mark.parametrize("moment", ["reading", "add_triples", "log", "before commit"])
def test_a_kill_changes_nothing_and_the_job_runs_again(upload: Upload, moment: str) -> None:
    spool, work = upload.folder / "spool", upload.folder / "work"
    upload.body = _many(6_000)
    spool.write_bytes(upload.body)
    work.mkdir()
    url = upload.engine.url.render_as_string(hide_password=False)
    arguments = [url, str(upload.kb_id), str(spool), str(work), moment]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == -signal.SIGKILL
    assert upload.counts().triples == 0
    assert upload.revision() == 0
    assert upload.run() == Ingested(6_000, 0, 0, 0, 1)
    assert os.listdir(work) == []

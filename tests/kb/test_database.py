"""Engines, transactions and the errors of storage."""

import errno
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, bindparam, insert, select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import QueuePool

from kb import database
from kb.database import create_engine, read_row, reading, writing
from kb.errors import StorageFailed
from kb.store import TripleStore
from kb.tables import kb


def _pragma(engine: Engine, name: str) -> object:
    with engine.connect() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def _make_kb(engine: Engine, name: str) -> None:
    with writing(engine) as connection:
        TripleStore(connection).create_kb(name)


def _kbs(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return [found.name for found in TripleStore(connection).kbs()]


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 30_000)]
)
def test_sqlite_commits_durably_and_lets_readers_read(sqlite_engine: Engine, pragma: str, value: object) -> None:
    assert _pragma(sqlite_engine, pragma) == value


def _fail_after_writing(engine: Engine) -> None:
    with writing(engine) as connection:
        TripleStore(connection).create_kb("films")
        raise ZeroDivisionError


def test_what_a_failed_block_wrote_is_gone(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError):
        _fail_after_writing(engine)
    assert _kbs(engine) == []


def test_a_reader_is_not_blocked_by_a_writer_and_sees_only_what_was_committed(engine: Engine) -> None:
    with writing(engine) as connection:
        TripleStore(connection).create_kb("films")
        assert _kbs(engine) == []
    assert _kbs(engine) == ["films"]


def test_a_reader_keeps_the_state_of_its_first_query(engine: Engine) -> None:
    with reading(engine) as connection:
        assert TripleStore(connection).kbs() == []
        _make_kb(engine, "films")
        assert TripleStore(connection).kbs() == []
    assert _kbs(engine) == ["films"]


def test_two_writers_that_read_first_wait_for_each_other(engine: Engine) -> None:
    _make_kb(engine, "films")
    together = threading.Barrier(2)

    def count_up(_: int) -> None:
        together.wait()
        for _ in range(20):
            with writing(engine) as connection:
                revision = connection.scalar(select(kb.c.revision).with_for_update())
                assert revision is not None
                connection.execute(kb.update().values(revision=revision + 1))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(count_up, range(2)))
    with reading(engine) as connection:
        assert connection.scalar(select(kb.c.revision)) == 40


def test_many_threads_read_at_once(engine: Engine) -> None:
    _make_kb(engine, "films")
    with ThreadPoolExecutor(24) as pool:
        assert set(pool.map(lambda _: tuple(_kbs(engine)), range(48))) == {("films",)}


def test_a_connection_that_wrote_does_not_take_the_write_lock_when_it_reads_again(sqlite_engine: Engine) -> None:
    _make_kb(sqlite_engine, "films")
    with reading(sqlite_engine) as first:
        assert first.scalar(select(kb.c.name)) == "films"
        _make_kb(sqlite_engine, "books")


def test_moments_come_back_aware_and_in_utc(engine: Engine) -> None:
    moment = datetime(2026, 11, 22, 9, 30, tzinfo=timezone(timedelta(hours=2)))
    counts = dict.fromkeys(("num_triples", "num_entities", "num_literals", "num_relations", "num_aliases"), 0)
    with writing(engine) as connection:
        connection.execute(insert(kb).values(name="films", created_at=moment, revision=0, settings={}, **counts))
        found = connection.scalar(select(kb.c.created_at))
    assert found == moment
    assert found is not None
    assert found.tzinfo is UTC


def _fill(engine: Engine) -> None:
    with database.storage_errors("testing"), writing(engine) as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=4")
        connection.exec_driver_sql("CREATE TABLE filler (content BLOB)")
        connection.exec_driver_sql("INSERT INTO filler VALUES (randomblob(100000))")


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/small.db")
    with pytest.raises(StorageFailed, match="database or disk is full") as caught:
        _fill(engine)
    assert caught.value.doing == "testing"
    assert isinstance(caught.value.__cause__, OperationalError)
    engine.dispose()


def test_an_error_of_the_system_is_named() -> None:
    with pytest.raises(StorageFailed, match="No space left"), database.storage_errors("testing"):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_an_error_tells_nothing_of_what_was_to_be_stored(engine: Engine) -> None:
    with pytest.raises(DBAPIError) as raised, writing(engine) as connection:
        connection.execute(text("INSERT INTO nowhere VALUES (:value)"), {"value": "a secret"})
    assert "nowhere" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_wrong_statement_is_no_storage_error(engine: Engine) -> None:
    with pytest.raises(DBAPIError), database.storage_errors("testing"), engine.connect() as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))


def test_foreign_keys_hold_in_sqlite(sqlite_engine: Engine) -> None:
    with pytest.raises(DBAPIError, match="FOREIGN KEY") as caught, writing(sqlite_engine) as connection:
        connection.exec_driver_sql("INSERT INTO rejected_line VALUES (77, 1, 'reason', 'text')")
    assert isinstance(caught.value.orig, sqlite3.IntegrityError)


_NAMED = select(kb.c.name, kb.c.revision).where(kb.c.name == bindparam("name"), kb.c.revision == bindparam("revision"))


def test_a_row_read_by_the_driver_is_the_newest_committed(engine: Engine) -> None:
    _make_kb(engine, "films")
    assert read_row(engine, _NAMED, revision=0, name="films") == ("films", 0)
    with writing(engine) as connection:
        connection.execute(update(kb).values(revision=7))
    assert read_row(engine, _NAMED, revision=0, name="films") is None
    assert read_row(engine, _NAMED, revision=7, name="films") == ("films", 7)


def test_reading_a_row_leaves_no_connection_open(engine: Engine) -> None:
    _make_kb(engine, "films")
    for _ in range(50):
        read_row(engine, _NAMED, revision=0, name="films")
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    assert pool.checkedout() == 0

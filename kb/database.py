"""Where SQL lives: metadata, engines that commit durably, transactions for reading and for writing, migrations.

Knows no table. SQLite: many readers and one writer (WAL), and a writer takes the write lock when it begins, so that two
writers wait for each other instead of failing half-way.
"""

import errno
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy
from sqlalchemy import (
    URL,
    BigInteger,
    Connection,
    DateTime,
    Delete,
    Dialect,
    Engine,
    Insert,
    Integer,
    MetaData,
    Select,
    Text,
    Update,
    event,
    make_url,
    text,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeDecorator

from kb.errors import SchemaTooNew, StorageFailed

BUSY_TIMEOUT_SECONDS = 30
"""How long a writer waits for another one before it gives up."""

STREAMED_ROWS = 20_000
"""How many rows a stream holds in memory."""

_CACHE_KIBIBYTES = 16 * 1024
_KEPT_LOG_BYTES = 64 * 1024 * 1024
_POOL_CONNECTIONS = 8
_MORE_CONNECTIONS = 56
_MIGRATION_LOCK = 7_036_214_905
_WRITES = "hopfact_writes"
_SYSTEM_STORAGE_ERRORS = {
    errno.EACCES,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.ENOENT,
    errno.ENOSPC,
    errno.EROFS,
}
_SQLITE_STORAGE_ERRORS = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
}

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer, "sqlite")
"""64 bits in both; SQLite numbers rows by itself only in a column that is declared INTEGER."""

SortedText = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that sorts by code point in both, so that an index finds every prefix."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware in Python, in UTC always; SQLite keeps it without its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; a moment without a zone is a fault of the caller."""
        if value is None:
            return None
        assert value.tzinfo is not None, value
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def create_engine(url: str) -> Engine:
    """An engine for `sqlite:///file` or `postgresql://…`, good for use from many threads."""
    target = make_url(url)
    if target.get_backend_name() == "sqlite":
        return _sqlite_engine(target)
    return sqlalchemy.create_engine(
        target.set(drivername="postgresql+psycopg"),
        pool_size=_POOL_CONNECTIONS,
        max_overflow=_MORE_CONNECTIONS,
        pool_pre_ping=True,
        hide_parameters=True,  # an error's words may reach a log, and what is stored must not
    )


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one committed state from its first query to its end, whatever others write meanwhile."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        yield connection


def read_row(engine: Engine, query: Select[*tuple[Any, ...]], **parameters: object) -> tuple[Any, ...] | None:
    """The first row of one query, as the driver gives it: a fifth of SQLAlchemy's time.

    For the few look-ups of every question; the query must be made once, with bound parameters.

    Raises:
        OperationalError: SQLAlchemy's, as by any other query.
    """
    words, ordered = _compiled(query, engine)
    values = parameters if ordered is None else [parameters[name] for name in ordered]
    try:
        with closing(engine.raw_connection()) as connection:
            cursor = connection.cursor()
            cursor.execute(words, values)
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row
    except (psycopg.OperationalError, psycopg.InterfaceError, sqlite3.OperationalError) as error:
        raise OperationalError(words, None, error) from error


@lru_cache
def _compiled(query: Select[*tuple[Any, ...]], engine: Engine) -> tuple[str, list[str] | None]:
    """The text of a query for the driver, and the order of its parameters where they have no names there."""
    compiled = query.compile(dialect=engine.dialect)
    assert isinstance(compiled, SQLCompiler)
    return str(compiled), compiled.positiontup


@contextmanager
def writing(engine: Engine, patience: int | None = None) -> Iterator[Connection]:
    """One transaction that writes: committed, with fsync, when the block ends well, else rolled back.

    `patience`: seconds that it waits for a lock of PostgreSQL, where it would wait for ever; SQLite has its own.
    """
    with write_connection(engine) as connection, connection.begin():
        if patience is not None and engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{patience}s'")
        yield connection


def write_connection(engine: Engine) -> Connection:
    """A connection whose transactions, which the caller begins, take the write lock at once."""
    return engine.connect().execution_options(**{_WRITES: True})


def stream(connection: Connection, query: Select[*tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """Chunks of the driver's own tuples: SQLAlchemy's rows, which can convert columns, take several times as long."""
    with connection.execute(query, execution_options={"yield_per": STREAMED_ROWS}) as result:
        cursor = result.cursor
        assert cursor is not None
        first = [tuple(row) for row in result.fetchmany(1)]  # which SQLAlchemy may have taken from the cursor already
        if not first:
            return
        while chunk := first + list(cursor.fetchmany(STREAMED_ROWS - len(first))):
            yield chunk
            first = []


def affected(connection: Connection, statement: Insert | Update | Delete) -> int:
    """Execute it; how many rows it wrote or deleted, which SQLAlchemy forgets for inserts unless asked."""
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount


def driver(connection: Connection) -> Any:  # noqa: ANN401 - sqlite3 and psycopg share no type
    """The driver's own connection; using it begins no transaction."""
    return connection.connection.driver_connection


@contextmanager
def storage_errors(doing: str) -> Iterator[None]:
    """Tells a full or broken disk from all other errors.

    Raises:
        StorageFailed: with the cause.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _SYSTEM_STORAGE_ERRORS:
            raise
        raise StorageFailed(doing, str(error)) from error
    except DBAPIError as error:
        if _is_storage_error(error.orig):
            raise StorageFailed(doing, str(error.orig)) from error
        raise


def _is_storage_error(error: BaseException | None) -> bool:
    if isinstance(error, sqlite3.Error):
        return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _SQLITE_STORAGE_ERRORS
    return isinstance(error, psycopg.errors.DiskFull | psycopg.errors.IoError)


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest version; nothing happens when it is there. One process at a time.

    Raises:
        SchemaTooNew: a later version was here.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    import migrations

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
    with _schema_change(engine) as connection:
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        for revision in MigrationContext.configure(connection).get_current_heads():
            if revision not in known:
                raise SchemaTooNew(revision)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def has_current_schema(engine: Engine) -> bool:
    """Whether the schema is this version's; changes nothing."""
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    import migrations

    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == scripts.get_current_head()


@contextmanager
def _schema_change(engine: Engine) -> Iterator[Connection]:
    with write_connection(engine) as connection:
        is_sqlite = engine.dialect.name == "sqlite"
        if is_sqlite:  # a table that is rebuilt must not drag along the rows that refer to it
            driver(connection).execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                if not is_sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
                yield connection
        finally:
            if is_sqlite:
                driver(connection).execute("PRAGMA foreign_keys=ON")


def _sqlite_engine(url: URL) -> Engine:
    engine = sqlalchemy.create_engine(
        url.set(drivername="sqlite+pysqlite"),
        poolclass=QueuePool,
        pool_size=_POOL_CONNECTIONS,
        max_overflow=_MORE_CONNECTIONS,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        hide_parameters=True,
    )
    first_connection = threading.Lock()

    @event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        # The driver must not begin transactions: its own BEGIN is deferred, and comes only before some statements.
        connection.isolation_level = None
        cursor = connection.cursor()
        with first_connection:  # changing to WAL needs the file alone, and does not wait
            cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA secure_delete=FAST")
        cursor.execute(f"PRAGMA cache_size=-{_CACHE_KIBIBYTES}")
        cursor.execute(f"PRAGMA journal_size_limit={_KEPT_LOG_BYTES}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine

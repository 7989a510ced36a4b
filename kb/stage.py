"""The stage: scratch tables for the terms and names of an upload, in a file of its own or seen by one connection only.

It is never the only copy of anything: no fsync, no log, gone after its transaction or job.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import sqlalchemy
from sqlalchemy import BigInteger, Column, Connection, Engine, LargeBinary, MetaData, SmallInteger, Table, Text, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool
from sqlalchemy.schema import CreateTable

from kb.database import Id, driver
from kb.garbage import give_back

ATTACHED = "stage"
"""The schema under which a stage file is attached to a SQLite connection."""

SMALL_CACHE_KIBIBYTES = 16 * 1024


@dataclass(frozen=True)
class StageTables:
    """The scratch tables, in one schema."""

    metadata: MetaData
    entity: Table
    relation: Table
    triple: Table
    source: Table
    name: Table
    entity_id: Table
    relation_id: Table
    doomed: Table


@cache
def stage_tables(schema: str | None) -> StageTables:
    """The scratch tables in this schema; nothing is created."""
    metadata = MetaData(schema=schema)
    return StageTables(
        metadata,
        entity=Table(
            "stage_entity",
            metadata,
            Column("n", Id, primary_key=True, autoincrement=False),
            Column("digest", LargeBinary(16), nullable=False),
            Column("label", Text, nullable=False),
            Column("iri", Text),
            Column("datatype", Text),
            Column("language", Text),
            Column("surface", Text, nullable=False),
        ),
        relation=Table(
            "stage_relation",
            metadata,
            Column("n", Id, primary_key=True, autoincrement=False),
            Column("digest", LargeBinary(16), nullable=False),
            Column("label", Text, nullable=False),
            Column("iri", Text),
        ),
        triple=Table(
            "stage_triple",
            metadata,
            Column("n", Id, primary_key=True, autoincrement=False),
            Column("subject_id", BigInteger, nullable=False),
            Column("relation_id", BigInteger, nullable=False),
            Column("object_id", BigInteger, nullable=False),
            Column("source", BigInteger, nullable=False),
        ),
        source=Table(
            "stage_source",
            metadata,
            Column("n", Id, primary_key=True, autoincrement=False),
            Column("text", Text, nullable=False),
        ),
        name=Table(
            "stage_name",
            metadata,
            Column("n", Id, primary_key=True, autoincrement=False),
            Column("entity", BigInteger, nullable=False),
            Column("digest", LargeBinary(16), nullable=False),
            Column("text", Text, nullable=False),
            Column("language", Text),
            Column("property", Text, nullable=False),
            Column("rank", SmallInteger, nullable=False),
            Column("surface", Text, nullable=False),
        ),
        entity_id=Table(
            "stage_entity_id",
            metadata,
            Column("n", Id, primary_key=True, autoincrement=False),
            Column("id", BigInteger),
        ),
        relation_id=Table(
            "stage_relation_id",
            metadata,
            Column("n", Id, primary_key=True, autoincrement=False),
            Column("id", BigInteger),
        ),
        doomed=Table(
            "stage_doomed",
            metadata,
            Column("id", Id, primary_key=True, autoincrement=False),
            Column("subject_id", BigInteger, nullable=False),
            Column("relation_id", BigInteger, nullable=False),
            Column("object_id", BigInteger, nullable=False),
        ),
    )


@contextmanager
def scratch_tables(connection: Connection) -> Iterator[StageTables]:
    """Scratch tables that only this connection sees, gone at the end of the block or with its transaction."""
    schema = "temp" if connection.dialect.name == "sqlite" else "pg_temp"
    tables = stage_tables(schema)
    for statement in _creation(schema, connection.dialect.name):
        connection.exec_driver_sql(statement)
    yield tables
    for table in tables.metadata.tables.values():
        connection.exec_driver_sql(f"DROP TABLE {table.fullname}")


@cache
def _creation(schema: str, dialect_name: str) -> list[str]:
    """The statements that create the scratch tables; to compile them takes longer than to run them."""
    dialect = sqlite.dialect() if dialect_name == "sqlite" else postgresql.dialect()  # type: ignore[no-untyped-call]
    tables = stage_tables(schema).metadata.tables.values()
    return [str(CreateTable(table).compile(dialect=dialect)) for table in tables]


def create_stage_file(path: Path) -> Engine:
    """An engine on a new SQLite file that is fast and not durable."""
    path.unlink(missing_ok=True)
    engine = sqlalchemy.create_engine(f"sqlite:///{path}", poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "cache_size=-16384"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


@contextmanager
def attached(connection: Connection, path: Path, cache_kibibytes: int) -> Iterator[None]:
    """A stage file as a schema of this connection, which begins its transaction inside the block."""
    own = driver(connection)
    own.execute(f"ATTACH DATABASE ? AS {ATTACHED}", (str(path),))
    try:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-32768"):
            own.execute(f"PRAGMA {ATTACHED}.{pragma}")
        before = own.execute("PRAGMA main.cache_size").fetchone()[0]
        try:
            own.execute(f"PRAGMA main.cache_size=-{cache_kibibytes}")
            yield
        finally:
            own.execute(f"PRAGMA main.cache_size={before}")
    finally:
        own.execute(f"DETACH DATABASE {ATTACHED}")


def shrink_cache(connection: Connection) -> None:
    """Let go of SQLite's pages until the stage is detached: what is written in order from now on needs few of them.

    A service that takes in ten million triples has 3.7 GiB at most, without this 4.3.
    """
    connection.exec_driver_sql(f"PRAGMA main.cache_size=-{SMALL_CACHE_KIBIBYTES}")
    connection.exec_driver_sql("PRAGMA shrink_memory")
    give_back()


def analyse(connection: Connection, tables: Iterable[Table]) -> None:
    """Tells PostgreSQL's planner how large the tables are; SQLite is given no choice."""
    if connection.dialect.name == "postgresql":
        for table in tables:
            connection.exec_driver_sql(f"ANALYZE {table.fullname}")

"""The stage: scratch tables that parsed triples are written to, numbered by their terms, before one merge into the KB.

Terms get numbers of the stage as they come; the same term may get several, which the merge brings together, so memory
stays bounded. The stage is never the only copy of anything: no fsync, no log, gone after its transaction or job.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from operator import itemgetter
from pathlib import Path

import sqlalchemy
from sqlalchemy import BigInteger, Column, Connection, Engine, LargeBinary, MetaData, SmallInteger, Table, Text, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool
from sqlalchemy.schema import CreateTable

from kb.database import Id, driver
from kb.errors import TermInvalid
from kb.triples import Name, Term, Triple, normalise_label, surface_key, term_digest

SURFACE_CHARACTERS = 64
"""How much of a surface key is kept for searching."""

OWN_LABEL_RANK = 9
"""How good a label is that comes from no name."""

ATTACHED = "stage"
"""The schema under which a stage file is attached to a SQLite connection."""

_MAX_REMEMBERED_TERMS = 500_000
_SECONDARY_NAMES = ("#altLabel", "/alternateName", "/altLabel")


_Key = str | tuple[str | None, ...]
_Row = tuple[object, ...]


@dataclass(frozen=True)
class StageTables:
    """The scratch tables, in one schema."""

    metadata: MetaData
    entity: Table
    relation: Table
    triple: Table
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
            Column("subject", BigInteger, nullable=False),
            Column("relation", BigInteger, nullable=False),
            Column("object", BigInteger, nullable=False),
            Column("source", Text),
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


class Stager:
    """Writes triples and names to the scratch tables of a connection."""

    def __init__(self, connection: Connection, tables: StageTables) -> None:
        self._connection = connection
        self._tables = tables
        self._entities: dict[_Key, int] = {}
        self._relations: dict[_Key, int] = {}
        self._num_relations = 0
        self._sources: set[str | None] = {None}
        self.num_entities = 0
        self.num_triples = 0
        self.num_names = 0

    def add(self, triples: Sequence[Triple], names: Sequence[Name] = ()) -> None:
        """Stage them.

        Raises:
            TermInvalid: one of the texts cannot be stored.
        """
        new_entities: list[_Row] = []
        new_relations: list[_Row] = []
        entities, relations, sources = self._entities, self._relations, self._sources
        rows: list[_Row] = []
        number = self.num_triples
        for subject, relation, object_, source in triples:
            number += 1
            if source not in sources:
                sources.add(_checked(source))
            # A thing without an IRI is its label, and the hash of a text is kept with it: this loop is hot.
            subject_key = subject[0] if subject[1] is None and subject[2] is None else _key(subject)
            object_key = object_[0] if object_[1] is None and object_[2] is None else _key(object_)
            rows.append(
                (
                    number,
                    entities.get(subject_key) or self._new_entity(subject, subject_key, new_entities),
                    relations.get(_key(relation)) or self._new_relation(relation, new_relations),
                    entities.get(object_key) or self._new_entity(object_, object_key, new_entities),
                    source,
                )
            )
        name_rows = self._name_rows(names, new_entities)
        self.num_triples = number
        self.num_names += len(names)
        _insert(self._connection, self._tables.entity, new_entities)
        _insert(self._connection, self._tables.relation, new_relations)
        _insert(self._connection, self._tables.triple, rows)
        _insert(self._connection, self._tables.name, name_rows)
        for remembered in (entities, relations, sources):
            if len(remembered) > _MAX_REMEMBERED_TERMS:
                remembered.clear()

    def forget(self) -> None:
        """Free the memory of the terms, when no more will come."""
        self._entities.clear()
        self._relations.clear()
        self._sources.clear()

    def _name_rows(self, names: Sequence[Name], new_entities: list[_Row]) -> list[_Row]:
        rows: list[_Row] = []
        for number, (entity, text, language, property_) in enumerate(names, self.num_names + 1):
            key = _key(entity)
            entity_number = self._entities.get(key) or self._new_entity(entity, key, new_entities)
            identity = f"{_checked(text)}\0{language or ''}\0{_checked(property_)}"
            digest = blake2b(identity.encode(), digest_size=16).digest()
            rank = name_rank(language, property_)
            rows.append((number, entity_number, digest, text, language, property_, rank, surface_of(text)))
        return rows

    def _new_entity(self, term: Term, key: _Key, rows: list[_Row]) -> int:
        label, iri, datatype, language = term
        _check_term(term)
        self.num_entities = number = self.num_entities + 1
        rows.append((number, term_digest(term), label, iri, datatype, language, surface_of(label)))
        self._entities[key] = number
        return number

    def _new_relation(self, term: Term, rows: list[_Row]) -> int:
        _check_term(term)
        self._num_relations = number = self._num_relations + 1
        rows.append((number, term_digest(term), term.label, term.iri))
        self._relations[_key(term)] = number
        return number


def surface_of(text: str) -> str:
    """What a label or a prefix of one is found by: its surface key, or itself where that is empty, cut."""
    return (surface_key(text) or normalise_label(text))[:SURFACE_CHARACTERS]


def name_rank(language: str | None, property_: str) -> int:
    """How good a name is as a label, 0 is best: English, then no language, then any; alternative names after others."""
    secondary = property_.endswith(_SECONDARY_NAMES)
    if not language:
        return 2 + secondary
    return (0 if language.lower().partition("-")[0] == "en" else 4) + secondary


def _key(term: Term) -> _Key:
    """What makes a term itself, as texts only: the garbage collector would walk through our own tuples."""
    label, iri, datatype, language = term
    if iri is not None:
        return (iri,)
    return label if datatype is None else (label, datatype, language)


def _check_term(term: Term) -> None:
    if not term.label:
        raise TermInvalid(term.iri or "", "its label is empty")
    for text in term:
        if text is not None:
            _checked(text)


def _checked(text: str | None) -> str:
    assert text is not None
    if "\0" in text:
        raise TermInvalid(text, "it holds a NUL")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise TermInvalid(text, "it holds half of a surrogate pair") from error
    return text


def _insert(connection: Connection, table: Table, rows: list[_Row]) -> None:
    """Append rows by the fastest way that the database has."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        _insert_into_sqlite(connection, table, rows)
        return
    columns = ", ".join(column.name for column in table.columns)
    with driver(connection).cursor() as cursor, cursor.copy(f"COPY {table.fullname} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _insert_into_sqlite(connection: Connection, table: Table, rows: list[_Row]) -> None:
    """Leaves out columns that are null in every row: the driver takes a microsecond for a None, more than for a row."""
    columns = list(table.columns)
    kept = [n for n, column in enumerate(columns) if not column.nullable or any(row[n] is not None for row in rows)]
    if len(kept) < len(columns):
        rows = list(map(itemgetter(*kept), rows))
    names, marks = ", ".join(columns[n].name for n in kept), ", ".join("?" * len(kept))
    connection.exec_driver_sql(f"INSERT INTO {table.fullname} ({names}) VALUES ({marks})", rows)


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
        own.execute(f"PRAGMA main.cache_size=-{cache_kibibytes}")
        yield
        own.execute(f"PRAGMA main.cache_size={before}")
    finally:
        own.execute(f"DETACH DATABASE {ATTACHED}")


def analyse(connection: Connection, tables: Iterable[Table]) -> None:
    """Tells PostgreSQL's planner how large the tables are; SQLite is given no choice."""
    if connection.dialect.name == "postgresql":
        for table in tables:
            connection.exec_driver_sql(f"ANALYZE {table.fullname}")

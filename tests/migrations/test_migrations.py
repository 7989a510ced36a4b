"""Migrations and tables say the same, in both databases."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

import app.tables
import kb.tables
import migrations
from kb.database import create_engine, metadata, migrate, writing
from kb.errors import SchemaTooNew

FOLDER = Path(migrations.__file__).parent


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An engine on a database without tables."""
    if request.param == "sqlite":
        engine = create_engine(f"sqlite:///{tmp_path}/empty.db")
    else:
        server = request.getfixturevalue("postgres_engine")
        with server.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("DROP DATABASE IF EXISTS migrations"))
            connection.execute(text("CREATE DATABASE migrations"))
        engine = create_engine(server.url.set(database="migrations").render_as_string(hide_password=False))
    yield engine
    engine.dispose()


def _run(engine: Engine, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        (command.downgrade if revision == "base" else command.upgrade)(config, revision)


def _tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def test_every_table_is_in_the_metadata() -> None:
    assert {kb.tables.triple.name, app.tables.job.name} <= set(metadata.tables)


def test_the_newest_migration_makes_the_tables_of_the_metadata(empty: Engine) -> None:
    migrate(empty)
    with empty.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrations_go_down_to_nothing_and_up_again(empty: Engine) -> None:
    migrate(empty)
    made = _tables(empty)
    _run(empty, "base")
    assert _tables(empty) == set()
    _run(empty, "head")
    assert _tables(empty) == made == set(metadata.tables)


def test_jobs_made_before_attempts_were_counted_are_kept(empty: Engine) -> None:
    _run(empty, "0f30a7f8a3ea")
    with writing(empty) as connection:
        connection.execute(
            text(
                "INSERT INTO job (kind, kb_id, kb, state, created_at, done, total, triples, rejected, cancel_requested)"
                " VALUES ('ingestion', 1, 'films', 'queued', '2026-11-25 00:00:00', 0, 9, 0, 0, false)"
            )
        )
    _run(empty, "head")
    with writing(empty) as connection:
        assert connection.execute(text("SELECT kb, state, attempts FROM job")).one() == ("films", "queued", 0)


def test_surfaces_of_names_with_symbols_are_computed_again(empty: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = ["Caf\u00e9", "\u2764\ufe0f", "Kleenex\u2122", "plain", "\u2600\ufe0f"]
    _run(empty, "8e4f6b0d2c17")
    with writing(empty) as connection:
        for place, label in enumerate(labels):
            row = {"digest": bytes([place]), "label": label, "old": "old" if label == "plain" else label}
            values = "(kb_id, digest, label, label_rank, surface) VALUES (1, :digest, :label, 9, :old)"
            connection.execute(text(f"INSERT INTO entity {values}"), row)
            values = (
                "(kb_id, entity_id, digest, text, property, rank, surface) VALUES (1, 1, :digest, :label, 'p', 2, '')"
            )
            connection.execute(text(f"INSERT INTO alias {values}"), row)
    monkeypatch.setattr("kb.database.STREAMED_ROWS", 2)
    _run(empty, "head")
    with writing(empty) as connection:
        entities = connection.scalars(text("SELECT surface FROM entity ORDER BY id")).all()
        aliases = connection.scalars(text("SELECT surface FROM alias ORDER BY id")).all()
    assert entities == ["caf\u00e9", "\u2764\ufe0f", "kleenex", "old", "\u2600\ufe0f"]
    assert aliases == ["caf\u00e9", "\u2764\ufe0f", "kleenex", "", "\u2600\ufe0f"]


def test_changes_made_before_tokens_are_kept_without_one(empty: Engine) -> None:
    _run(empty, "8e4f6b0d2c17")
    with writing(empty) as connection:
        connection.execute(
            text("INSERT INTO change (kb_id, revision, first_triple_id, last_triple_id) VALUES (1, 7, 3, 9)")
        )
    _run(empty, "head")
    with writing(empty) as connection:
        assert connection.execute(text("SELECT revision, last_triple_id, token FROM change")).one() == (7, 9, None)


def test_migrating_twice_or_from_two_threads_at_once_is_as_good_as_once(empty: Engine) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(migrate, [empty, empty]))
    migrate(empty)
    assert _tables(empty) == set(metadata.tables)


def test_ids_are_never_used_twice_in_sqlite() -> None:
    numbered = [table for table in metadata.tables.values() if "id" in table.columns]
    assert numbered
    assert all(table.dialect_options["sqlite"]["autoincrement"] for table in numbered)


def test_migrations_are_named_by_date_and_subject() -> None:
    names = [path.name for path in (FOLDER / "versions").glob("*.py") if path.name != "__init__.py"]
    assert names
    assert all(re.fullmatch(r"\d{4}-\d{2}-\d{2}-\d{4}_[a-z0-9_]+\.py", name) for name in names)


def test_a_database_of_a_later_version_is_refused_and_left_alone(empty: Engine) -> None:
    migrate(empty)
    with writing(empty) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'of_2031'"))
    with pytest.raises(SchemaTooNew, match="later version.*of_2031"):
        migrate(empty)
    with empty.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "of_2031"

"""Runs migrations on a connection that the code gives, or, for alembic's command line, on HOPFACT_DATABASE_URL."""

import os
from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection

import app.tables
import kb.tables
from kb.database import UtcDateTime, create_engine, metadata, writing

assert {kb.tables.triple.name, app.tables.job.name} <= set(metadata.tables)


def _rendered(kind: str, item: object, _: AutogenContext) -> str | Literal[False]:
    """Migrations name the database's types, not ours, which may change."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def run(connection: Connection) -> None:
    """Migrate; the connection's transaction is the caller's."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_server_default=True,
        render_item=_rendered,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with writing(create_engine(os.environ["HOPFACT_DATABASE_URL"])) as own:
        run(own)

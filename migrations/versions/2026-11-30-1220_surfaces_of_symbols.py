"""Surfaces of names with emoji, trademark signs and the like, by the key of the code that runs."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from kb.database import STREAMED_ROWS
from kb.staging import surface_of

revision: str = "b7d3a91c5e08"
down_revision: str | None = "8e4f6b0d2c17"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    for table, text in (("entity", "label"), ("alias", "text")):
        _compute_again(op.get_bind(), sa.table(table, sa.column("id"), sa.column(text), sa.column("surface")), text)


def _compute_again(connection: sa.Connection, table: sa.TableClause, text: str) -> None:
    """Only what is not ASCII may have changed, and little of it has: it is read in batches, and that is written."""
    id_, name, surface = table.c.id, table.c[text], table.c.surface
    if connection.dialect.name == "sqlite":
        num_bytes = sa.func.length(sa.cast(name, sa.LargeBinary))
    else:
        num_bytes = sa.func.octet_length(name)
    query = sa.select(id_, name, surface).where(id_ > sa.bindparam("after"), num_bytes > sa.func.length(name))
    update = sa.update(table).where(id_ == sa.bindparam("of")).values(surface=sa.bindparam("new"))
    after = 0
    while rows := connection.execute(query.order_by(id_).limit(STREAMED_ROWS), {"after": after}).all():
        changed = [{"of": row[0], "new": new} for row in rows if (new := surface_of(row[1])) != row[2]]
        if changed:
            connection.execute(update, changed)
        after = rows[-1][0]


def downgrade() -> None:
    """They stay: of the few that changed an older version finds none by how its name begins."""

"""New names apart from new triples."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "8e4f6b0d2c17"
down_revision: str | None = "5c1d2e9b7a40"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("job", sa.Column("names", sa.BigInteger()))


def downgrade() -> None:
    op.drop_column("job", "names")

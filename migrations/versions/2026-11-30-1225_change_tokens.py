"""Changes that can be told from others of the same revision."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "b61f0c7d93e2"
down_revision: str | None = "b7d3a91c5e08"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("change", sa.Column("token", sa.BigInteger()))


def downgrade() -> None:
    op.drop_column("change", "token")

"""Remember what was taken away, and which consents wait to be confirmed after a restore."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make both tables; what was taken away before is not in them, so a ledger begins with the first start after."""
    op.create_table(
        "ledger",
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.LargeBinary()),
        sa.Column("message", sa.Integer()),
        sa.Column("grants", sa.Text()),
        sa.Column("why", sa.Text()),
        sa.Column("due", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("n"),
    )
    op.create_index("ledger_due", "ledger", ["n"], sqlite_where=sa.text("due"))
    op.create_table(
        "consent_unconfirmed",
        sa.Column("consent", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("consent"),
    )

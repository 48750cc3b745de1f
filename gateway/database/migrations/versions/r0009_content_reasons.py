"""Keep why a data protection officer was shown the content of a message."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the table; nobody had the role before."""
    op.create_table(
        "content_reason",
        sa.Column("ref", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("message", sa.Integer(), nullable=False),
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["message"], ["message.ref"]),
        sa.PrimaryKeyConstraint("ref"),
    )
    op.create_index("content_reason_message", "content_reason", ["message"])

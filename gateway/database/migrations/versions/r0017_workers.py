"""Several workers on one database: who they are, which duties each leads, and the signed requests they have seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Make the four tables, empty."""
    op.create_table(
        "cluster",
        sa.Column("id", _number(), autoincrement=False, nullable=False),
        sa.Column("since", _number(), nullable=False),
        sa.Column("moves", _number(), nullable=False),
        sa.Column("pictures", _number(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "worker",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("place", _number(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("since", _number(), nullable=False),
        sa.Column("seen", _number(), nullable=False),
        sa.Column("off", _number(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("place"),
    )
    op.create_table(
        "lease",
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("fence", _number(), nullable=False),
        sa.Column("until", _number(), nullable=False),
        sa.PrimaryKeyConstraint("what"),
    )
    op.create_table(
        "nonce",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("until", _number(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("nonce_until", "nonce", ["until"])


def _number() -> sa.types.TypeEngine[int]:
    return sa.Integer().with_variant(sa.BigInteger(), "postgresql")

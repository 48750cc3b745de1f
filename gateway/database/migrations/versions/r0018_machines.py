"""Keep how the keys go from one machine of the node to the others, who has them, and which epochs take nothing more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
_NUMBER = sa.Integer().with_variant(sa.BigInteger(), "postgresql")


def upgrade() -> None:
    """Make the tables; they stay empty where the node has one machine."""
    op.create_table("closed_epoch", sa.Column("n", _NUMBER, primary_key=True, autoincrement=False))
    op.create_table(
        "keystore_step",
        sa.Column("gen", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("before", sa.LargeBinary(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary()),
    )
    op.create_table(
        "key_machine",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("gen", _NUMBER, nullable=False),
        sa.Column("step", _NUMBER, nullable=False),
        sa.Column("epoch", _NUMBER, nullable=False),
        sa.Column("since", _NUMBER, nullable=False),
        sa.Column("seen", _NUMBER, nullable=False),
    )
    op.create_table(
        "key_invitation",
        sa.Column("id", sa.LargeBinary(), primary_key=True),
        sa.Column("half", sa.LargeBinary(), nullable=False),
        sa.Column("step", _NUMBER, nullable=False),
        sa.Column("until", _NUMBER, nullable=False),
    )

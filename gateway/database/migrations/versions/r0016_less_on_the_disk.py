"""Say of sealed content in which form it is, and keep the batch that statements were signed in once for all of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

NUMBER = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
"""As the tables of a node on a server have it: the first revision that comes to one."""


def upgrade() -> None:
    """Add both; what is there is of the form of before and stays as it is, so that this takes no time."""
    op.add_column("sealed", sa.Column("form", NUMBER, server_default="0", nullable=False))
    op.create_table(
        "statement_batch",
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )

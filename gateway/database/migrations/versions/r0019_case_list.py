"""Keep by which words cases are found, when something last moved in a conversation, and in which stage it is.

Words are keyed hashes (gateway.cases.words). What is there has none yet: it is looked through after the start.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Make both tables, empty, and mark every conversation and case as not looked through."""
    number = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
    op.add_column("conversation", sa.Column("worded", number, server_default="0", nullable=False))
    op.add_column("conversation", sa.Column("moved", number))
    op.add_column("conversation", sa.Column("stage", sa.LargeBinary()))
    _partial("conversation_unworded", "conversation", ["conversation", "peer"], "worded < changes")
    op.create_table(
        "conversation_word",
        sa.Column("word", sa.LargeBinary(), nullable=False),
        sa.Column("conversation", sa.LargeBinary(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("word", "conversation", "peer"),
    )
    op.create_index("conversation_word_of", "conversation_word", ["conversation", "peer"])
    op.add_column("cases", sa.Column("worded", sa.Boolean(), server_default=sa.false(), nullable=False))
    _partial("cases_unworded", "cases", ["id"], "not worded")
    op.create_table(
        "case_word",
        sa.Column("word", sa.LargeBinary(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("word", "case_id"),
    )
    op.create_index("case_word_case", "case_word", ["case_id"])


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))

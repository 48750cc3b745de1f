"""Keep with each case what the list of cases goes by, so that ten thousand are narrowed and sorted by the database.

What is there is not summed up yet: that is done after the start (gateway.conversations.case_words).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the columns, and mark every case as not summed up."""
    number = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
    op.add_column("cases", sa.Column("listed", sa.Boolean(), server_default=sa.false(), nullable=False))
    for name in ("ours", "theirs", "moved"):
        op.add_column("cases", sa.Column(name, number))
    op.add_column("cases", sa.Column("stage", sa.LargeBinary()))
    op.add_column("cases", sa.Column("closed", sa.Boolean(), server_default=sa.false(), nullable=False))
    where = sa.text("not listed")
    op.create_index("cases_unlisted", "cases", ["id"], sqlite_where=where, postgresql_where=where)

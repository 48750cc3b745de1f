"""Remember which words the entries of each stretch of the audit log have, so that a search reads few of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make the table; the running node fills it from the entries (`gateway.audit.words`)."""
    op.create_table(
        "audit_words",
        sa.Column("idx", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("idx"),
    )

"""Remember which references of cases were given to peers before references were short."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the table; the first start of a folder of before fills it (`gateway.administration.upgrade_cases`)."""
    op.create_table(
        "long_reference",
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("mark"),
    )

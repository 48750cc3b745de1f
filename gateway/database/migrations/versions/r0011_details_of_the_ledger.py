"""What else an entry of the ledger needs so that an act can be done again after a restore."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the column; entries of before have none."""
    op.add_column("ledger", sa.Column("detail", sa.Text()))

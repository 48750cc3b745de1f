"""What proves each receipt alone: its place in the batch that it was signed in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the column; receipts of before have none, and the whole document that they were signed in."""
    op.add_column("receipt", sa.Column("proof", sa.LargeBinary()))

"""Remember of each erasure where at the node something was found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column; of what was erased before it is not known."""
    op.add_column("erasure", sa.Column("found", sa.Text()))

"""Say of each approval which of its change it is: two of one second come in the order in which they were given."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

IN_ORDER = """
    update approval set place = (
        select count(*) from approval as earlier
        where earlier.change = approval.change and earlier.rowid < approval.rowid
    )
"""


def upgrade() -> None:
    """Add the column; those that are there stand in the order in which they were written."""
    op.add_column("approval", sa.Column("place", sa.Integer(), server_default="0", nullable=False))
    op.execute(IN_ORDER)

"""Say of each message at which change of its conversation it was changed last, so that only that is loaded again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the count; what is there has not changed since, as far as anybody remembers it."""
    op.add_column("message", sa.Column("changed", sa.Integer(), server_default="0", nullable=False))
    op.drop_index("message_conversation", table_name="message")
    op.create_index("message_conversation", "message", ["conversation", "ref", "changed"])

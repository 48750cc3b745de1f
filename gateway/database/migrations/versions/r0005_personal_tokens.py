"""Tokens of people: whose each is; one that is a person's has no role of its own. Who vouches for a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the person, and let the role be empty: the tokens that are there are of programs and stay as they are. Nobody
    vouches for the people who are there.
    """
    with op.batch_alter_table("token") as table:
        table.add_column(sa.Column("person", sa.Text(), nullable=True))
        table.alter_column("role", existing_type=sa.Text(), nullable=True)
        table.create_foreign_key("token_person", "person", ["person"], ["id"])
    op.add_column("person", sa.Column("vouched", sa.Text(), nullable=True))
    op.create_index("token_person", "token", ["person"], unique=False)

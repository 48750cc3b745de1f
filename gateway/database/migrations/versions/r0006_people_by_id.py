"""Compare the people of a two-person act by their ids: what a typed name began is to be begun anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# A hash of a typed name can not be compared with the id of a person, and would let one person be two.
_DRAFTS = sa.text("UPDATE draft SET first = NULL WHERE first IS NOT NULL")
_HOLDS = sa.text("UPDATE asylum_hold SET lift = NULL WHERE lift IS NOT NULL")
_CHANGES = sa.text("UPDATE case_change SET state = :now WHERE state = :was")


def upgrade() -> None:
    """Take back first releases, first wishes to lift a hold, and changes of cases that wait for a second person."""
    op.execute(_DRAFTS)
    op.execute(_HOLDS)
    op.execute(_CHANGES.bindparams(was="asked", now="undone"))
    op.execute(_CHANGES.bindparams(was="undo_asked", now="done"))

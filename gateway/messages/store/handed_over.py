"""Queries of what the case system took: its local ids, and what it still has to erase."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from gateway.database.prepared import Prepared
from gateway.database.tables import erasure, local_item, notice

DUE = "due"
"""The case system has not answered yet; its other answers are those of `gateway.ports.Erasure`."""


NOT_HELD = "not_held"
"""The case system never had it, or has it no longer."""


# Asked for every hand-over, so they are built once.
_ITEMS = Prepared(
    select(local_item.c.message, local_item.c.ref).where(local_item.c.message.in_(bindparam("refs", expanding=True)))
)


_ADD_ITEM = Prepared(insert(local_item))


_TAKEN_LATE = Prepared(
    update(erasure)
    .where(erasure.c.message.in_(bindparam("refs", expanding=True)), erasure.c.place == NOT_HELD)
    .values(place=DUE)
)


def items(connection: Connection, refs: Sequence[int]) -> dict[int, int]:
    """By message the number of the sealed row that holds its local id, where the case system gave one of its own."""
    return dict(_ITEMS.rows(connection, refs=refs))


def add_items(connection: Connection, rows: Iterable[tuple[int, int]]) -> None:
    """Remember local ids: (message, ref)."""
    _ADD_ITEM.run(connection, [{"message": number, "ref": ref} for number, ref in rows])


def taken_late(connection: Connection, refs: Sequence[int]) -> None:
    """The case system took these while they were being erased here: it has to be asked after all."""
    _TAKEN_LATE.run_listed(connection, refs=refs)


def drop_news(connection: Connection, origin: int) -> None:
    """The case system has erased a record: what it was still to hear of it is dropped."""
    connection.execute(delete(notice).where(notice.c.origin == origin))

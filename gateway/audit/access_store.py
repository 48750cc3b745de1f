"""Who was shown what, once for each reader, thing and day. A reader is known by the id of a person or token, never by a
name; what was read by the id of a message or draft, or by the keyed index of a conversation or consent.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.database.tables import reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """That `reader` was shown `what` of `id` on a day, first `at` (Unix seconds). `day` counts from 1970 in UTC."""

    reader: str
    what: str
    id: str
    day: int
    at: int


def add(connection: Connection, row: Reading) -> bool:
    """Note it; False when the same was noted that day."""
    new = upsert(reading).values(reader=row.reader, what=row.what, id=row.id, day=row.day, at=row.at)
    return bool(connection.execute(new.on_conflict_do_nothing()).rowcount)


def page(
    connection: Connection,
    *,
    before: int | None,
    limit: int,
    ids: Collection[str] | None = None,
    reader: str | None = None,
) -> list[tuple[int, Reading]]:
    """Newest first, of these things or this reader only; `before` is the number of the last row of the page before."""
    query = select(reading).order_by(reading.c.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(reading.c.seq < before)
    if ids is not None:
        query = query.where(reading.c.id.in_([*ids]))
    if reader is not None:
        query = query.where(reading.c.reader == reader)
    return [
        (row.seq, Reading(reader=row.reader, what=row.what, id=row.id, day=row.day, at=row.at))
        for row in connection.execute(query)
    ]

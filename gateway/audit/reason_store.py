"""Why somebody was shown the content of a message who does not work on cases. The reason is sealed under `ref`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from gateway.database.rows import values_of
from gateway.database.tables import content_reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonRow:
    """That `reader` (as `access_log.reader_of` names one) was shown the message with this number, `at` Unix seconds."""

    ref: int
    message: int
    reader: str
    at: int


def add(connection: Connection, row: ReasonRow) -> None:
    """Note it."""
    connection.execute(insert(content_reason).values(**values_of(row)))


def page(connection: Connection, *, before: int | None, limit: int) -> list[ReasonRow]:
    """Newest first; `before` is the number of the last reason of the page before."""
    query = select(content_reason).order_by(content_reason.c.ref.desc()).limit(limit)
    if before is not None:
        query = query.where(content_reason.c.ref < before)
    return [ReasonRow(**row._mapping) for row in connection.execute(query)]


def forget(connection: Connection, messages: Collection[int]) -> list[int]:
    """Forget why these messages were shown; the numbers of what is sealed of it, to be erased with them."""
    of_these = content_reason.c.message.in_(list(messages))
    refs = list(connection.scalars(select(content_reason.c.ref).where(of_these)))
    connection.execute(delete(content_reason).where(of_these))
    return refs

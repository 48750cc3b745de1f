"""What was published about the cases of this node: one row for each period, written once and never changed; and what
was counted of a period before content was erased, until it is published.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from gateway.database.rows import values_of
from gateway.database.tables import counted, release, submitted, tally
from gateway.messages.store.conversations import Key
from gateway.statistics.submitted import Submitted


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRow:
    """The tables of a period are sealed under `ref`."""

    period: str
    ref: int
    at: int


def add(connection: Connection, row: ReleaseRow) -> bool:
    """Keep a release; False where the period has one, which stays."""
    if get(connection, row.period) is not None:
        return False
    connection.execute(insert(release).values(**values_of(row)))
    return True


def get(connection: Connection, period: str) -> ReleaseRow | None:
    """The release of a period."""
    row = connection.execute(select(release).where(release.c.period == period)).first()
    return None if row is None else ReleaseRow(**row._mapping)


def all_releases(connection: Connection) -> list[ReleaseRow]:
    """Every release, by period."""
    return [ReleaseRow(**row._mapping) for row in connection.execute(select(release).order_by(release.c.period))]


# --- counted before ------------------------------------------------------------------------------------------------


def tallies(connection: Connection) -> dict[str, int]:
    """By period the number of the sealed row that has its tally."""
    return {row.period: row.ref for row in connection.execute(select(tally))}


def set_tally(connection: Connection, period: str, ref: int) -> None:
    """From now on `ref` has the tally of a period."""
    drop_tally(connection, period)
    connection.execute(insert(tally).values(period=period, ref=ref))


def drop_tally(connection: Connection, period: str) -> None:
    """A period has no tally any more; its sealed row is the caller's to erase."""
    connection.execute(delete(tally).where(tally.c.period == period))


def counted_before(connection: Connection) -> set[Key]:
    """The conversations that are in a tally."""
    return {(row.conversation, row.peer) for row in connection.execute(select(counted))}


def count_in(connection: Connection, keys: Iterable[Key]) -> None:
    """Mark conversations as counted in a tally, so that no later count takes them again."""
    rows = [{"conversation": conversation, "peer": peer} for conversation, peer in keys]
    if rows:
        connection.execute(insert(counted), rows)


# --- submitted -----------------------------------------------------------------------------------------------------

OURS = ""
"""Stands for this node where a peer's id stands for that peer."""


def submitted_tables(connection: Connection, by: str) -> list[Submitted]:
    """All tables that this node or a peer ever submitted."""
    query = select(submitted.c.period, submitted.c.dimensions, submitted.c.digest).where(submitted.c.by == by)
    return [
        Submitted(period=row.period, dimensions=frozenset(row.dimensions.split()), digest=row.digest)
        for row in connection.execute(query)
    ]


def add_submitted(connection: Connection, by: str, table: Submitted, at: int) -> None:
    """Remember a table, once."""
    values = {"by": by, "period": table.period, "digest": table.digest}
    if connection.execute(select(submitted.c.at).filter_by(**values)).first() is None:
        dimensions = " ".join(sorted(table.dimensions))
        connection.execute(insert(submitted).values(**values, dimensions=dimensions, at=at))

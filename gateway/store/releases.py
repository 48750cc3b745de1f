"""What was published about the cases of this node: one row for each period, written once and never changed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from gateway.store.rows import values_of
from gateway.store.tables import release


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

"""Numbers of the ordered links: what was used, what is missing, and since when (PROTOCOL B5 Numbering, B14.12)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.store.tables import link, link_gap, link_number

IN = "in"
OUT = "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRow:
    """One used number: the message id, the link hash of the number before, and its own link hash."""

    n: int
    id: str
    prev: str | None
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRow:
    """A missing range, inclusive, first noticed at `seen`."""

    first: int
    last: int
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow:
    """Where a link stands; `last` is the row of its highest number."""

    epoch: int
    high: int
    last: NumberRow | None


_LINK = select(link).where(link.c.peer == bindparam("peer"), link.c.direction == bindparam("direction"))
_NUMBERS = select(link_number).where(
    link_number.c.peer == bindparam("peer"),
    link_number.c.direction == bindparam("direction"),
    link_number.c.epoch == bindparam("epoch"),
    link_number.c.n.in_(bindparam("ns", expanding=True)),
)

_GAPS = (
    select(link_gap)
    .where(link_gap.c.peer == bindparam("peer"), link_gap.c.epoch == bindparam("epoch"))
    .order_by(link_gap.c.first)
)
_NO_GAPS = delete(link_gap).where(link_gap.c.peer == bindparam("whose"), link_gap.c.epoch == bindparam("which"))
_NEW_LINK = upsert(link)
_STAND = _NEW_LINK.on_conflict_do_update(
    index_elements=["peer", "direction"], set_={"epoch": _NEW_LINK.excluded.epoch, "high": _NEW_LINK.excluded.high}
)


def position(connection: Connection, peer: str, direction: str) -> LinkRow:
    """The link to or from `peer`; a link never used stands at epoch 1, number 0."""
    row = connection.execute(_LINK, {"peer": peer, "direction": direction}).first()
    if row is None:
        return LinkRow(epoch=1, high=0, last=None)
    last = numbers(connection, peer, direction, row.epoch, [row.high])
    return LinkRow(epoch=row.epoch, high=row.high, last=last.get(row.high))


def numbers(
    connection: Connection, peer: str, direction: str, epoch: int, wanted: Iterable[int]
) -> dict[int, NumberRow]:
    """The rows of those of the wanted numbers that were used."""
    asked = {"peer": peer, "direction": direction, "epoch": epoch, "ns": sorted(set(wanted))}
    found = connection.execute(_NUMBERS, asked)
    return {row.n: NumberRow(n=row.n, id=row.id, prev=row.prev, link=row.link) for row in found}


def use(connection: Connection, peer: str, direction: str, epoch: int, rows: Iterable[NumberRow], high: int) -> None:
    """Record used numbers and the new highest one."""
    values = [
        {
            "peer": peer, "direction": direction, "epoch": epoch,
            "n": row.n, "id": row.id, "prev": row.prev, "link": row.link,
        }
        for row in rows
    ]  # fmt: skip
    if values:
        connection.execute(insert(link_number), values)
    connection.execute(_STAND, {"peer": peer, "direction": direction, "epoch": epoch, "high": high})


def gaps(connection: Connection, peer: str, epoch: int) -> tuple[GapRow, ...]:
    """The missing ranges of the incoming link, lowest first."""
    found = connection.execute(_GAPS, {"peer": peer, "epoch": epoch})
    return tuple(GapRow(first=r.first, last=r.last, seen=r.seen) for r in found)


def peers_with_gaps(connection: Connection, before: int) -> list[str]:
    """Peers one of whose numbers has been missing since `before` or longer."""
    return list(connection.execute(select(link_gap.c.peer).where(link_gap.c.seen <= before).distinct()).scalars())


def set_gaps(connection: Connection, peer: str, epoch: int, rows: Iterable[GapRow]) -> None:
    """Replace the missing ranges of the incoming link."""
    connection.execute(_NO_GAPS, {"whose": peer, "which": epoch})
    values = [{"peer": peer, "epoch": epoch, "first": g.first, "last": g.last, "seen": g.seen} for g in rows]
    if values:
        connection.execute(insert(link_gap), values)

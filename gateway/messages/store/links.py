"""Numbers of the ordered links: what was used, what is missing, and since when (nrm1 5.1, 5.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, and_, bindparam, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.database.prepared import Prepared
from gateway.database.tables import link, link_gap, link_number, upload
from gateway.foundation.ids import NodeId

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


_LAST = and_(
    link_number.c.peer == link.c.peer,
    link_number.c.direction == link.c.direction,
    link_number.c.epoch == link.c.epoch,
    link_number.c.n == link.c.high,
)
_LINK = Prepared(
    select(link.c.epoch, link.c.high, link_number.c.id, link_number.c.prev, link_number.c.link)
    .join(link_number, _LAST, isouter=True)
    .where(link.c.peer == bindparam("peer"), link.c.direction == bindparam("direction"))
)
_NUMBERS = Prepared(
    select(link_number.c.n, link_number.c.id, link_number.c.prev, link_number.c.link).where(
        link_number.c.peer == bindparam("peer"),
        link_number.c.direction == bindparam("direction"),
        link_number.c.epoch == bindparam("epoch"),
        link_number.c.n.in_(bindparam("ns", expanding=True)),
    )
)
_USE = Prepared(insert(link_number))
_CHAIN = Prepared(
    update(link_number)
    .where(
        link_number.c.peer == bindparam("whose"),
        link_number.c.direction == bindparam("way"),
        link_number.c.epoch == bindparam("which"),
        link_number.c.n == bindparam("num"),
    )
    .values(prev=bindparam("before"), link=bindparam("now"))
)
_GAPS = Prepared(
    select(link_gap.c.first, link_gap.c.last, link_gap.c.seen)
    .where(link_gap.c.peer == bindparam("peer"), link_gap.c.epoch == bindparam("epoch"))
    .order_by(link_gap.c.first)
)
_NO_GAPS = Prepared(
    delete(link_gap).where(link_gap.c.peer == bindparam("whose"), link_gap.c.epoch == bindparam("which"))
)
_ADD_GAPS = Prepared(insert(link_gap))
_NEW_LINK = upsert(link)
_STAND = Prepared(
    _NEW_LINK.on_conflict_do_update(
        index_elements=["peer", "direction"],
        set_={"epoch": _NEW_LINK.excluded.epoch, "high": _NEW_LINK.excluded.high},
    )
)


def reached(connection: Connection, peer: NodeId, direction: str) -> tuple[int, int]:
    """Epoch and highest number of the link to or from `peer`; a link never used stands at epoch 1, number 0."""
    row = _LINK.first(connection, peer=peer, direction=direction)
    return (1, 0) if row is None else (row[0], row[1])


def position(connection: Connection, peer: NodeId, direction: str) -> LinkRow:
    """The same with the row of that number."""
    row = _LINK.first(connection, peer=peer, direction=direction)
    if row is None:
        return LinkRow(epoch=1, high=0, last=None)
    epoch, high, id, prev, last = row
    return LinkRow(epoch=epoch, high=high, last=None if id is None else NumberRow(n=high, id=id, prev=prev, link=last))


def numbers(
    connection: Connection, peer: NodeId, direction: str, epoch: int, wanted: Iterable[int]
) -> dict[int, NumberRow]:
    """The rows of those of the wanted numbers that were used."""
    asked = sorted(set(wanted))
    found = _NUMBERS.made(NumberRow, connection, peer=peer, direction=direction, epoch=epoch, ns=asked)
    return {row.n: row for row in found}


def use(connection: Connection, peer: NodeId, direction: str, epoch: int, rows: Iterable[NumberRow], high: int) -> None:
    """Record used numbers and the new highest one."""
    values = [
        {
            "peer": peer,
            "direction": direction,
            "epoch": epoch,
            "n": row.n,
            "id": row.id,
            "prev": row.prev,
            "link": row.link,
        }
        for row in rows
    ]
    _USE.run(connection, values)
    _STAND.run(connection, [{"peer": peer, "direction": direction, "epoch": epoch, "high": high}])


def chain_anew(connection: Connection, peer: NodeId, direction: str, epoch: int, rows: Iterable[NumberRow]) -> None:
    """Give used numbers other links."""
    _CHAIN.run(
        connection,
        [
            {"whose": peer, "way": direction, "which": epoch, "num": row.n, "before": row.prev, "now": row.link}
            for row in rows
        ],
    )


def gaps(connection: Connection, peer: NodeId, epoch: int) -> tuple[GapRow, ...]:
    """The missing ranges of the incoming link, lowest first."""
    return tuple(_GAPS.made(GapRow, connection, peer=peer, epoch=epoch))


def peers_with_gaps(connection: Connection, before: int) -> list[NodeId]:
    """Peers one of whose numbers has been missing since `before` or longer, and of whom no file came since then: the
    missing message may be the one whose files are on their way.
    """
    coming = select(upload.c.peer).where(upload.c.at > before)
    query = select(link_gap.c.peer).where(link_gap.c.seen <= before, link_gap.c.peer.not_in(coming)).distinct()
    return list(connection.execute(query).scalars())


def set_gaps(connection: Connection, peer: NodeId, epoch: int, rows: Iterable[GapRow]) -> None:
    """Replace the missing ranges of the incoming link."""
    _NO_GAPS.run(connection, [{"whose": peer, "which": epoch}])
    _ADD_GAPS.run(
        connection,
        [{"peer": peer, "epoch": epoch, "first": g.first, "last": g.last, "seen": g.seen} for g in rows],
    )

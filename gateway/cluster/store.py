"""The queries of workers, leases and the counters of the database. All times are the database's, Unix milliseconds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.cluster.rules import LIFE, free_place
from gateway.database.functions import database_ms
from gateway.database.prepared import Prepared
from gateway.database.tables import cluster, lease, nonce, worker
from gateway.database.writing.leading import Lease

GONE = 24 * 3_600 * 1_000
"""After which a worker that was not seen is forgotten."""
_COUNTERS = Prepared(select(cluster.c.moves, cluster.c.pictures).where(cluster.c.id == 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One process of this node. `off` says by how much its clock is ahead of the database's, `away` for how long it was
    not seen, both in milliseconds; `leads` are its duties.
    """

    id: str
    place: int
    host: str
    version: str
    since: int
    away: int
    off: int
    leads: Sequence[str] = ()


def began(connection: Connection) -> int:
    """When this database became one of workers, Unix milliseconds of its clock."""
    return connection.scalar(select(cluster.c.since).where(cluster.c.id == 1)) or 0


def counters(connection: Connection) -> tuple[int, int]:
    """Count how many transactions were written, and how often something changed that workers have in memory."""
    found = _COUNTERS.first(connection)
    return (0, 0) if found is None else (found[0], found[1])


def join(connection: Connection, *, id: str, host: str, version: str, now: int) -> int | None:
    """Note a new worker whose own clock shows `now`; its place among all, None where none is free."""
    connection.execute(delete(worker).where(worker.c.seen < database_ms() - GONE))
    place = free_place(connection.scalars(select(worker.c.place)).all())
    if place is None:
        return None
    at = connection.scalar(select(database_ms())) or 0
    row = {"id": id, "place": place, "host": host, "version": version, "since": at, "seen": at, "off": now - at}
    connection.execute(insert(worker), [row])
    return place


def beat(connection: Connection, id: str, now: int, leads: Collection[str]) -> tuple[int, Mapping[str, int]]:
    """Say that a worker is there, and keep the leases of what it leads for another `LIFE`: by how much its clock, which
    shows `now`, is ahead of the database's, and the fence of each lease. One that has run out is not kept, nor one of a
    duty that the worker has left and could not give up while the server was away: it runs out, and is free.
    """
    here = update(worker).where(worker.c.id == id).values(seen=database_ms(), off=now - database_ms())
    off = connection.scalar(here.returning(worker.c.off))
    kept = (
        update(lease)
        .where(lease.c.holder == id, lease.c.what.in_(leads), lease.c.until > database_ms())
        .values(until=database_ms() + LIFE)
        .returning(lease.c.what, lease.c.fence)
    )
    return 0 if off is None else off, {row.what: row.fence for row in connection.execute(kept)}


def claim(connection: Connection, what: str, id: str, *, patient: bool = False) -> Lease | None:
    """Take a lease that nobody holds now; a `patient` one takes what was left by all for as long as a lease lives.
    Looking and taking is one statement: two cannot both have found it free.
    """
    row = upsert(lease).values(what=what, holder=id, fence=1, until=database_ms() + LIFE)
    taken = row.on_conflict_do_update(
        index_elements=["what"],
        set_={"holder": id, "fence": lease.c.fence + 1, "until": database_ms() + LIFE},
        where=lease.c.until <= database_ms() - (LIFE if patient else 0),
    ).returning(lease.c.fence)
    fence = connection.scalar(taken)
    return None if fence is None else Lease(what, fence)


def give_up(connection: Connection, held: Lease, id: str) -> None:
    """Let another take a lease at once."""
    mine = (lease.c.what == held.what, lease.c.fence == held.fence, lease.c.holder == id)
    connection.execute(update(lease).where(*mine).values(until=database_ms()))


def leave(connection: Connection, id: str) -> None:
    """Forget a worker that stops; all it led is free."""
    connection.execute(update(lease).where(lease.c.holder == id).values(until=database_ms()))
    connection.execute(delete(worker).where(worker.c.id == id))


def workers(connection: Connection) -> list[Worker]:
    """Every worker with what it leads now, in the order of their places."""
    now = connection.scalar(select(database_ms())) or 0
    leads: dict[str, list[str]] = {}
    for what, holder in connection.execute(
        select(lease.c.what, lease.c.holder).where(lease.c.until > now).order_by(lease.c.what)
    ):
        leads.setdefault(holder, []).append(what)
    return [
        Worker(
            id=row.id,
            place=row.place,
            host=row.host,
            version=row.version,
            since=row.since,
            away=max(0, now - row.seen),
            off=row.off,
            leads=tuple(leads.get(row.id, ())),
        )
        for row in connection.execute(select(worker).order_by(worker.c.place))
    ]


def find_alive(connection: Connection) -> frozenset[str]:
    """Find the workers that were seen within the life of a lease."""
    return frozenset(connection.scalars(select(worker.c.id).where(worker.c.seen > database_ms() - LIFE)))


_ADMIT = Prepared(
    upsert(nonce).values(key=bindparam("key"), until=bindparam("until")).on_conflict_do_nothing().returning(nonce.c.key)
)


def admit(connection: Connection, seen: Sequence[tuple[str, int]]) -> Sequence[bool]:
    """Remember signed requests by their nonces until these moments, Unix seconds; whether each is there for the first
    time, whichever worker it came to.
    """
    return [_ADMIT.first(connection, key=key, until=until) is not None for key, until in seen]


def forget_nonces(connection: Connection, now: int) -> None:
    """Forget the nonces of requests that would be refused as late by now, Unix seconds."""
    connection.execute(delete(nonce).where(nonce.c.until < now))

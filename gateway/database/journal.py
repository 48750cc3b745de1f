"""What happened: audit leaves (for auditors), events (for the local API's stream), alarms (for a person)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, insert, select, update

from gateway.database.audit_entries import Leaf
from gateway.database.prepared import Prepared
from gateway.database.tables import alarm, audit, event
from gateway.foundation.ids import NodeId


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the event stream; `ref` is a local message number, never shown outside."""

    seq: int
    at: int
    kind: str
    ref: int | None
    state: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something a person has to look at; it stays until a person dismisses it."""

    seq: int
    at: int
    kind: str
    peer: NodeId | None
    ref: int | None


# Asked for every batch, so they are built once.
_LAST_LEAF = Prepared(select(func.max(audit.c.seq)))
_ADD_LEAF = Prepared(insert(audit))
_ADD_EVENT = Prepared(insert(event), columns=("at", "kind", "ref", "state"))
_EVENTS = Prepared(select(event).where(event.c.seq > bindparam("after")).order_by(event.c.seq).limit(bindparam("most")))


def append_leaf(connection: Connection, build: Leaf) -> int:
    """Append one audit leaf in the moving transaction; `build` gets its sequence number and returns the final bytes."""
    seq = _next_leaf(connection)
    _ADD_LEAF.run(connection, [{"seq": seq, "leaf": build(seq)}])
    return seq


def append_leaves(connection: Connection, builders: Sequence[Leaf]) -> None:
    """Append several leaves in order."""
    if not builders:
        return
    first = _next_leaf(connection)
    _ADD_LEAF.run(connection, [{"seq": seq, "leaf": build(seq)} for seq, build in enumerate(builders, first)])


def _next_leaf(connection: Connection) -> int:
    return 1 + (_LAST_LEAF.scalars(connection)[0] or 0)


def leaves(connection: Connection, first: int = 1, limit: int = 1000) -> list[tuple[int, bytes]]:
    """Audit leaves from `first` on."""
    query = select(audit.c.seq, audit.c.leaf).where(audit.c.seq >= first).order_by(audit.c.seq).limit(limit)
    return [(row.seq, row.leaf) for row in connection.execute(query)]


def add_event(connection: Connection, *, at: int, kind: str, ref: int | None = None, state: str | None = None) -> None:
    """Append one event."""
    add_events(connection, [(at, kind, ref, state)])


def add_events(connection: Connection, rows: list[tuple[int, str, int | None, str | None]]) -> None:
    """Append several events: (at, kind, ref, state)."""
    _ADD_EVENT.run(connection, [{"at": a, "kind": k, "ref": r, "state": s} for a, k, r, s in rows])


def last_event(connection: Connection) -> int:
    """The number of the newest event, 0 where there is none."""
    return connection.scalar(select(func.max(event.c.seq))) or 0


def events_after(connection: Connection, seq: int, limit: int) -> list[Event]:
    """Events with a higher sequence number, oldest first."""
    return _EVENTS.made(Event, connection, after=seq, most=limit)


def raise_alarm(
    connection: Connection,
    *,
    at: int,
    kind: str,
    peer: NodeId | None = None,
    ref: int | None = None,
    proof: bytes | None = None,
) -> bool:
    """Record an alarm, once per (kind, peer, ref) while it is not dismissed; whether it is a new one."""
    same = select(alarm.c.seq).where(
        alarm.c.kind == kind,
        alarm.c.peer.is_not_distinct_from(peer),
        alarm.c.ref.is_not_distinct_from(ref),
        alarm.c.dismissed.is_(None),
    )
    if connection.execute(same).first() is not None:
        return False
    connection.execute(insert(alarm).values(at=at, kind=kind, peer=peer, ref=ref, proof=proof))
    return True


def proof_of(connection: Connection, seq: int) -> bytes | None:
    """Read what an alarm keeps as its proof, whether it was dismissed or not."""
    return connection.scalar(select(alarm.c.proof).where(alarm.c.seq == seq))


def proofs(connection: Connection, kind: str) -> list[bytes]:
    """Read what the alarms of a kind keep as their proofs, whether they were dismissed or not."""
    kept = select(alarm.c.proof).where(alarm.c.kind == kind, alarm.c.proof.is_not(None)).order_by(alarm.c.seq)
    return [proof for proof in connection.scalars(kept) if proof is not None]


def find_alarm(connection: Connection, seq: int) -> Alarm | None:
    """One alarm, whether it was dismissed or not."""
    r = connection.execute(select(alarm).where(alarm.c.seq == seq)).first()
    return None if r is None else Alarm(seq=r.seq, at=r.at, kind=r.kind, peer=r.peer, ref=r.ref)


def open_alarms(connection: Connection) -> list[Alarm]:
    """Alarms nobody dismissed yet, oldest first."""
    query = select(alarm).where(alarm.c.dismissed.is_(None)).order_by(alarm.c.seq)
    return [Alarm(seq=r.seq, at=r.at, kind=r.kind, peer=r.peer, ref=r.ref) for r in connection.execute(query)]


def open_page(connection: Connection, *, limit: int, after: int | None = None, kind: str | None = None) -> list[Alarm]:
    """So many of them behind an alarm, of one kind or of all."""
    query = select(alarm).where(alarm.c.dismissed.is_(None)).order_by(alarm.c.seq).limit(limit)
    if after is not None:
        query = query.where(alarm.c.seq > after)
    if kind is not None:
        query = query.where(alarm.c.kind == kind)
    return [Alarm(seq=r.seq, at=r.at, kind=r.kind, peer=r.peer, ref=r.ref) for r in connection.execute(query)]


def open_about(connection: Connection, kinds: Collection[str]) -> frozenset[int]:
    """The messages that open alarms of these kinds name."""
    query = select(alarm.c.ref).where(alarm.c.kind.in_(kinds), alarm.c.dismissed.is_(None), alarm.c.ref.is_not(None))
    return frozenset(connection.scalars(query))


def last_about(connection: Connection, refs: Collection[int], kind: str) -> dict[int, int]:
    """When the newest alarm of this kind about each of these was raised, whether a person has dismissed it or not."""
    query = select(alarm.c.ref, func.max(alarm.c.at)).where(alarm.c.kind == kind, alarm.c.ref.in_(refs))
    return {ref: at for ref, at in connection.execute(query.group_by(alarm.c.ref)) if ref is not None}


def dismiss_about(connection: Connection, refs: Collection[int], kinds: Collection[str], *, at: int) -> None:
    """Settle what alarms of these kinds were raised for."""
    query = update(alarm).where(alarm.c.ref.in_(refs), alarm.c.kind.in_(kinds), alarm.c.dismissed.is_(None))
    connection.execute(query.values(dismissed=at))


def withdraw_about(connection: Connection, refs: Collection[int], kind: str, *, at: int) -> None:
    """End open alarms of this kind about these before anybody has seen them: they name it no more, so that `last_about`
    knows of none, and the same is said again if it comes again.
    """
    query = update(alarm).where(alarm.c.ref.in_(refs), alarm.c.kind == kind, alarm.c.dismissed.is_(None))
    connection.execute(query.values(dismissed=at, ref=None))


def settle_alarms(connection: Connection, kind: str, peer: NodeId, *, at: int) -> None:
    """End what alarms of this kind said of a peer."""
    query = update(alarm).where(alarm.c.kind == kind, alarm.c.peer == peer, alarm.c.dismissed.is_(None))
    connection.execute(query.values(dismissed=at))


def kind_of(connection: Connection, seq: int) -> str | None:
    """The kind of an open alarm."""
    return connection.scalar(select(alarm.c.kind).where(alarm.c.seq == seq, alarm.c.dismissed.is_(None)))


def dismiss_alarm(connection: Connection, seq: int, *, at: int) -> bool:
    """A person has seen it."""
    query = update(alarm).where(alarm.c.seq == seq, alarm.c.dismissed.is_(None)).values(dismissed=at)
    return bool(connection.execute(query).rowcount)


def close_alarms(connection: Connection, kind: str, *, at: int, peer: NodeId | None = None) -> int:
    """End every open alarm of a kind, of one peer if named, whose cause is gone; returns how many there were."""
    query = update(alarm).where(alarm.c.kind == kind, alarm.c.dismissed.is_(None))
    if peer is not None:
        query = query.where(alarm.c.peer == peer)
    return connection.execute(query.values(dismissed=at)).rowcount

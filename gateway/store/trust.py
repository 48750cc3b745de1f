"""Changes that people propose and complete, their approvals, and the trust records of both directions (PROTOCOL B4).

Nothing here is ever altered but the state of a change and whether a record was acknowledged; every row can be verified
from its own bytes. Records of a peer give way to others in two cases only (``gateway.service.trust_records``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, text, update

from gateway.store.rows import as_bytes
from gateway.store.tables import approval, change, trust_record

PENDING = "pending"
WAITING = "waiting"
"""Enough people approved; its time has not come."""
DONE = "done"
EXPIRED = "expired"
WITHDRAWN = "withdrawn"
IN = "in"
OUT = "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One change: `seq` is its place among the completed ones of its subject, from 1."""

    hash: str
    subject: str
    seq: int | None
    payload: bytes
    state: str
    at: int
    effective: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRow:
    """One signed approval of one change."""

    change: str
    admin: str
    document: bytes
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustRow:
    """One signed trust record, ours (`out`) or the peer's (`in`); `acked` is when the peer took ours."""

    peer: str
    direction: str
    seq: int
    hash: str
    document: bytes
    acked: int | None


def _change(row: Row[Any]) -> ChangeRow:
    return ChangeRow(**{**row._mapping, "payload": as_bytes(row.payload)})


def _approval(row: Row[Any]) -> ApprovalRow:
    return ApprovalRow(**{**row._mapping, "document": as_bytes(row.document)})


def _trust(row: Row[Any]) -> TrustRow:
    return TrustRow(**{**row._mapping, "document": as_bytes(row.document)})


def add_change(connection: Connection, row: ChangeRow) -> None:
    """Insert a change."""
    connection.execute(
        insert(change).values(
            hash=row.hash,
            subject=row.subject,
            seq=row.seq,
            payload=row.payload,
            state=row.state,
            at=row.at,
            effective=row.effective,
        )
    )


def add_approval(connection: Connection, row: ApprovalRow) -> None:
    """Insert an approval."""
    connection.execute(insert(approval).values(change=row.change, admin=row.admin, document=row.document, at=row.at))


def find_change(connection: Connection, hash: str) -> ChangeRow | None:
    """One change by its hash."""
    row = connection.execute(select(change).where(change.c.hash == hash)).first()
    return None if row is None else _change(row)


def changes_of(connection: Connection, subject: str) -> list[ChangeRow]:
    """The completed changes of a subject, oldest first."""
    query = select(change).where(change.c.subject == subject, change.c.seq.is_not(None)).order_by(change.c.seq)
    return [_change(row) for row in connection.execute(query)]


def all_changes(connection: Connection, limit: int) -> list[ChangeRow]:
    """Every change, newest first."""
    query = select(change).order_by(change.c.at.desc(), change.c.hash).limit(limit)
    return [_change(row) for row in connection.execute(query)]


def in_state(connection: Connection, state: str, subject: str | None = None) -> list[ChangeRow]:
    """Changes in one state, oldest first; of one subject, or of all."""
    query = select(change).where(change.c.state == state).order_by(change.c.at, change.c.hash)
    if subject is not None:
        query = query.where(change.c.subject == subject)
    return [_change(row) for row in connection.execute(query)]


def approvals_of(connection: Connection, hash: str) -> list[ApprovalRow]:
    """The approvals of a change, in the order in which they came."""
    query = select(approval).where(approval.c.change == hash).order_by(approval.c.at, text("rowid"))
    return [_approval(row) for row in connection.execute(query)]


def complete(connection: Connection, hash: str, *, seq: int, state: str, effective: int) -> None:
    """A change has its approvals: it takes its place."""
    connection.execute(update(change).where(change.c.hash == hash).values(seq=seq, state=state, effective=effective))


def set_state(connection: Connection, hash: str, state: str) -> None:
    """Change the state of a change."""
    connection.execute(update(change).where(change.c.hash == hash).values(state=state))


# --- trust records -----------------------------------------------------------------------------------------------


def add_record(connection: Connection, row: TrustRow) -> None:
    """Append a record to the chain of its direction."""
    connection.execute(
        insert(trust_record).values(
            peer=row.peer, direction=row.direction, seq=row.seq, hash=row.hash, document=row.document, acked=row.acked
        )
    )


def records_of(connection: Connection, peer: str, direction: str) -> list[TrustRow]:
    """The chain of one direction, oldest first."""
    query = (
        select(trust_record)
        .where(trust_record.c.peer == peer, trust_record.c.direction == direction)
        .order_by(trust_record.c.seq)
    )
    return [_trust(row) for row in connection.execute(query)]


def newest_records(connection: Connection) -> dict[tuple[str, str], bytes]:
    """The newest document of each chain, by (peer, direction)."""
    newest = (
        select(trust_record.c.peer, trust_record.c.direction, func.max(trust_record.c.seq).label("seq"))
        .group_by(trust_record.c.peer, trust_record.c.direction)
        .subquery()
    )
    query = select(trust_record).join(
        newest,
        (trust_record.c.peer == newest.c.peer)
        & (trust_record.c.direction == newest.c.direction)
        & (trust_record.c.seq == newest.c.seq),
    )
    return {(row.peer, row.direction): as_bytes(row.document) for row in connection.execute(query)}


def owed(connection: Connection) -> list[str]:
    """Peers that have not taken our newest records yet."""
    query = select(trust_record.c.peer).where(trust_record.c.direction == OUT, trust_record.c.acked.is_(None))
    return list(connection.execute(query.distinct()).scalars())


def owe_again(connection: Connection, peer: str | None = None) -> None:
    """Bring our records once more, to one peer or to all: whoever holds them already is not changed by that."""
    query = update(trust_record).where(trust_record.c.direction == OUT).values(acked=None)
    connection.execute(query if peer is None else query.where(trust_record.c.peer == peer))


def drop_records(connection: Connection, peer: str, after: int) -> None:
    """Take the peer's records behind number `after` off its chain: another one takes their place."""
    of_peer = (trust_record.c.peer == peer, trust_record.c.direction == IN, trust_record.c.seq > after)
    connection.execute(delete(trust_record).where(*of_peer))


def acknowledge(connection: Connection, peer: str, seq: int, *, at: int) -> None:
    """The peer took our records up to `seq`."""
    connection.execute(
        update(trust_record)
        .where(
            trust_record.c.peer == peer,
            trust_record.c.direction == OUT,
            trust_record.c.seq <= seq,
            trust_record.c.acked.is_(None),
        )
        .values(acked=at)
    )

"""Changes that people propose and complete, their approvals, and the trust records of both directions (nrm1 8.13).

Nothing here is ever altered but the state of a change and whether a record was acknowledged; every row can be verified
from its own bytes. Records of a peer give way to others in two cases only (``gateway.trust.record_exchange``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from gateway.database.rows import as_bytes
from gateway.database.tables import approval, change

PENDING = "pending"
WAITING = "waiting"
"""Enough people approved; its time has not come."""
DONE = "done"
EXPIRED = "expired"
WITHDRAWN = "withdrawn"


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


def _change(row: Row[Any]) -> ChangeRow:
    return ChangeRow(**{**row._mapping, "payload": as_bytes(row.payload)})


def _approval(row: Row[Any]) -> ApprovalRow:
    return ApprovalRow(change=row.change, admin=row.admin, document=as_bytes(row.document), at=row.at)


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
    """Insert an approval, behind those that the change has."""
    before = select(func.count()).select_from(approval).where(approval.c.change == row.change).scalar_subquery()
    values = {"change": row.change, "admin": row.admin, "document": row.document, "at": row.at, "place": before}
    connection.execute(insert(approval).values(**values))


def find_change(connection: Connection, hash: str) -> ChangeRow | None:
    """One change by its hash."""
    row = connection.execute(select(change).where(change.c.hash == hash)).first()
    return None if row is None else _change(row)


def changes_of(connection: Connection, subject: str) -> list[ChangeRow]:
    """The completed changes of a subject, oldest first."""
    query = select(change).where(change.c.subject == subject, change.c.seq.is_not(None)).order_by(change.c.seq)
    return [_change(row) for row in connection.execute(query)]


def all_changes(
    connection: Connection, limit: int, *, subject: str | None = None, state: str | None = None
) -> list[ChangeRow]:
    """So many changes, newest first; of one subject and in one state where they are given."""
    query = select(change).order_by(change.c.at.desc(), change.c.hash).limit(limit)
    if subject is not None:
        query = query.where(change.c.subject == subject)
    if state is not None:
        query = query.where(change.c.state == state)
    return [_change(row) for row in connection.execute(query)]


def in_state(connection: Connection, state: str, subject: str | None = None) -> list[ChangeRow]:
    """Changes in one state, oldest first; of one subject, or of all."""
    query = select(change).where(change.c.state == state).order_by(change.c.at, change.c.hash)
    if subject is not None:
        query = query.where(change.c.subject == subject)
    return [_change(row) for row in connection.execute(query)]


def approvals_of(connection: Connection, hash: str) -> list[ApprovalRow]:
    """The approvals of a change, in the order in which they came."""
    query = select(approval).where(approval.c.change == hash).order_by(approval.c.at, approval.c.place)
    return [_approval(row) for row in connection.execute(query)]


def complete(connection: Connection, hash: str, *, seq: int, state: str, effective: int) -> None:
    """A change has its approvals: it takes its place."""
    connection.execute(update(change).where(change.c.hash == hash).values(seq=seq, state=state, effective=effective))


def set_state(connection: Connection, hash: str, state: str) -> None:
    """Change the state of a change."""
    connection.execute(update(change).where(change.c.hash == hash).values(state=state))


# --- trust records -----------------------------------------------------------------------------------------------

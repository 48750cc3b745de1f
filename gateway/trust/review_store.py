"""Received messages that a person has to look at again: a key that signed them was revoked from before they came
(nrm1 12.16).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, exists, func, insert, select, update

from gateway.database.tables import message, review, statement
from gateway.foundation.ids import KeyId, NodeId


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """One message: its number, its id, the key of its conversation, whose it is, the revoked key, and when it was
    received (Unix seconds).
    """

    message: int
    id: str
    conversation: bytes
    peer: NodeId
    kid: KeyId
    received: int


def signed_since(
    connection: Connection, peer: NodeId, since: int, *, after: int = 0, limit: int
) -> list[tuple[int, int, int]]:
    """(message, evidence, received) of what `peer` had accepted here at `since` or later and was never on the list: the
    first `limit` of those with a number above `after`. What was received has one statement.
    """
    query = (
        select(statement.c.message, statement.c.evidence, message.c.at)
        .join(message, message.c.ref == statement.c.message)
        .where(message.c.peer == peer, message.c.direction == "in", message.c.at >= since)
        .where(statement.c.message > after, ~exists().where(review.c.message == statement.c.message))
        .order_by(statement.c.message)
        .limit(limit)
    )
    return [(row.message, row.evidence, row.at) for row in connection.execute(query)]


def add(connection: Connection, peer: NodeId, found: Mapping[int, str], *, at: int) -> int:
    """Put messages on the list, by number with the revoked key; one that was ever there stays as it is. How many are
    new.
    """
    known = set(connection.scalars(select(review.c.message).where(review.c.message.in_(found))))
    rows = [{"message": ref, "peer": peer, "kid": kid, "at": at} for ref, kid in found.items() if ref not in known]
    if rows:
        connection.execute(insert(review), rows)
    return len(rows)


def listed(connection: Connection) -> list[Doubt]:
    """List what nobody has looked at yet, in the order of arrival."""
    query = (
        select(review.c.message, message.c.id, message.c.conversation, review.c.peer, review.c.kid, message.c.at)
        .join(message, message.c.ref == review.c.message)
        .where(review.c.done.is_(None))
        .order_by(review.c.message)
    )
    return [
        Doubt(message=r[0], id=r[1], conversation=r[2], peer=r[3], kid=r[4], received=r[5])
        for r in connection.execute(query)
    ]


def counts(connection: Connection) -> dict[str, int]:
    """Count them by peer."""
    query = select(review.c.peer, func.count()).where(review.c.done.is_(None)).group_by(review.c.peer)
    return {row[0]: row[1] for row in connection.execute(query)}


def settle(connection: Connection, message: int, *, at: int) -> bool:
    """A person has looked at it; whether it was on the list."""
    query = update(review).where(review.c.message == message, review.c.done.is_(None)).values(done=at)
    return bool(connection.execute(query).rowcount)

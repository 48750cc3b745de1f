"""Counts over what waits, failed and was erased, for people who run the node and for its metrics. No content: only what
the tables hold in the clear. Each is answered from an index, or from a table that is as small as what it counts.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select, text

from gateway.database.tables import (
    alarm,
    attachment,
    draft,
    envelope,
    erasure,
    hold,
    inbox,
    link_number,
    message,
    notice,
    outbox,
    request,
    statement,
    upload,
)
from gateway.foundation.ids import NodeId
from gateway.messages.store import links

UNDELIVERED = text("direction = 'out' and state = 'awaiting_handover'")
"""As the index `message_undelivered` has it, which SQLite takes for exactly these words only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pile:
    """So many of something, and since when the oldest of them is there (Unix seconds), None when there is none."""

    count: int = 0
    oldest: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Open alarms of one kind about messages of one peer that have one reason."""

    kind: str
    peer: NodeId | None
    reason: str | None
    pile: Pile


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """What peers asked to be erased and is not settled: all of it, and what is overdue."""

    open: int
    overdue: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Attachments: how many are there, their bytes, and how many are on their way in."""

    count: int
    size: int
    coming: int


def queued(connection: Connection) -> dict[str, Pile]:
    """Count what is on the outbox, by peer."""
    first = select(outbox.c.peer, func.count().label("count"), func.min(outbox.c.ref).label("ref"))
    waiting = first.group_by(outbox.c.peer).subquery()
    return _piles(
        connection,
        select(waiting.c.peer, waiting.c.count, message.c.at).join(message, message.c.ref == waiting.c.ref),
    )


def unreceived(connection: Connection, before: int) -> dict[str, Pile]:
    """Count what was sent before a time and has no receipt at all, by peer; its sealed bytes are kept until it has."""
    sent = (
        select(envelope.c.ref, func.max(statement.c.created).label("at"))
        .join(statement, statement.c.message == envelope.c.ref)
        .group_by(envelope.c.ref)
        .subquery()
    )
    return _piles(
        connection,
        select(message.c.peer, func.count(), func.min(sent.c.at))
        .join(message, message.c.ref == sent.c.ref)
        .where(sent.c.at < before)
        .group_by(message.c.peer),
    )


def undelivered(connection: Connection, before: int) -> dict[str, Pile]:
    """Count what was submitted before a time, is `received` and not `delivered`, by peer."""
    return _piles(
        connection,
        select(message.c.peer, func.count(), func.min(message.c.at))
        .where(UNDELIVERED, message.c.at < before)
        .group_by(message.c.peer),
    )


def _piles(connection: Connection, query: Select[Any]) -> dict[str, Pile]:
    return {row[0]: Pile(count=row[1], oldest=row[2]) for row in connection.execute(query)}


def last_received(connection: Connection, peer: NodeId) -> int | None:
    """When the newest message of a peer came."""
    newest = (
        select(link_number.c.id)
        .where(link_number.c.peer == peer, link_number.c.direction == links.IN)
        .order_by(link_number.c.epoch.desc(), link_number.c.n.desc())
        .limit(1)
    )
    query = select(message.c.at).where(
        message.c.id == newest.scalar_subquery(), message.c.direction == "in", message.c.peer == peer
    )
    return connection.scalar(query)


def troubles(connection: Connection, kinds: Collection[str]) -> list[Trouble]:
    """Messages that open alarms of these kinds name, by kind, peer and reason."""
    query = (
        select(alarm.c.kind, alarm.c.peer, message.c.reason, func.count(), func.min(alarm.c.at))
        .join(message, message.c.ref == alarm.c.ref)
        .where(alarm.c.kind.in_([*kinds]), alarm.c.dismissed.is_(None))
        .group_by(alarm.c.kind, alarm.c.peer, message.c.reason)
        .order_by(alarm.c.kind, alarm.c.peer, message.c.reason)
    )
    return [
        Trouble(kind=kind, peer=peer, reason=reason, pile=Pile(count=count, oldest=oldest))
        for kind, peer, reason, count, oldest in connection.execute(query)
    ]


def alarms(connection: Connection) -> dict[str, Pile]:
    """Open alarms by kind."""
    query = select(alarm.c.kind, func.count(), func.min(alarm.c.at)).where(alarm.c.dismissed.is_(None))
    return _piles(connection, query.group_by(alarm.c.kind).order_by(alarm.c.kind))


def to_hand_over(connection: Connection) -> Pile:
    """Accepted messages that nobody has taken."""
    both = inbox.join(message, message.c.ref == inbox.c.ref)
    query = select(func.count(), func.min(message.c.at)).select_from(both)
    count, oldest = connection.execute(query).one()
    return Pile(count=count, oldest=oldest)


def news(connection: Connection) -> Pile:
    """News about our own messages that the case system has not taken."""
    count, oldest = connection.execute(select(func.count(), func.min(notice.c.at))).one()
    return Pile(count=count, oldest=oldest)


def drafts(connection: Connection, state: str) -> int:
    """Drafts in a state."""
    return connection.scalar(select(func.count()).select_from(draft).where(draft.c.state == state)) or 0


def files(connection: Connection) -> Files:
    """Attachments."""
    count, size = connection.execute(select(func.count(), func.sum(attachment.c.length))).one()
    coming = connection.scalar(select(func.count()).select_from(upload)) or 0
    return Files(count=count, size=size or 0, coming=coming)


def erased_since(connection: Connection, at: int) -> dict[str, int]:
    """Messages erased since a time, by reason."""
    query = select(erasure.c.reason, func.count()).where(erasure.c.at >= at)
    return {row.reason: row[1] for row in connection.execute(query.group_by(erasure.c.reason))}


def left_in_place(connection: Connection, place: str) -> int:
    """Erased messages that the case system has not erased yet."""
    return connection.scalar(select(func.count()).select_from(erasure).where(erasure.c.place == place)) or 0


def requests(connection: Connection, now: int) -> Requests:
    """Count what peers asked to be erased."""
    where = text("state != 'over'")  # as its index has it
    dues = list(connection.scalars(select(request.c.due).select_from(request).where(where)))
    return Requests(open=len(dues), overdue=sum(due < now for due in dues))


def holds(connection: Connection) -> int:
    """Count the legal holds."""
    return connection.scalar(select(func.count()).select_from(hold)) or 0

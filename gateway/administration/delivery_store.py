"""When messages of ours were received, day by day, and since when what waits is waiting: times only, counted in SQL.

A day is one of UTC. Probes are no messages, and what was cancelled, refused or will not go is on its way no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, Table, and_, case, func, select

from gateway.administration.status_store import UNDELIVERED
from gateway.database.tables import alarm, draft, inbox, message, outbox, receipt
from gateway.foundation.chores import HOUR
from gateway.foundation.ids import NodeId
from gateway.messages.machines.delivery import Outgoing
from gateway.messages.probe import KIND as PROBE
from gateway.messages.store.receipts import HAS_IT, RECEIVED

DAY = 86_400
SHOWN = 40
"""Times that are given of one queue, the oldest: a picture of more shows no more."""
UNDER_WAY = (Outgoing.QUEUED, Outgoing.AWAITING_RECEIPT, Outgoing.VOIDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredDay:
    """Messages of one day to one peer: received there within an hour of their release, later, or not yet."""

    day: int
    peer: NodeId
    within_hour: int
    later: int
    not_yet: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """So many wait; `times`: since when the oldest `SHOWN` of them do, oldest first (Unix seconds)."""

    count: int
    times: tuple[int, ...]


def count_by_day(connection: Connection, since: int) -> list[DeliveredDay]:
    """Count our messages since a time by day and peer, in one pass over the messages."""
    arrived = (
        select(func.min(receipt.c.at))
        .where(
            receipt.c.direction == RECEIVED,
            receipt.c.peer == message.c.peer,
            receipt.c.id == message.c.id,
            receipt.c.status.in_(HAS_IT),
        )
        .scalar_subquery()
    )
    one = (
        select(
            (message.c.at // DAY).label("day"),
            message.c.peer,
            message.c.state,
            (arrived - message.c.at).label("took"),
        )
        .where(message.c.direction == "out", message.c.at >= since, message.c.kind != PROBE)
        .subquery()
    )
    query = (
        select(
            one.c.day,
            one.c.peer,
            func.sum(case((one.c.took <= HOUR, 1), else_=0)),
            func.sum(case((one.c.took > HOUR, 1), else_=0)),
            func.sum(case((and_(one.c.took.is_(None), one.c.state.in_([*map(str, UNDER_WAY)])), 1), else_=0)),
        )
        .group_by(one.c.day, one.c.peer)
        .order_by(one.c.day, one.c.peer)
    )
    return [
        DeliveredDay(day=row[0] * DAY, peer=row[1], within_hour=row[2], later=row[3], not_yet=row[4])
        for row in connection.execute(query)
    ]


def read_queues(connection: Connection, *, second: str, failed: tuple[str, ...]) -> Mapping[str, Queue]:
    """Read since when things wait, by queue. `second`: the state of drafts that wait for a second person; `failed`: the
    alarms about messages that a person has to look at.
    """
    failing = select(alarm.c.at).where(alarm.c.kind.in_(failed), alarm.c.dismissed.is_(None))
    return {
        "to_send": _read_waiting(connection, outbox),
        "not_taken_there": _read_queue(connection, select(message.c.at).where(UNDELIVERED), message.c.at),
        "not_taken_here": _read_waiting(connection, inbox),
        "second_person": _read_queue(connection, select(draft.c.at).where(draft.c.state == second), draft.c.at),
        "failed": _read_queue(connection, failing, alarm.c.at),
    }


def _read_waiting(connection: Connection, waiting: Table) -> Queue:
    """Read a queue that is a table of its own by the numbers in it, which are given in the order of time: ordered by
    the time itself SQLite goes through all messages that there are.
    """
    first = select(message.c.at).join(waiting, waiting.c.ref == message.c.ref).order_by(waiting.c.ref).limit(SHOWN)
    times = tuple(sorted(connection.scalars(first)))
    count = connection.scalar(select(func.count()).select_from(waiting)) or 0
    return Queue(count=count, times=times)


def _read_queue(connection: Connection, query: Select[Any], at: Any) -> Queue:
    times = tuple(connection.scalars(query.order_by(at).limit(SHOWN)))
    if len(times) < SHOWN:
        return Queue(count=len(times), times=times)
    return Queue(count=connection.scalar(select(func.count()).select_from(query.subquery())) or 0, times=times)

"""How quickly messages of ours were received, and what waits since when, for pictures of them: times and no content."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection

from gateway.administration import delivery_store
from gateway.administration.delivery_store import DAY, DeliveredDay, Queue
from gateway.administration.status_metrics import FAILED
from gateway.database.engine import Store
from gateway.delivery.intake import WAITING
from gateway.foundation.ids import NodeId
from gateway.operations.models import Answer, Count, Nothing, OneOf, Time
from gateway.operations.registry import About, operation
from gateway.operations.roles import FOCAL_POINT, LOOKS
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json, OperationResult

DAYS = 30
KEPT = 60
"""Seconds for which the days are good enough: they are counted over all messages of a month."""


class DayOfPeer(Answer):
    """Our messages of one day to one peer."""

    day: Time = Field(description="when it began, in UTC")
    peer: str
    within_hour: Count = Field(description="received by the peer within an hour of their release")
    later: Count = Field(description="received after that")
    not_yet: Count = Field(description="on their way still")


class WaitingQueue(Answer):
    """What waits in one place."""

    queue: Annotated[str, OneOf("to_send", "not_taken_there", "not_taken_here", "second_person", "failed")]
    count: Count
    times: list[Time] = Field(description="since when the oldest 40 of them wait, oldest first")


class Delivery(Answer):
    """How delivery stands."""

    at: Time = Field(description="when the days were counted, a minute ago at most")
    days: list[DayOfPeer] = Field(description="of the last 30 days, those with a message")
    queues: list[WaitingQueue]


class DeliveryOperations:
    """The operation on delivery."""

    def __init__(self, *, store: Store, peers: PeerRegistry, clock: Clock) -> None:
        self._store = store
        self._peers = peers
        self._clock = clock
        self._counted: tuple[int, list[DeliveredDay]] | None = None

    @operation(
        "node.delivery",
        "delivery of the last 30 days, and what waits since when",
        roles=LOOKS | FOCAL_POINT,
        about=About.NODE,
        answer=Delivery,
    )
    async def delivery(self, _asked: Nothing) -> OperationResult:
        """How quickly our messages were received, by day and peer, and since when what waits is waiting."""
        at, days = await self._count_days()
        queues = await self._store.read(lambda c: delivery_store.read_queues(c, second=WAITING, failed=FAILED))
        return OperationResult(
            value={
                "at": at,
                "days": [self._show_day(one) for one in days],
                "queues": [_show_queue(name, queue) for name, queue in queues.items()],
            }
        )

    async def _count_days(self) -> tuple[int, list[DeliveredDay]]:
        """Count the days, or give what was counted within the minute. Two who ask at once may both count."""
        now, kept = self._clock.now(), self._counted
        if kept is not None and kept[0] <= now < kept[0] + KEPT:
            return kept
        since = (now // DAY - DAYS + 1) * DAY

        def query(connection: Connection) -> list[DeliveredDay]:
            return delivery_store.count_by_day(connection, since)

        self._counted = now, await self._store.read(query)
        return self._counted

    def _show_day(self, one: DeliveredDay) -> dict[str, Json]:
        return {
            "day": one.day,
            "peer": self._name(one.peer),
            "within_hour": one.within_hour,
            "later": one.later,
            "not_yet": one.not_yet,
        }

    def _name(self, node: NodeId) -> str:
        peer = self._peers.get(node)
        return node if peer is None else peer.name


def _show_queue(name: str, queue: Queue) -> dict[str, Json]:
    return {"queue": name, "count": queue.count, "times": [*queue.times]}

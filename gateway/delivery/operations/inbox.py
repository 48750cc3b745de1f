"""The inbox at the desk: what came in and nobody has taken yet, in the order in which it came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection

from gateway.cases import register
from gateway.database import content
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.delivery.operations.message_models import Messages
from gateway.delivery.operations.messages_shown import opened_rows, summary
from gateway.foundation.workers import Workers
from gateway.messages.machines.acceptance import Incoming
from gateway.messages.store import messages
from gateway.messages.store.messages import MessageRow
from gateway.messages.wakeups import EventStream
from gateway.operations.models import DIGITS, Asked, Cursor, Limit
from gateway.operations.paging import read_cursor
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import CASE_SYSTEMS
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json, OperationResult

PATIENCE = 30
"""The most seconds that a question may wait for something to come."""


class InboxPage(Asked):
    """Where to read on, and how long to wait for something."""

    after: Cursor | None = None
    limit: Limit = 50
    wait: Annotated[int, Field(ge=0, le=PATIENCE, description="seconds to wait for one"), DIGITS] = 0


class InboxOperations:
    """Operations on the inbox."""

    def __init__(
        self, *, content: Content, peers: PeerRegistry, workers: Workers, events: EventStream, clock: Clock
    ) -> None:
        self._content = content
        self._peers = peers
        self._workers = workers
        self._events = events
        self._clock = clock

    @operation(
        "inbox.list",
        "what nobody has taken yet, oldest first",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Messages,
        units=Units.NARROWED,
    )
    async def list_inbox(self, asked: InboxPage) -> OperationResult:
        """Messages that wait to be taken (`message.ack`), oldest first, behind the position `after`.

        With `wait` and nothing there, the answer comes with the first message, or empty after so many seconds. `next`
        is the position behind the last one: who gives it back reads on, also before anything was taken; who gives none
        sees again all that still waits. What is behind a gap of its peer's numbers can not be taken and is not here
        yet; it may come in before a position that somebody has read past.
        """
        position, limit = 0 if asked.after is None else read_cursor(asked.after), asked.limit
        until = self._clock.monotonic() + asked.wait
        while True:
            happenings = self._events.happenings
            rows, sealed = await self._content.store.read(lambda c: _waiting(c, position, limit))
            left = until - self._clock.monotonic()
            if rows or left <= 0 or limit == 0:
                break
            await self._events.wait_for_more(happenings, left)
        opened = await self._workers.off_loop(lambda: opened_rows(self._content.sealer, sealed))
        names = await register.names_of(self._content, [row.conversation for row in rows])
        items: list[Json] = [
            summary(self._peers, self._clock, row, opened.get(row.ref), names.get(row.conversation))
            for row in _by_number(rows)
        ]
        return OperationResult(value={"messages": items, "next": str(rows[-1].ref) if rows else asked.after})


def _waiting(connection: Connection, after: int, limit: int) -> tuple[list[MessageRow], dict[int, SealedRow]]:
    rows = messages.to_take(connection, but=str(Incoming.AWAITING_ORDER), after=after, limit=limit)
    return rows, content.get(connection, [row.ref for row in rows])


def _by_number(rows: Sequence[MessageRow]) -> list[MessageRow]:
    """Those of each peer in the order of their numbers, as they are handed over, in the places that the peer has."""
    each = {
        peer: iter(sorted((row for row in rows if row.peer == peer), key=lambda row: (row.epoch or 0, row.n or 0)))
        for peer in {row.peer for row in rows}
    }
    return [next(each[row.peer]) for row in rows]

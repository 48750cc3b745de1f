"""Erasing in the case system (domain 10.8): it is asked about what it was shown and what a message of ours was made of,
and its honest answer is kept (nrm1 12.6).
"""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection

import schemas
from gateway.database import content, journal
from gateway.database.audit_entries import leaf
from gateway.database.sealed_content import Content
from gateway.delivery.handover import delivery_key
from gateway.delivery.intake import WAITING
from gateway.erasure import store as erasures
from gateway.erasure.store import ErasureRow
from gateway.errors import Code, RefusedError, TransientError
from gateway.foundation.chores import DAY
from gateway.foundation.logs import logger
from gateway.messages.store import handed_over, messages
from gateway.messages.store.handed_over import DUE, NOT_HELD
from gateway.messages.store.messages import IN, OUT, MessageRow
from gateway.ports import Adapter, Clock, Erasure, RecordEraser

AT_ONCE = 200
"""Erasures looked at together."""

NOT_SUPPORTED = str(Erasure.NOT_SUPPORTED)
GROUNDS = frozenset(entry.code for entry in schemas.code_list("erasure_ground").codes)
"""Reasons of people and peers; the others are names of retention rules."""

_LEFT = frozenset({str(Erasure.DISABLED_ONLY), str(Erasure.NOT_SUPPORTED)})
"""Answers after which somebody has to erase in the case system by hand."""
_GONE = frozenset({str(Erasure.ERASED), NOT_HELD})
"""Answers after which it has no record; it may have erased that before, and the node ended before that was noted."""


class CaseSystemEraser:
    """Asks the case system to erase."""

    def __init__(self, *, content: Content, adapter: Adapter | None, clock: Clock) -> None:
        self._content = content
        self._adapter = adapter
        self._clock = clock
        self._after = 0

    def first_place(self, connection: Connection, row: MessageRow, reason: str) -> str:
        """Where the case system has to be asked, or a person. A rule leaves the office's own record to the office; what
        a case system took that is connected no longer is for a person too.
        """
        if row.direction == OUT and row.origin is not None:
            return DUE if reason in GROUNDS and self._adapter is not None else NOT_SUPPORTED
        if row.direction == IN and self._adapter is not None:
            return DUE
        return NOT_SUPPORTED if handed_over.items(connection, [row.ref]) else NOT_HELD

    async def ask(self) -> None:
        """Ask the case system about everything it has not answered yet; ends early when it is busy, and begins behind
        there the next time: what it never answers about one message keeps nothing else there.
        """
        adapter, began = self._adapter, self._after
        if adapter is not None and await self._ask_from(adapter, began) and began:
            await self._ask_from(adapter, 0, until=began)

    async def _ask_from(self, adapter: Adapter, after: int, *, until: int | None = None) -> bool:
        """Ask about what comes behind a number, to another one; False where it ended early."""
        while rows := await self._content.store.read(partial(erasures.due, after=after, limit=AT_ONCE)):
            for row in rows:
                if until is not None and row.ref > until:
                    return True
                after = row.ref
                try:
                    await self._ask_about(adapter, row)
                except TransientError as error:
                    logger().info("erasure.postponed", code=str(error.code))
                    self._after = after
                    await self._tell_silence(row)
                    return False
        self._after = 0
        return True

    async def _tell_silence(self, row: ErasureRow) -> None:
        """Tell a person of what it has not answered for a day."""
        now = self._clock.now()
        if now - row.at < DAY:
            return

        def move(connection: Connection) -> None:
            message = messages.get(connection, [row.message])[row.message]
            journal.raise_alarm(connection, at=now, kind="erasure.refused", peer=message.peer, ref=message.ref)

        await self._content.store.move(move)

    async def _ask_about(self, adapter: Adapter, row: ErasureRow) -> None:
        now = self._clock.now()
        message, name = await self._local_name(row)
        try:
            place = NOT_SUPPORTED if name is None else str(await _erase_there(adapter, message, name))
        except RefusedError as error:
            if error.code is not Code.NOT_FOUND:
                await self._content.store.move(
                    lambda c: journal.raise_alarm(c, at=now, kind="erasure.refused", peer=message.peer, ref=message.ref)
                )
                return
            place = NOT_HELD

        def move(connection: Connection) -> None:
            erasures.answered(connection, row, place)
            if place in _GONE and message.direction == OUT and message.origin is not None:
                handed_over.drop_news(connection, message.origin)  # it would name the record anew
            journal.dismiss_about(connection, [message.ref], ["erasure.refused"], at=now)  # it has answered since
            journal.append_leaf(connection, leaf(now, "message.erased_locally", id=message.id, state=place))
            if place in _LEFT:
                journal.raise_alarm(connection, at=now, kind="erasure.left", peer=message.peer, ref=message.ref)

        await self._content.store.move(move)

    async def _local_name(self, row: ErasureRow) -> tuple[MessageRow, str | None]:
        """The message, and what the case system calls it, or the record that it was made of; None for a record whose
        name is gone, or of which something else is left.
        """

        def query(c: Connection) -> tuple[MessageRow, bytes | None]:
            message = messages.get(c, [row.message])[row.message]
            if (
                message.direction == OUT
                and message.origin is not None
                and erasures.still_used(c, message.origin, WAITING)
            ):
                return message, None
            item = message.origin if message.direction == OUT else handed_over.items(c, [row.message]).get(row.message)
            sealed = None if item is None else content.get(c, [item]).get(item)
            return message, None if sealed is None else self._content.sealer.open(sealed)

        message, name = await self._content.store.read(query)
        if name is not None:
            return message, name.decode()
        return message, delivery_key(message) if message.direction == IN else None


async def _erase_there(adapter: Adapter, message: MessageRow, name: str) -> Erasure:
    """Ask about a message that was handed over, or about the record of one that was sent."""
    if message.direction == IN:
        return await adapter.erase(name)
    return await adapter.erase_record(name) if isinstance(adapter, RecordEraser) else Erasure.NOT_SUPPORTED

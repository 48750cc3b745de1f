"""The event stream as people and local programs follow it: what happened, and which message it is about."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import TypeAlias

from sqlalchemy import Connection

from gateway.cases.entries import identity_of
from gateway.cases.subjects import keys_closed_to
from gateway.cases.units import kept_by
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.journal import Event
from gateway.database.sealed_content import Content
from gateway.delivery.operations import messages_shown
from gateway.errors import TransientError
from gateway.messages import probe
from gateway.messages.content_codec import MessageContent
from gateway.messages.store import messages as message_rows
from gateway.messages.store.messages import MessageRow
from gateway.messages.wakeups import EventStream
from gateway.operations.ports import Happening
from gateway.operations.roles import Caller
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json

EVENTS_AT_ONCE = 200
EVENTS_PAUSE = 15.0
"""Seconds after which the stream looks again without having been told."""
AWAY_PAUSE = 1.0
"""Seconds after which it asks again what could not be read."""
KNOWN_AT_MOST = 8_000
"""Events, and messages that they are about, in memory: half a minute of a busy node. Who is further behind costs as
much again.
"""
ABOUT_MESSAGES = ("message", "reminder")
"""Kinds of events that say which message they are about: it moved, or an answer to it is owed."""
_New: TypeAlias = tuple[MessageRow, MessageContent | None]
"""A message that the stream has not told of yet, with its content where that is there."""
_LASTING = ("id", "direction", "peer", "type", "conversation", "in_reply_to", "purpose", "unit")


@dataclass(frozen=True, slots=True, kw_only=True)
class _About:
    """What is told of a message, and the key of its conversation, which outlives what the message says."""

    key: bytes
    told: Mapping[str, Json]


class EventFeed:
    """Reads the event stream of one node. What never changes of a message is opened once and remembered."""

    def __init__(self, *, content: Content, peers: PeerRegistry, events: EventStream, clock: Clock) -> None:
        self._content = content
        self._peers = peers
        self._events = events
        self._clock = clock
        self._known: OrderedDict[int, _About] = OrderedDict()
        self._erasures = 0
        self._recent: deque[Event] = deque(maxlen=KNOWN_AT_MOST)
        self._read_at = 0.0
        self._reading = asyncio.Lock()

    def forget(self) -> None:
        """Forget what is remembered of messages, and keep nothing of what is being read: content was erased."""
        self._erasures += 1
        self._known.clear()
        self._recent.clear()

    async def follow(self, after: int | None, caller: Caller) -> AsyncIterator[Sequence[Happening]]:
        """Events after a position, or from now on, and then as they happen, without end; those that are there
        together. While the database or the key service is away or busy nothing is told, and nobody has to come back.
        """
        if after is None:
            after = await self._content.store.read(journal.last_event)
        while True:
            happenings = self._events.happenings
            try:
                found, known = await self._find_after(after)
                told = await self._tell(found, known, caller)
            except TransientError:
                await asyncio.sleep(AWAY_PAUSE)
                continue
            after = max([after, *(event.seq for event in found)])
            if told:
                yield told
            if len(found) < EVENTS_AT_ONCE:
                await self._events.wait_for_more(happenings, EVENTS_PAUSE)

    async def _tell(self, found: Sequence[Event], known: Mapping[int, _About], caller: Caller) -> list[Happening]:
        """Keep of these events, which are about `known` messages, those that this caller is told of."""
        of_unit = await self._of_unit(known, caller)
        closed = await self._closed_to(known, caller)
        told: list[Happening] = []
        for event in found:
            named = known.get(event.ref) if event.ref is not None and event.kind in ABOUT_MESSAGES else None
            about = None if named is None else named.told
            if about is not None and about["type"] == probe.TYPE:
                continue  # a test message of the way is nobody's case
            if event.ref in closed:
                continue
            if caller.unit is not None and (about is None or event.ref not in of_unit):
                continue
            told.append((event.seq, {**(about or {}), "kind": event.kind, "at": event.at, "state": event.state}))
        return told

    async def _closed_to(self, known: Mapping[int, _About], caller: Caller) -> set[int]:
        """The messages of cases that the caller must not see, for a conflict of interest."""
        if not identity_of(caller):
            return set()
        closed = await self._content.store.read(lambda c: keys_closed_to(self._content.sealer, c, caller))
        return {ref for ref, about in known.items() if about.key in closed}

    async def _of_unit(self, known: Mapping[int, _About], caller: Caller) -> set[int]:
        """The messages that the unit of the caller may see: it sent them or got them, or looks after their case now;
        none of which the content was erased.
        """
        if caller.unit is None:
            return set()
        there = {ref: about for ref, about in known.items() if about.told["conversation"] is not None}
        keys = {about.key for about in there.values()}
        kept = await self._content.store.read(lambda c: kept_by(self._content.sealer, c, keys))
        return {
            ref
            for ref, about in there.items()
            if (caller.unit in kept[about.key] if about.key in kept else about.told["unit"] == caller.unit)
        }

    async def _find_after(self, after: int) -> tuple[list[Event], Mapping[int, _About]]:
        """The next events after a position, and by number what is said about their messages. All who follow are told of
        the same ones at the same time, so they are read and opened once: what a read brought that began after somebody
        asked is good for that one, too. Who is far behind reads alone, and holds nobody up.
        """
        asked = time.monotonic()
        async with self._reading:
            if not self._recent or after > self._recent[-1].seq:
                self._recent.clear()
                await self._read_on(after)
            elif self._read_at <= asked and after + 1 >= self._recent[0].seq:
                await self._read_on(self._recent[-1].seq)
            if not self._recent or after + 1 >= self._recent[0].seq:
                newer = takewhile(lambda event: event.seq > after, reversed(self._recent))  # mostly a handful of them
                found = [*newer][::-1][:EVENTS_AT_ONCE]
                return found, await self._about(found)
        found = await self._read_after(after)
        return found, await self._about(found)

    async def _read_on(self, after: int) -> None:
        began = time.monotonic()
        self._recent.extend(await self._read_after(after))
        self._read_at = began

    async def _read_after(self, after: int) -> list[Event]:
        return await self._content.store.read(lambda c: journal.events_after(c, after, EVENTS_AT_ONCE))

    async def _about(self, events: Sequence[Event]) -> Mapping[int, _About]:
        """Describe the messages of events as the stream does; those that are not known yet are opened."""
        refs = dict.fromkeys(event.ref for event in events if event.ref is not None)
        found = {ref: self._known[ref] for ref in refs if ref in self._known}
        new = [ref for ref in refs if ref not in found]
        before = self._erasures
        for row, opened in await self._content.store.read(partial(self._open, refs=new)) if new else ():
            about = messages_shown.summary(self._peers, self._clock, row, opened)
            found[row.ref] = _About(key=row.conversation, told={name: about[name] for name in _LASTING})
        if self._erasures == before:  # else some of it may have been erased after it was opened
            self._known.update((ref, found[ref]) for ref in new if ref in found)
        while len(self._known) > KNOWN_AT_MOST:  # others may have filled it meanwhile
            self._known.popitem(last=False)
        return found

    def _open(self, connection: Connection, refs: Collection[int]) -> Sequence[_New]:
        rows = message_rows.get(connection, [*refs])
        sealed = content_rows.get(connection, list(rows)) if rows else {}  # drafts have events too
        opened = messages_shown.opened_rows(self._content.sealer, sealed) if sealed else {}
        return [(row, opened.get(ref)) for ref, row in rows.items()]

"""Bringing the parts of one message to its peer, which has judged the envelope (nrm1 10.7, 10.9).

The ciphertext is fixed, so going on after a break needs nothing but the answer to "which segment is next?". Several
segments are under way at a time, so that one is sent while another is made durable there; a peer that takes one at a
time refuses the second, and gets them so. A segment that did not arrive is asked about and sent again a few times; what
lasts longer is left to the sender's backoff, and the next round goes on where the peer says.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from gateway.attachments import store
from gateway.attachments.pace import Pace
from gateway.attachments.store import AttachmentRow
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError, TransientError
from gateway.federation.address import PeerAddress
from gateway.federation.client import Answered, FederationClient
from gateway.messages.answers import read_next, read_refusal
from gateway.messages.store.messages import MessageRow
from gateway.ports import Clock, Files
from keys.primitives.attachment_cipher import SEGMENT, count_segments, segment_length

AT_ONCE = 3
"""Segments under way: one of the connections to a peer (`CONNECTIONS_PER_PEER`) is left for other messages."""
TRIES = 4
"""How often one segment is sent before the round ends; the pauses between are doubled each time."""
FIRST_PAUSE = 0.5
Goes: TypeAlias = Callable[[], Awaitable[bool]]
"""Whether a message may still go as it was judged."""


class Uploader:
    """Brings the parts of messages to peers."""

    def __init__(self, *, store: Store, client: FederationClient, files: Files, pace: Pace, clock: Clock) -> None:
        self._store = store
        self._client = client
        self._files = files
        self._pace = pace
        self._clock = clock

    async def upload(self, peer: PeerAddress, message: MessageRow, goes: Goes) -> Answered | None:
        """Everything that the peer does not have yet; its answer to the last segment. None when the envelope has to be
        shown again, or when the message may go no longer, which is asked before each segment.

        Raises:
            TransientError: the peer is away, or refuses the request as a whole.
            RefusedError: not_found; a file is not here any more.
        """
        rows = (await self._store.read(lambda c: store.of_messages(c, [message.ref]))).get(message.ref, [])
        for row in rows:
            answer = await self._part(peer, goes, row)
            if isinstance(answer, Answered):
                return answer
            if not answer:
                return None
        return None

    async def _part(self, peer: PeerAddress, goes: Goes, row: AttachmentRow) -> Answered | bool:
        """One part: the answer that ends the message, True when the peer has the part, False when it waits for none or
        the message may go no longer.
        """
        width = AT_ONCE
        wanted = await self._wanted(peer, row)
        while wanted is not None and wanted < count_segments(row.length):
            try:
                found = await self._segments(peer, goes, row, wanted, width)
            except _RefusedSegmentError:
                found = await self._wanted(peer, row)
                width = 1  # it takes a segment only when the one before was answered
            if found is None or isinstance(found, Answered):
                return found or False
            wanted = found
        return wanted is not None

    async def _segments(
        self, peer: PeerAddress, goes: Goes, row: AttachmentRow, first: int, width: int
    ) -> Answered | int | None:
        """Send from segment `first` on, so many at a time: what is wanted behind the last one, None if the peer waits
        for none or the message may go no longer, or the answer that ends the message.

        Raises:
            TransientError: one was not answered; those behind it are given up.
            _RefusedSegmentError: the peer wants another one.
        """
        flying: deque[asyncio.Task[Answered | int | None]] = deque()
        k = following = first
        try:
            while k < count_segments(row.length):
                while following < count_segments(row.length) and len(flying) < width:
                    if not await goes():
                        return None
                    data = await self._read(row, following)
                    flying.append(asyncio.create_task(self._segment(peer, goes, row, following, data)))
                    following += 1
                found = await flying.popleft()
                if not isinstance(found, int):
                    return found
                k += 1
                self._store.move_along(partial(store.sent, ref=row.ref, held=max(k, found)))
                self._pace.note(row.file, min(k * SEGMENT, row.length))
            return k
        finally:
            for task in flying:
                task.cancel()
            await asyncio.gather(*flying, return_exceptions=True)

    async def _segment(
        self, peer: PeerAddress, goes: Goes, row: AttachmentRow, k: int, data: bytes
    ) -> Answered | int | None:
        """One segment, sent until it is answered: what is wanted next, None if the peer waits for none or the message
        may go no longer, or the answer that ends the message.
        """
        for attempt in range(TRIES):
            try:
                return _meaning(await self._client.put_part(peer, row.id, row.n, k, data), k)
            except TransientError:
                if attempt == TRIES - 1:
                    raise
            await self._clock.sleep(FIRST_PAUSE * (1 << attempt))
            wanted = await self._wanted(peer, row)
            if wanted is None or wanted > k:
                return wanted
            if not await goes():
                return None
        raise RuntimeError("the last try returns or raises")

    async def _read(self, row: AttachmentRow, k: int) -> bytes:
        data = await self._files.get(row.file, k * SEGMENT, SEGMENT)
        if len(data) != segment_length(row.length, k):
            raise RefusedError(Code.NOT_FOUND, "a file of the message is no longer in the folder of attachments")
        return data

    async def _wanted(self, peer: PeerAddress, row: AttachmentRow) -> int | None:
        found = _meaning(await self._client.get_part(peer, row.id, row.n))
        if isinstance(found, Answered):
            raise TransientError(Code.REJECTED, "the peer does not say which segment it wants")
        return found


class _RefusedSegmentError(Exception):
    """The peer answered 409: another segment is wanted. Caught where the part is brought."""


def _meaning(answered: Answered, k: int | None = None) -> Answered | int | None:
    """Tell what is wanted next, None where nothing is, or that this answers the message; `k` was sent, if any."""
    match answered.status:
        case 200:
            wanted = read_next(answered.body)
            return answered if wanted is None else wanted
        case 404:
            return None
        case 409 if k is not None:
            raise _RefusedSegmentError
        case _:
            raise TransientError(read_refusal(answered.body), "the peer refused a segment")

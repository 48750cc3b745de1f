"""Segments of parts as they come (nrm1 10.7): several may be under way, they count in their order, and those that are
there together are made durable together.

Whoever brings a segment puts it among those that wait and goes through all of them, one request at a time for each
message: what is next is written and checked, then one sync and one commit, then each is answered. What came early waits
for those before it, for a moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection

from gateway.attachments import store
from gateway.attachments.pace import Pace
from gateway.attachments.part_checks import PartChecks
from gateway.attachments.store import AttachmentRow, UploadRow
from gateway.database.engine import Store
from gateway.errors import Code, GatewayError, RemoteError
from gateway.federation.endpoints import Segment
from gateway.federation.handlers import Reply
from gateway.foundation.ids import NodeId
from gateway.ports import Clock, Files
from keys.documents.envelope import join_envelopes
from keys.primitives.attachment_cipher import SEGMENT, count_segments, segment_length
from keys.primitives.encoding import canon

EARLY_SECONDS = 5.0
"""How long a segment waits for those before it, in real time: it guards a socket."""
MOST_EARLY = 8
"""Segments before one that may be missing: no more requests of a peer are under way at a time."""

_JSON = "application/json"


@dataclass(slots=True, eq=False)
class _Waiting:
    """Segment `k` of part `n`, which was not answered yet."""

    n: int
    k: int
    data: bytes = field(repr=False)
    answer: asyncio.Future[Reply]


@dataclass(slots=True, eq=False)
class _Arrivals:
    """The segments of one message that wait; `moved` is set after each round that answered one, and is then another."""

    waiting: list[_Waiting] = field(default_factory=list)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    moved: asyncio.Event = field(default_factory=asyncio.Event)


class Uploads:
    """Answers requests about parts for proven peers; `judge` is what answers `/v1/messages`."""

    def __init__(
        self,
        *,
        store: Store,
        files: Files,
        checks: PartChecks,
        pace: Pace,
        clock: Clock,
        judge: Callable[[NodeId, bytes], Awaitable[bytes]],
    ) -> None:
        self._store = store
        self._files = files
        self._checks = checks
        self._pace = pace
        self._clock = clock
        self._judge = judge
        self._arriving: dict[tuple[NodeId, str], _Arrivals] = {}

    async def put(self, node: NodeId, segment: Segment, data: bytes) -> Reply:
        """The next segment of a part; see `FederationHandlers.put_part`."""
        if segment.k is None:
            raise RuntimeError("a segment that is put has a number")
        arrivals = self._arriving.setdefault((node, segment.id), _Arrivals())
        loop = asyncio.get_running_loop()
        one = _Waiting(segment.n, segment.k, data, loop.create_future())
        one.answer.add_done_callback(lambda done: done.cancelled() or done.exception())  # its caller may be gone
        arrivals.waiting.append(one)
        deadline = loop.time() + EARLY_SECONDS
        try:
            while True:
                # A caller that goes away leaves the round to its end: what it writes must not meet the next one's.
                moved = await asyncio.shield(self._go_round(node, segment.id, arrivals, one))
                if one.answer.done():
                    return one.answer.result()
                if loop.time() >= deadline:
                    return _refused(409)
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(deadline):
                        await moved.wait()
        finally:
            arrivals.waiting.remove(one)
            self._forget_idle(node, segment.id, arrivals)

    async def wanted(self, node: NodeId, segment: Segment) -> Reply:
        """Answer which segment of a part is wanted next."""
        upload, rows = await self._store.read(partial(_find, node=node, id=segment.id))
        if upload is None or segment.n >= len(rows):
            return _refused(404)
        return _next(rows[segment.n].held)

    async def _go_round(self, node: NodeId, id: str, arrivals: _Arrivals, one: _Waiting) -> asyncio.Event:
        """Go through what waits, if another's round has not answered this one; what tells of the next round."""
        try:
            async with arrivals.lock:
                if not one.answer.done():
                    await self._go_through(node, id, arrivals)
                return arrivals.moved
        finally:
            self._forget_idle(node, id, arrivals)

    def _forget_idle(self, node: NodeId, id: str, arrivals: _Arrivals) -> None:
        if not arrivals.waiting and not arrivals.lock.locked() and self._arriving.get((node, id)) is arrivals:
            del self._arriving[node, id]

    async def _go_through(self, node: NodeId, id: str, arrivals: _Arrivals) -> None:
        """Answer what waits and is in its turn, or has none."""
        # Before the reading, so that none is judged by what was stored before it came.
        waiting = [one for one in arrivals.waiting if not one.answer.done()]
        try:
            upload, rows = await self._store.read(partial(_find, node=node, id=id))
            if upload is None:
                _answer(waiting, _refused(404))
            else:
                await self._take(node, upload, rows, waiting)
        except GatewayError as error:
            for one in waiting:
                if not one.answer.done():
                    one.answer.set_exception(error)
        finally:
            if any(one.answer.done() for one in waiting):  # a round that answers nobody makes nobody look again
                arrivals.moved.set()
                arrivals.moved = asyncio.Event()

    async def _take(
        self, node: NodeId, upload: UploadRow, rows: Sequence[AttachmentRow], waiting: Sequence[_Waiting]
    ) -> None:
        held = [row.held for row in rows]
        came: list[_Waiting] = []
        for one in sorted(waiting, key=lambda one: (one.n, one.k)):
            n, k = one.n, one.k
            if n >= len(rows):
                _answer([one], _refused(404))
            elif not held[n] <= k < held[n] + MOST_EARLY:
                _answer([one], _refused(409))
            elif len(one.data) != segment_length(rows[n].length, k):
                one.answer.set_exception(RemoteError(Code.MALFORMED, "the segment does not have the required length"))
            elif k == held[n]:
                await self._write(node, rows[n], k * SEGMENT, one.data)
                held[n] += 1
                came.append(one)
        if came:
            await self._make_durable(rows, held)
            left = sum(count_segments(row.length) - got for row, got in zip(rows, held, strict=True))
            last = None if left else came.pop()
            for one in came:
                _answer([one], _next(one.k + 1))
            if last is not None:
                body = await self._judge(node, join_envelopes([upload.envelope]))
                _answer([last], Reply(200, _JSON, body))

    async def _write(self, node: NodeId, row: AttachmentRow, at: int, data: bytes) -> None:
        """Put what came, and look at it meanwhile. Raises TransientError(disk) once neither goes on."""
        both = self._files.put(row.file, at, data), self._checks.take(node, row, at, data)
        for outcome in await asyncio.gather(*both, return_exceptions=True):
            if outcome is not None:
                raise outcome

    async def _make_durable(self, rows: Sequence[AttachmentRow], held: Sequence[int]) -> None:
        """Make durable what came, then count it."""
        now = self._clock.now()
        grown = [(row, got) for row, got in zip(rows, held, strict=True) if got > row.held]
        await asyncio.gather(*(self._files.sync(row.file) for row, _ in grown))

        def move(connection: Connection) -> None:
            for row, got in grown:
                store.came(connection, row, got, at=now)

        await self._store.move(move)
        for row, got in grown:
            self._pace.note(row.file, min(got * SEGMENT, row.length))


def _find(connection: Connection, node: NodeId, id: str) -> tuple[UploadRow | None, list[AttachmentRow]]:
    return store.find_upload(connection, node, id), store.coming(connection, node, id)


def _answer(waiting: Sequence[_Waiting], reply: Reply) -> None:
    for one in waiting:
        one.answer.set_result(reply)


def _next(held: int) -> Reply:
    return Reply(200, _JSON, canon({"next": held}))


def _refused(status: int) -> Reply:
    """No message waits for this part (404), or another segment is wanted next (409)."""
    return Reply(status, _JSON, canon({"code": str(Code.OUT_OF_ORDER)}))

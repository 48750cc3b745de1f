"""Receiving the parts of a message (nrm1 10.6 to 10.8; step 18 of the receive order).

An envelope with parts that passes every step up to 17 is kept as it came, and its number is not used yet. Its parts
come in segments, each on disk before it is answered; which one is wanted next can be asked at any time. When the last
one is there, the envelope is judged once more as if it had just come, now with its files: they are opened as streams
and checked against what was signed, and only then is the message received. Until then the id has no final answer.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from sqlalchemy import Connection

from gateway.attachments import store
from gateway.attachments.library import AttachmentLibrary
from gateway.attachments.rules import files_of
from gateway.attachments.store import AttachmentRow, UploadRow
from gateway.database.engine import Store
from gateway.errors import WIRE_CODES, Code, RemoteError, TransientError
from gateway.federation.endpoints import Segment
from gateway.federation.handlers import Reply
from gateway.foundation.ids import MessageId, NodeId
from gateway.messages.store.messages import IN
from gateway.messages.types import AuthenticStatement
from gateway.ports import Clock, Files
from keys.documents.envelope import join_envelopes
from keys.primitives.attachment_cipher import SEGMENT, count_segments, segment_length
from keys.primitives.encoding import canon

MOST_UPLOADS = 16
"""Messages of one peer that wait for their parts at a time; an honest sender brings one after the other."""

_JSON = "application/json"


class IncomingFiles:
    """Implements `gateway.delivery.inbound.receiver.IncomingFiles`: keeps envelopes that wait for their parts, and
    compares the parts with what was signed when they are there.
    """

    def __init__(
        self, *, store: Store, attachments: AttachmentLibrary, files: Files, clock: Clock, rand: Callable[[int], bytes]
    ) -> None:
        self._store = store
        self._attachments = attachments
        self._files = files
        self._clock = clock
        self._rand = rand

    async def check_files(
        self, node: NodeId, messages: Mapping[MessageId, AuthenticStatement]
    ) -> Mapping[MessageId, Code | None]:
        """Compare files with what was signed: None where they are that, else the code of the refusal. A message whose
        files are not all here, and one without files, is not in the answer.
        """
        judged: dict[MessageId, Code | None] = {}
        for id, message in messages.items():
            if message.statement.parts:
                rows = await self._store.read(partial(store.coming, peer=node, id=id))
                if tuple(row.length for row in rows) == message.statement.parts and await self._complete(rows):
                    judged[id] = await self._verdict(message, rows)
        return judged

    async def _complete(self, rows: list[AttachmentRow]) -> bool:
        """Whether every segment is here. What a row counts and the disk does not have is wanted again."""
        whole = True
        for row in rows:
            held = min(row.held, await self._files.size(row.file) // SEGMENT)
            if row.held == count_segments(row.length) and await self._files.size(row.file) == row.length:
                continue
            whole = False
            if held < row.held:
                await self._store.move(partial(store.came, row=row, held=held, at=self._clock.now()))
        return whole

    async def _verdict(self, message: AuthenticStatement, rows: list[AttachmentRow]) -> Code | None:
        try:
            for row, part in zip(rows, files_of(message.secret), strict=True):
                await self._attachments.verify(row, part)
        except RemoteError as error:
            return error.code if error.code in WIRE_CODES else Code.MALFORMED
        return None

    async def keep_envelope(self, node: NodeId, message: AuthenticStatement, envelope: bytes) -> None:
        """Keep an envelope that waits for its parts; the same again changes nothing.

        Raises TransientError: locked while too many of the peer's messages wait, disk.
        """
        now, stated = self._clock.now(), message.statement
        known = await self._store.read(lambda c: (store.uploads(c, node), store.coming(c, node, stated.id)))
        same = tuple(row.length for row in known[1]) == stated.parts
        if not same:
            await self._attachments.check_room(sum(stated.parts))
        if len([upload for upload in known[0] if upload.id != stated.id]) >= MOST_UPLOADS:
            raise TransientError(Code.LOCKED, "too many messages of this peer wait for their files")
        rows = [
            AttachmentRow(
                ref=self._store.new_ref(),
                file=self._rand(16).hex(),
                direction=IN,
                peer=node,
                id=stated.id,
                n=n,
                message=None,
                length=length,
                held=0,
                at=now,
            )
            for n, length in enumerate(stated.parts)
        ]
        upload = UploadRow(peer=node, id=stated.id, envelope=envelope, began=now, at=now, expires=stated.expires)

        def move(connection: Connection) -> None:
            if same:  # sealed anew, perhaps: the parts stay
                store.replace_envelope(connection, upload)
            else:
                store.begin(connection, upload, rows)

        await self._store.move(move)


class Uploads:
    """Answers requests about parts for proven peers; `judge` is what answers `/v1/messages`."""

    def __init__(
        self, *, store: Store, files: Files, clock: Clock, judge: Callable[[NodeId, bytes], Awaitable[bytes]]
    ) -> None:
        self._store = store
        self._files = files
        self._clock = clock
        self._judge = judge
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def put(self, node: NodeId, segment: Segment, data: bytes) -> Reply:
        """The next segment of a part; see `FederationHandlers.put_part`."""
        async with self._locks[node]:
            upload, rows = await self._store.read(partial(_find, node=node, id=segment.id))
            if upload is None or segment.n >= len(rows):
                return _refused(404)
            row = rows[segment.n]
            if segment.k != row.held:
                return _refused(409)
            if len(data) != segment_length(row.length, segment.k):
                raise RemoteError(Code.MALFORMED, "the segment does not have the required length")
            await self._files.put(row.file, segment.k * SEGMENT, data)
            held = segment.k + 1
            await self._store.move(partial(store.came, row=row, held=held, at=self._clock.now()))
            left = sum(count_segments(other.length) - other.held for other in rows) - 1
            if left:
                return _next(held)
            return Reply(200, _JSON, await self._judge(node, join_envelopes([upload.envelope])))

    async def wanted(self, node: NodeId, segment: Segment) -> Reply:
        """Answer which segment of a part is wanted next."""
        upload, rows = await self._store.read(partial(_find, node=node, id=segment.id))
        if upload is None or segment.n >= len(rows):
            return _refused(404)
        return _next(rows[segment.n].held)


def _find(connection: Connection, node: NodeId, id: str) -> tuple[UploadRow | None, list[AttachmentRow]]:
    return store.find_upload(connection, node, id), store.coming(connection, node, id)


def _next(held: int) -> Reply:
    return Reply(200, _JSON, canon({"next": held}))


def _refused(status: int) -> Reply:
    """No message waits for this part (404), or another segment is wanted next (409)."""
    return Reply(status, _JSON, canon({"code": str(Code.OUT_OF_ORDER)}))

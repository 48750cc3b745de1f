"""Receiving the parts of a message (nrm1 10.6 to 10.8; step 18 of the receive order).

An envelope with parts that passes every step up to 17 is kept as it came, and its number is not used yet. Its parts
come in segments, each on disk before it is answered; which one is wanted next can be asked at any time. When the last
one is there, the envelope is judged once more as if it had just come, now with its files: they were checked against
what was signed while they came, and only then is the message received. Until then the id has no final answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from sqlalchemy import Connection

from gateway.attachments import store
from gateway.attachments.library import AttachmentLibrary
from gateway.attachments.part_checks import PartChecks
from gateway.attachments.store import AttachmentRow, UploadRow
from gateway.database.engine import Store
from gateway.errors import WIRE_CODES, Code, RemoteError, TransientError
from gateway.foundation.ids import MessageId, NodeId
from gateway.messages.store.messages import IN
from gateway.messages.types import AuthenticStatement
from gateway.ports import Clock, Files
from keys.primitives.attachment_cipher import SEGMENT, count_segments

MOST_UPLOADS = 16
"""Messages of one peer that wait for their parts at a time; an honest sender brings one after the other."""


class IncomingFiles:
    """Implements `gateway.delivery.inbound.receiver.IncomingFiles`: keeps envelopes that wait for their parts, and
    compares the parts with what was signed when they are there.
    """

    def __init__(
        self,
        *,
        store: Store,
        attachments: AttachmentLibrary,
        files: Files,
        checks: PartChecks,
        clock: Clock,
        rand: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._attachments = attachments
        self._files = files
        self._checks = checks
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
                    judged[id] = await self._verdict(node, message, rows)
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

    async def _verdict(self, node: NodeId, message: AuthenticStatement, rows: list[AttachmentRow]) -> Code | None:
        try:
            await self._checks.finish(node, rows, message.files)
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
        self._checks.begin(node, stated.id, message.files)

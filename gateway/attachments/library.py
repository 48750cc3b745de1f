"""Files in this node: sealed once when they are added, read as streams, swept away when they are of nothing.

A file gets its place before it is sealed, for its place is sealed in: the id of the message that will take it, and its
number there. The first file of a message gives that id, further files and then the message itself name it. Plain text
is only ever in the memory of the step that seals or opens it, about one segment at a time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from functools import partial
from itertools import islice

from sqlalchemy import Connection

from gateway.attachments import store
from gateway.attachments.media import Inspector
from gateway.attachments.rules import MOST_FILES, files_of, name_of
from gateway.attachments.spool import Spool
from gateway.attachments.store import AttachmentRow
from gateway.attachments.streams import in_blocks, one_ahead
from gateway.database import content, journal
from gateway.database.audit_entries import leaf
from gateway.database.content_sealer import ContentSealer
from gateway.database.sealed_content import Content
from gateway.errors import Code, GatewayError, RefusedError, RemoteError, TransientError
from gateway.foundation.ids import UnitId
from gateway.foundation.workers import Workers
from gateway.messages import content_codec
from gateway.messages.content_codec import MessageContent
from gateway.messages.machines.delivery import SENDING, Outgoing
from gateway.messages.store.messages import OUT
from gateway.messages.types import MESSAGE_LIFE
from gateway.peers.registry import PeerRegistry
from gateway.peers.scope import PeerState
from gateway.ports import Clock, Files
from keys.documents.statement import SecretPart
from keys.primitives.attachment_cipher import PartOpener, PartSealer, part_length
from keys.primitives.encoding import b64u

RESERVE = 256 * 1024 * 1024
"""Bytes of the disk that attachments leave free: the database lies there too."""

BLOCK = 1024 * 1024
"""Bytes that are sealed or opened, and put or got, in one go."""

FAILED_ALARM = "message.failed"
"""Open about a message of ours, it says that a person may still send it anew, with its files."""

_MAY_GO_AGAIN = frozenset({*SENDING, Outgoing.AWAITING_HANDOVER})
"""States in which the ciphertext may be needed once more: also what a restored peer lost (nrm1 5.11)."""


class AttachmentLibrary:
    """The files of messages in this node."""

    def __init__(
        self,
        *,
        content: Content,
        peers: PeerRegistry,
        files: Files,
        workers: Workers,
        clock: Clock,
        rand: Callable[[int], bytes],
    ) -> None:
        self._content = content
        self._peers = peers
        self._files = files
        self._workers = workers
        self._clock = clock
        self._rand = rand
        self._spooling: set[str] = set()
        self._unnamed: set[str] = set()
        self.alone = True
        """Whether no other worker of this node adds files."""

    async def add(
        self,
        chunks: AsyncIterator[bytes],
        *,
        size: int,
        sha256: str | None = None,
        id: str | None = None,
        unit: UnitId | None = None,
        begins: bool = False,
    ) -> AttachmentRow:
        """Seal a file of `size` bytes for the message `id`, or for a new one; `unit` is that of whoever adds it. With
        `begins` the caller has drawn the id of a new message, and no file waits for it yet.

        Raises:
            RefusedError: too_large, wrong_type, malformed for another size than was said, changed_meanwhile for another
                hash, not_found for an id that no file waits for, invalid for an eleventh file, conflict; nothing of it
                is kept.
            TransientError: disk.
        """
        self._check_size(size)
        await self.check_room(part_length(size))
        n = 0 if id is None or begins else await self._next_number(id)
        id = id or b64u(self._rand(16))
        spool = Spool(self._files, file := self._rand(16).hex())
        self._spooling.add(file)
        try:
            sealed = await self._sealed(chunks, spool, PartSealer(self._rand(32), id=id, n=n, size=size), n)
            if sha256 not in {None, sealed.sha256.hex()}:
                raise RefusedError(Code.CHANGED_MEANWHILE, "the file has not the hash that was said")
            return await self._keep(file, id, sealed, unit)
        except BaseException:
            await spool.give_up()
            raise
        finally:
            self._spooling.discard(file)

    def _check_size(self, size: int) -> None:
        """A file that no peer takes is not sealed at all."""
        now = self._clock.now()
        active = [peer.standing(now).agreed for peer in self._peers.all() if peer.state is PeerState.ACTIVE]
        most = max((agreed.max_file_bytes for agreed in active), default=0)
        if size > most:
            raise RefusedError(
                Code.TOO_LARGE,
                f"the file has {size} bytes, and no peer accepts more than {most}; nothing was stored",
                hint="see trm peer show; administrators can change max_file_bytes of the scope",
            )

    async def check_room(self, length: int) -> None:
        """Return if the disk takes so much more. Raises TransientError(disk)."""
        if await self._files.free() < length + RESERVE:
            raise TransientError(
                Code.DISK, "the disk has no room for this file", hint="make room in the folder of attachments"
            )

    async def _next_number(self, id: str) -> int:
        waiting = await self._content.store.read(lambda c: store.unsent(c, [id]))
        if id not in waiting:
            raise RefusedError(
                Code.NOT_FOUND,
                "no file waits for a message with this id; nothing was stored",
                hint="the first file of a message is added without an id and gives it one",
            )
        if len(waiting[id]) >= MOST_FILES:
            raise RefusedError(Code.INVALID, f"a message has at most {MOST_FILES} files; nothing was stored")
        return len(waiting[id])

    async def _sealed(self, chunks: AsyncIterator[bytes], spool: Spool, sealer: PartSealer, n: int) -> SecretPart:
        """Everything of the file on disk, as ciphertext; what opens it."""
        inspector = Inspector()

        def seal(block: Sequence[bytes]) -> list[bytes]:
            for chunk in block:
                inspector.feed(chunk)
            return [sealer.update(chunk) for chunk in block]

        async with aclosing(one_ahead(in_blocks(chunks, BLOCK))) as blocks:
            async for block in blocks:
                await spool.put(await self._workers.off_loop(partial(seal, block)))
        media, rest = inspector.finish(), sealer.finish()
        while pieces := await self._workers.off_loop(lambda: list(islice(rest, 16))):
            await spool.put(pieces)
        await spool.finish()
        return sealer.part(name=name_of(n, media), media=media)

    async def _keep(self, file: str, id: str, part: SecretPart, unit: UnitId | None) -> AttachmentRow:
        ref, now = self._content.store.new_ref(), self._clock.now()
        row = AttachmentRow(
            ref=ref,
            file=file,
            direction=OUT,
            peer=None,
            id=id,
            n=part.n,
            message=None,
            length=part_length(part.size),
            held=0,
            at=now,
        )
        sealed = self._content.sealer.seal(ref, content_codec.attachment(part, unit))

        def move(connection: Connection) -> None:
            if len(store.unsent(connection, [id]).get(id, [])) != part.n:
                raise RefusedError(Code.CONFLICT, "another file was added meanwhile; nothing was stored")
            content.put(connection, [sealed])
            store.add(connection, [row])
            journal.append_leaf(connection, leaf(now, "attachment.added", id=id, n=part.n))

        await self._content.store.move(move)
        return row

    async def copied(self, opened: MessageContent, rows: Sequence[AttachmentRow], id: str) -> bool:
        """The files of a stored message once more, for a new one with this id; whether there are any. What is left of
        an earlier try goes first.

        Raises:
            RefusedError: not_found where one is not here any more, as `read` and `add` do else; nothing of them is
            kept. TransientError: disk.
        """
        wanted = of_message(opened)
        there = [row.n for row in rows if await self._files.size(row.file) == row.length]
        if there != [part.n for part in wanted]:
            raise RefusedError(
                Code.NOT_FOUND,
                "a file of this message is no longer here; nothing was changed",
                hint="write the message again, and add its files again",
            )
        if not wanted:
            return False
        try:
            await self.forget(id)
            for row, part in zip(rows, wanted, strict=True):
                await self.add(self.read(row, part), size=part.size, id=id, begins=part.n == 0)
        except GatewayError:
            await self.forget(id)
            raise
        return True

    async def forget(self, id: str) -> None:
        """The files that wait for a message go: their keys now, the ciphertext with the next sweep."""
        await self._content.store.move(lambda c: store.drop_unsent(c, id))

    async def read(self, row: AttachmentRow, part: SecretPart) -> AsyncIterator[bytes]:
        """The content of a file, as a stream. Whoever reads it believes nothing before the end came without an error.

        Raises RefusedError(undecryptable): it is not here, or not what was signed.
        """
        async with aclosing(one_ahead(self._open(row, part))) as blocks:
            async for block in blocks:
                yield block

    async def _open(self, row: AttachmentRow, part: SecretPart) -> AsyncIterator[bytes]:
        opener, at = PartOpener(part, id=row.id), 0
        try:
            while data := await self._files.get(row.file, at, BLOCK):
                at += len(data)
                yield await self._workers.off_loop(partial(opener.update, data))
            yield await self._workers.off_loop(opener.finalize)
        except RemoteError as exc:
            raise RefusedError(
                Code.UNDECRYPTABLE,
                "the file cannot be opened; it was altered, or is missing from the folder of attachments",
            ) from exc

    async def sweep(self) -> None:
        """Rows that are of nothing any more, then the files that no row names: keys were destroyed before (nrm1
        13.3).
        """
        now, states = self._clock.now(), [str(state) for state in _MAY_GO_AGAIN]

        def move(connection: Connection) -> None:
            store.drop_old(
                connection, before=now - MESSAGE_LIFE, states=states, again=FAILED_ALARM, taken_back=str(Code.CANCELLED)
            )
            store.drop_expired(connection, now)

        # Both before the rows: a file that comes meanwhile is not in the list, and one that is finished has its row.
        there, spooling = await self._files.names(), frozenset(self._spooling)
        await self._content.store.move(move)
        known = await self._content.store.read(store.files)
        unnamed = {name for name in there if name not in known and name not in spooling}
        # What another worker seals now has no row yet: it goes if it has none by the next time either.
        gone = unnamed if self.alone else unnamed & self._unnamed
        self._unnamed = unnamed
        await self._files.erase(sorted(gone))


# --- adding -------------------------------------------------------------------------------------------------------


def resent_as(sealer: ContentSealer, ids: Sequence[str]) -> list[str]:
    """The ids of the messages that say again what failed ones said: always the same, so that copies of files which were
    left for one are found when that one is erased.
    """
    return [b64u(hashed[:16]) for hashed in sealer.hashes([b"again/" + id.encode() for id in ids])]


def waiting_in(sealer: ContentSealer, connection: Connection, id: str) -> tuple[SecretPart, ...]:
    """What opens the files that wait for a message, in their order; none where none waits."""
    rows = store.unsent(connection, [id]).get(id, [])
    sealed = content.get(connection, [row.ref for row in rows])
    return tuple(content_codec.read_attachment(sealer.open(sealed[row.ref])) for row in rows)


# --- reading ------------------------------------------------------------------------------------------------------


def of_message(opened: MessageContent) -> tuple[SecretPart, ...]:
    """What opens the files of a stored message."""
    return files_of(opened.secret)

"""Files of messages, for people and case systems: added before a message, listed and read after it, as streams."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from gateway.attachments import library, store
from gateway.attachments.byte_source import SUFFIXES
from gateway.attachments.library import AttachmentLibrary
from gateway.attachments.operations.models import (
    AddAttachment,
    Added,
    Attachments,
    Forgotten,
    Moving,
    ReadAttachment,
    Waiting,
    WaitingFiles,
)
from gateway.attachments.pace import Pace
from gateway.attachments.store import AttachmentRow, UploadRow
from gateway.database import content
from gateway.database.sealed_content import Content
from gateway.delivery.operations.message_models import OneMessageOneWay
from gateway.delivery.operations.messages_shown import opened_row
from gateway.errors import Code, RefusedError
from gateway.messages.content_codec import MessageContent
from gateway.messages.machines.delivery import Outgoing
from gateway.messages.store import messages as message_rows
from gateway.messages.store.messages import IN, MessageRow
from gateway.operations.models import Nothing
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import CASE_SYSTEMS, MOVES, Caller
from gateway.peers.registry import PeerRegistry
from gateway.ports import Files, Json, OperationResult
from keys.documents.statement import SecretPart
from keys.primitives.attachment_cipher import SEGMENT
from keys.primitives.encoding import is_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One file of a stored message: where it lies and what opens it."""

    row: AttachmentRow
    part: SecretPart = field(repr=False)
    kind: str | None


class AttachmentOperations:
    """Operations on files of messages."""

    def __init__(
        self, *, content: Content, peers: PeerRegistry, attachments: AttachmentLibrary, files: Files, pace: Pace
    ) -> None:
        self._content = content
        self._peers = peers
        self._attachments = attachments
        self._files = files
        self._pace = pace

    @operation(
        "attachment.add",
        "seal a file",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Added,
        units=Units.NARROWED,
        creates=True,
        streams=True,
        takes_in=True,
    )
    async def add(
        self, asked: AddAttachment, chunks: AsyncIterator[bytes], size: int, caller: Caller
    ) -> OperationResult:
        """Seal a file for a message that is still to be submitted: the first one gives the message its id."""
        id = asked.message
        if id is not None and not is_id(id):
            raise RefusedError(Code.INVALID, "a message id is 16 bytes as base64url; nothing was stored")
        row = await self._attachments.add(chunks, size=size, id=id, unit=caller.unit)
        (part,) = [part for part in await self._waiting(row.id) if part.n == row.n]
        return OperationResult(value={"message": row.id, **_facts(part)}, created=True)

    async def _waiting(self, id: str) -> tuple[SecretPart, ...]:
        return await self._content.store.read(lambda c: library.waiting_in(self._content.sealer, c, id))

    @operation(
        "attachment.list",
        "the files of a message",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Attachments,
        units=Units.NARROWED,
    )
    async def list_attachments(self, asked: OneMessageOneWay) -> OperationResult:
        """The files of one message; `stored` says whether the ciphertext is still here."""
        items: list[Json] = []
        for found in await self._of_message(asked.id, asked.direction):
            stored = await self._files.size(found.row.file) == found.row.length
            items.append({**_facts(found.part), "doc_kind": found.kind, "stored": stored})
        return OperationResult(value={"attachments": items})

    @operation(
        "attachment.read",
        "one file, as a stream",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=None,
        units=Units.NARROWED,
        streams=True,
        media="application/octet-stream",
    )
    async def read(self, asked: ReadAttachment) -> tuple[SecretPart, AsyncIterator[bytes]]:
        """One file as a stream."""
        id, n = asked.id, asked.part
        wanted = [f for f in await self._of_message(id, asked.direction) if f.part.n == n]
        if not wanted:
            raise RefusedError(
                Code.NOT_FOUND, "the message has no such file here", hint="trm attachment list shows them"
            )
        (found,) = wanted
        if await self._files.size(found.row.file) != found.row.length:
            raise RefusedError(
                Code.NOT_FOUND,
                "the file is not in the folder of attachments",
                hint="copy the folder from where it is kept beside the backups",
            )
        return found.part, self._attachments.read(found.row, found.part)

    async def _of_message(self, id: str, direction: str | None) -> Sequence[Found]:
        def query(c: Connection) -> tuple[MessageRow | None, list[AttachmentRow], MessageContent | None]:
            rows = message_rows.find(c, id, direction=direction)
            if not rows:
                return None, [], None
            row = rows[0]
            sealed = content.get(c, [row.ref])
            found = store.of_messages(c, [row.ref]).get(row.ref, [])
            return row, found, opened_row(self._content.sealer, sealed.get(row.ref))

        row, found, opened = await self._content.store.read(query)
        if row is None:
            raise RefusedError(Code.NOT_FOUND, "no such message", hint="trm message list shows the ids")
        if opened is None or not found:
            return []
        by_number = {part.n: part for part in library.of_message(opened)}
        kinds = dict(_kinds(opened.halves()[1]))
        return [Found(row=one, part=by_number[one.n], kind=kinds.get(one.n)) for one in found]

    @operation(
        "attachment.moving",
        "files that are on their way",
        roles=MOVES,
        about=About.CASE,
        answer=Moving,
    )
    async def moving(self, _asked: Nothing) -> OperationResult:
        """Messages whose files are on their way in either direction, and files that wait for their message."""

        def query(c: Connection) -> tuple[list[AttachmentRow], dict[tuple[str, str], UploadRow]]:
            rows = store.moving(c, states=[str(Outgoing.QUEUED), str(Outgoing.AWAITING_RECEIPT)])
            return rows, {(upload.peer, upload.id): upload for upload in store.uploads(c)}

        rows, uploads = await self._content.store.read(query)
        grouped: dict[tuple[str, str | None, str], list[AttachmentRow]] = {}
        for row in rows:
            grouped.setdefault((row.direction, row.peer, row.id), []).append(row)
        items: list[Json] = [
            self._moving(of, uploads.get((of[0].peer or "", of[0].id)) if of[0].direction == IN else None)
            for of in grouped.values()
        ]
        return OperationResult(value={"moving": items})

    def _moving(self, rows: Sequence[AttachmentRow], upload: UploadRow | None) -> dict[str, Json]:
        first = rows[0]
        peer = None if first.peer is None else self._peers.get(first.peer)
        state = "coming" if first.direction == IN else "waiting" if first.message is None else "going"
        return {
            "id": first.id,
            "peer": first.peer if peer is None else peer.name,
            "state": state,
            "files": len(rows),
            "bytes": sum(row.length for row in rows),
            "done": sum(min(row.held * SEGMENT, row.length) for row in rows),
            "rate": sum(self._pace.rate(row.file) for row in rows),
            "since": min(row.at for row in rows),
            "last": None if upload is None else upload.at,
        }

    @operation(
        "attachment.waiting",
        "the files that wait for a message that was not sent",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=WaitingFiles,
        units=Units.NARROWED,
    )
    async def waiting(self, asked: Waiting) -> OperationResult:
        """The files that wait for a message which was not submitted yet, in their order."""
        found = await self._waiting(asked.id)
        if not found:
            raise _none_wait()
        return OperationResult(value={"attachments": [_facts(part) for part in found]})

    @operation(
        "attachment.discard",
        "forget the files of a message that was not sent",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Forgotten,
        units=Units.NARROWED,
    )
    async def discard(self, asked: Waiting) -> OperationResult:
        """Forget the files of a message that was not submitted: their keys first, then the files."""
        id = asked.id

        def move(connection: Connection) -> int:
            count = len(store.unsent(connection, [id]).get(id, []))
            store.drop_unsent(connection, id)
            return count

        gone = await self._content.store.move(move)
        if not gone:
            raise _none_wait()
        await self._attachments.sweep()
        return OperationResult(value={"message": id, "files": gone})


def _none_wait() -> RefusedError:
    what, hint = "no file waits for a message with this id", "the first file is added without an id and gives it one"
    return RefusedError(Code.NOT_FOUND, what, hint=hint)


def _facts(part: SecretPart) -> dict[str, Json]:
    return {"part": part.n, "media_type": part.media, "size": part.size, "sha256": part.sha256.hex()}


def file_name(part: SecretPart) -> str:
    """What the file is called: its number and type."""
    return f"{part.n}.{SUFFIXES.get(part.media, 'bin')}"


def _kinds(value: Json) -> Sequence[tuple[int, str | None]]:
    """What a valid content says that its files are, by number."""
    if isinstance(value, list):
        return [pair for item in value for pair in _kinds(item)]
    if not isinstance(value, dict):
        return []
    n, kind = value.get("part"), value.get("doc_kind")
    if isinstance(n, int) and set(value) <= {"part", "doc_kind"}:
        return [(n, kind if isinstance(kind, str) else None)]
    return [pair for item in value.values() for pair in _kinds(item)]

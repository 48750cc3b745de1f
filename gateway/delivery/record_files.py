"""Files of a record on their way to its draft: sealed as they are read, under the id of the message that will take
them, before there is a draft that names it.

While they are being sealed, what stands in the place of the record's version is that id behind a mark, which no version
equals. After a kill in the middle the next look finds it there, gives up what came of the files, and begins anew: no
file is there twice, and none waits for a message that nobody will write.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

import schemas
from gateway.attachments.library import AttachmentLibrary
from gateway.attachments.rules import MOST_FILES
from gateway.database import content
from gateway.database.content_sealer import ContentSealer
from gateway.database.sealed_content import Content
from gateway.errors import Code, Finding, GatewayError, RefusedError, RemoteError
from gateway.foundation.ids import UnitId
from gateway.messages.draft_form import LARGEST
from gateway.messages.store import records
from gateway.messages.store.records import OriginRow
from gateway.ports import Json, LocalFile
from keys.primitives.encoding import b64u, parse

_MARK = b"files:"
_RULES: Mapping[Code, str] = {
    Code.NOT_FOUND: "file_missing",
    Code.CHANGED_MEANWHILE: "file_changed",
    Code.MALFORMED: "file_changed",
    Code.TOO_LARGE: "too_large",
    Code.WRONG_TYPE: "wrong_type",
}
"""By what stands in the way of a file, the rule that its record is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """The files of one record, sealed: `message` is the id of the message that takes them. Or `fault`, and none is
    left.
    """

    message: str
    fault: RefusedError | None = None


class RecordFiles:
    """Seals the files of records."""

    def __init__(self, *, content: Content, attachments: AttachmentLibrary, rand: Callable[[int], bytes]) -> None:
        self._content = content
        self._attachments = attachments
        self._rand = rand

    async def bring(
        self, files: Sequence[LocalFile], row: OriginRow, *, name: str | None, unit: UnitId | None
    ) -> Brought:
        """Seal these files of the record `row`, all or none. `name` is what the local system calls a record that is new
        here, `unit` the one that its draft is of.

        Raises TransientError: a file or the disk is away now; nothing of them is kept.
        """
        id = b64u(self._rand(16))
        await self._begin(row, name, id)
        try:
            for n, file in enumerate(files):
                chunks = file.read()
                try:
                    await self._attachments.add(
                        chunks, size=file.size, sha256=file.sha256, id=id, unit=unit, begins=n == 0
                    )
                except RefusedError as error:
                    await self._attachments.forget(id)
                    return Brought(message=id, fault=_fault(file, error))
                finally:
                    if isinstance(chunks, AsyncGenerator):  # one that is not read to its end holds a connection
                        await chunks.aclose()
        except GatewayError:
            await self._attachments.forget(id)
            raise
        return Brought(message=id)

    async def give_up_unfinished(self, versions: Sequence[bytes]) -> None:
        """Forget what came of files until a kill, by the versions of their records."""
        for version in versions:
            if version.startswith(_MARK):
                await self._attachments.forget(version.removeprefix(_MARK).decode("ascii"))

    async def messages_of_waiting(self, origins: Sequence[int]) -> dict[int, str]:
        """Return by local record the message that the draft of it which waits for a person names for its files."""
        if not origins:
            return {}
        return await self._content.store.read(lambda c: files_of_waiting(c, self._content.sealer, origins))

    async def _begin(self, row: OriginRow, name: str | None, id: str) -> None:
        """Write down for which message files begin to come, before the first of them does."""
        mark = mark_of(id)
        sealed = None if name is None else self._content.sealer.seal(row.ref, name.encode())

        def move(connection: Connection) -> None:
            if sealed is None:
                records.set_origin_version(connection, row.ref, mark)
                return
            content.put(connection, [sealed])
            records.add_origins(connection, [OriginRow(ref=row.ref, key=row.key, version=mark, at=row.at)])

        await self._content.store.move(move)


def files_of_waiting(connection: Connection, sealer: ContentSealer, origins: Sequence[int]) -> dict[int, str]:
    """Find by local record the message that the draft of it which waits for a person names for its files. One that
    does not open names none.
    """
    waiting = records.waiting_of(connection, origins)
    sealed = content.get(connection, list(waiting.values()))
    plains = dict(zip(sealed, sealer.open_each(list(sealed.values())), strict=True)) if sealed else {}
    named = {origin: _files_named(plains.get(ref)) for origin, ref in waiting.items()}
    return {origin: message for origin, message in named.items() if message is not None}


def _files_named(plain: bytes | RefusedError | None) -> str | None:
    try:
        draft = parse(plain, limit=LARGEST) if isinstance(plain, bytes) else None
    except RemoteError:
        return None
    message = draft.get("message") if isinstance(draft, dict) else None
    return message if isinstance(message, str) else None


def mark_of(message: str) -> bytes:
    """What stands in the place of the version of a record while its files come for this message."""
    return _MARK + message.encode("ascii")


def name_files(draft: Mapping[str, Json], files: Sequence[LocalFile]) -> dict[str, Json]:
    """Add to a draft the list of its files, where the record says the kind of each and the content names none."""
    body, kinds = draft.get("content"), [file.doc_kind for file in files]
    if not isinstance(body, dict) or "attachments" in body or not kinds or None in kinds:
        return dict(draft)
    listed: list[Json] = [{"part": n, "doc_kind": kind} for n, kind in enumerate(kinds)]
    return {**draft, "content": {**body, "attachments": listed}}


def naming_faults(draft: Mapping[str, Json], files: Sequence[LocalFile]) -> tuple[Finding, ...]:
    """Find what is wrong with the files of a draft that is valid by itself: each is named once, and no other is."""
    body, body_type = draft.get("content"), draft.get("type")
    if draft.get("message") is not None:
        if not files:
            return ()  # they were added over the API, and are judged when the message leaves
        hint = "files beside a record get their message from the node: leave it out"
        return (Finding(place="/message", rule="message_with_files", hint=hint),)
    if len(files) > MOST_FILES:
        return (Finding(place="/content", rule="too_many_files", hint=f"at most {MOST_FILES}"),)
    named = sorted(schemas.list_parts(str(body_type), body))
    if named != list(range(len(files))):
        hint = f"the fields name {len(named)} file(s), and {len(files)} came with the record: each is named once"
        return (Finding(place="/content", rule="attachments", hint=hint),)
    return ()


def _fault(file: LocalFile, error: RefusedError) -> RefusedError:
    """Say at its place what is wrong with a file."""
    rule = _RULES.get(error.code, str(error.code))
    finding = Finding(place=file.place, rule=rule, hint=f"{error.what}. {error.hint}" if error.hint else error.what)
    what = "a file of the record cannot be taken; the record and its files are as they were"
    return RefusedError(error.code, what, findings=(finding,))

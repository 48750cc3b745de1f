"""Documents of cases: files of messages become documents of their case, and documents of a case go with its referral.

Primero gives a document a number of its own and knows no key. So what is brought has a name made from the key of its
message, and is looked for by it before it is brought again, and when it has to go. What Primero does not take stays in
the node, and the note of the message says so.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard

import orjson

from adapters.kit.web import Body, exactly
from adapters.primero.client import Primero, PrimeroError
from adapters.primero.texts import note_id, place_of
from gateway.errors import Code, Finding, RefusedError
from gateway.ports import Attachment, Delivery, Json, LocalFile, LocalRecord

LARGEST: Final = 20 * 1024 * 1024
"""Bytes of a document that Primero 2.15 takes at most."""
TAKEN: Final = frozenset({"pdf", "txt", "docx", "xlsx", "jpg", "png"})
"""Types of documents that Primero 2.15 takes, among those that travel: odt and ods are not."""


class CaseFiles:
    """The documents of cases. `field` takes files of messages; the documents in fields whose names are `sends` and the
    code of a kind of document go with referrals. Without one of the names nothing goes that way.
    """

    def __init__(self, client: Primero, *, field: str | None, sends: str | None) -> None:
        self._client = client
        self.field = field
        self.sends = sends

    @property
    def are_taken(self) -> bool:
        """Whether files of messages are brought to Primero."""
        return self.field is not None

    @property
    def are_given(self) -> bool:
        """Whether documents go with referrals."""
        return self.sends is not None

    # --- in -------------------------------------------------------------------------------------------------------

    async def bring(self, case: str, item: Delivery, *, again: bool) -> None:
        """Bring the files of a message to its case, each once; none stays of a message of which one does not open to
        its end, or is refused. `again`: this was begun before.
        """
        files = [file for file in item.attachments if self._is_taken(file)]
        if not files or self.field is None:
            return
        there = {entry.get("file_name") for entry in await self._in_field(case, self.field)}
        try:
            for file in files:
                if (name := _name_of(item.key, file)) not in there:
                    await self._client.attach(case, make_body(_about(item, self.field, name), file))
        except (RefusedError, PrimeroError):
            await self.remove(case, note_id(item.key))
            raise
        if again:
            await self._keep_one_each(case, self.field, {_name_of(item.key, file) for file in files})

    async def _keep_one_each(self, case: str, field: str, names: Collection[str]) -> None:
        """Remove what is there twice: Primero may have finished a request after the look of its repeat."""
        seen: set[str] = set()
        for entry in sorted(await self._in_field(case, field), key=lambda entry: int(entry["id"])):
            name = str(entry.get("file_name"))
            if name in names and name in seen:
                await self._client.detach(case, entry["id"])
            seen.add(name)

    async def _in_field(self, case: str, field: str) -> Sequence[Mapping[str, Any]]:
        listed = (await self._client.case(case)).get(field)
        if not isinstance(listed, list):
            # Not knowing what is there, a repeat would bring everything anew.
            hint = "give the role a form with it, to be read and written, or leave files_field out"
            raise RefusedError(Code.ADAPTER_REFUSED, f"Primero does not show the field {field}", hint=hint)
        return [entry for entry in listed if isinstance(entry, dict) and _is_number(entry.get("id"))]

    async def remove(self, case: str, note: str) -> None:
        """Remove the documents of the message of this note, whatever field they are in."""
        for value in (await self._client.case(case)).values():
            for entry in value if isinstance(value, list) else ():
                name, number = (entry.get("file_name"), entry.get("id")) if isinstance(entry, dict) else (None, None)
                if isinstance(name, str) and name.startswith(_start_of(note)) and _is_number(number):
                    await self._client.detach(case, number)

    def lines_about(self, item: Delivery) -> list[str]:
        """Say for each file of a message where it is."""
        return [
            f"file {_name_of(item.key, file)}: {self.field}"
            if self._is_taken(file)
            else f"file {file.name} stays in the node of the gateway: trm attachment save"
            for file in item.attachments
        ]

    def _is_taken(self, file: Attachment) -> bool:
        return self.are_taken and file.size <= LARGEST and file.name.rpartition(".")[2] in TAKEN

    # --- out ------------------------------------------------------------------------------------------------------

    def marks_of(self, case: Mapping[str, Any]) -> list[str]:
        """Return what differs when other documents go with the referrals of a case."""
        return [f"{name}/{number}" for name, number in self._sent(case)]

    async def give_to(self, case: Mapping[str, Any], records: Sequence[LocalRecord]) -> list[LocalRecord]:
        """Return the records of a case with its documents, or with what is wrong with those."""
        if not records or not self.marks_of(case):
            return [*records]
        files, faults = list[LocalFile](), list[Finding]()
        for name, number in self._sent(case):
            place = f"{place_of(case)}, field {name}, document {number}"
            try:
                size = await self._client.size_of_file(str(case["id"]), number, LARGEST)
            except PrimeroError as error:
                hint = f"Primero does not give it ({error.status}): the role needs a form with the field"
                faults.append(Finding(place=place, rule="file_missing", hint=hint))
                continue
            if size == 0:  # also where Primero has lost the file itself
                faults.append(Finding(place=place, rule="file_empty", hint="Primero gives no byte of it"))
            kind = name.removeprefix(self.sends or "")
            read = self._reader(str(case["id"]), number, size)
            files.append(LocalFile(place=place, size=size, doc_kind=kind, read=read))
        if faults:
            return [one if one.faults else replace(one, fields={}, faults=tuple(faults)) for one in records]
        return [one if one.faults else replace(one, files=tuple(files)) for one in records]

    def _sent(self, case: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
        """Yield the fields and the numbers of the documents that go along, in one order whatever Primero's."""
        if self.sends is None:
            return
        for name in sorted(case):
            listed = case[name] if name.startswith(self.sends) and name != self.sends else None
            entries = listed if isinstance(listed, list) else []
            numbers = [entry.get("id") for entry in entries if isinstance(entry, dict)]
            for number in sorted(number for number in numbers if _is_number(number)):
                yield name, number

    def _reader(self, case: str, number: int, size: int) -> Callable[[], AsyncIterator[bytes]]:
        async def read() -> AsyncIterator[bytes]:
            try:
                async with self._client.open_file(case, number, size) as opened:
                    async for chunk in exactly(opened.chunks, size):
                        yield chunk
            except PrimeroError as error:
                hint = "attach it again, and leave it until the referral became a draft"
                what = f"Primero does not give a document of a case ({error.status})"
                raise RefusedError(Code.NOT_FOUND, what, hint=hint) from None

        return read


def _about(item: Delivery, field: str, name: str) -> dict[str, Json]:
    """Say what Primero is told of a document beside its content."""
    return {
        "field_name": field,
        "attachment_type": "document",
        "file_name": name,
        "description": f"{item.type} {item.message_id}",
        "date": datetime.fromtimestamp(item.received, UTC).date().isoformat(),
    }


def _start_of(note: str) -> str:
    return f"trm-{note.replace('-', '')[:12]}-"


def _name_of(key: str, file: Attachment) -> str:
    return _start_of(note_id(key)) + file.name


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def make_body(about: Mapping[str, Json], file: Attachment) -> Body:
    """Make the request that attaches a file, with its content in base64 as it comes: the whole is never in memory."""
    head = orjson.dumps({"data": dict(about)})[:-2] + b',"attachment":"'
    tail = b'"}}'
    return Body(size=len(head) + 4 * -(-file.size // 3) + len(tail), chunks=_in_base64(head, file.read(), tail))


async def _in_base64(head: bytes, chunks: AsyncIterator[bytes], tail: bytes) -> AsyncIterator[bytes]:
    yield head
    left = b""
    async for chunk in chunks:
        left += chunk
        whole = len(left) - len(left) % 3  # three bytes are four letters: only the last ones are filled up
        yield base64.b64encode(left[:whole])
        left = left[whole:]
    yield base64.b64encode(left) + tail

"""Files at a JSON API, each by its number below a path that the settings give.

    PUT files/0, files/1 ...    those of a message, before the message is posted; the path is made of its key
    DELETE files                all that lies there under a key, whether its message was posted or not
    GET record_files/0 ...      those of an item of the list, in the order in which the item lists them

README.md says to the office what each of them has to do.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import quote

from adapters.kit.web import exactly
from adapters.rest.api import Api, value_at
from gateway.errors import Code, Finding, RefusedError
from gateway.ports import Delivery, LocalFile

_HASH = re.compile(r"[0-9a-f]{64}")
_LARGEST = 2**53


class ApiFiles:
    """The files of `api`; `listed` is the pointer to the list of an item's files."""

    def __init__(self, api: Api, *, listed: str) -> None:
        self._api = api
        self._listed = listed

    @property
    def are_taken(self) -> bool:
        """Whether the API takes files of messages."""
        return self._api.paths.files is not None

    @property
    def are_given(self) -> bool:
        """Whether items of the list have files."""
        return self._api.paths.record_files is not None

    @property
    def label(self) -> str:
        """The name of the list as a field, which it is not: one without members would be taken for an empty text."""
        return self._listed.removeprefix("/").replace("/", ".")

    async def put(self, item: Delivery) -> None:
        """Bring the files of a message there, in place of what a kill left; none stays of a message of which one does
        not open to its end, or is refused.
        """
        if not self.are_taken:
            return
        try:
            for one in item.attachments:
                await self._api.put_file(f"{self._of_message(item.key)}/{one.part}", one)
        except RefusedError:
            await self.drop(item.key)
            raise

    async def drop(self, key: str) -> bool:
        """Take away the files of a message; return False when there is none."""
        return self.are_taken and await self._api.delete(self._of_message(key))

    def lists_any(self, item: Mapping[str, Any]) -> bool:
        """Whether an item says that it has files."""
        return self.are_given and bool(value_at(item, self._listed))

    def of_item(self, item: Mapping[str, Any], ref: str) -> tuple[tuple[LocalFile, ...], list[Finding]]:
        """Return the files that an item lists, or what is wrong with the list."""
        listed = value_at(item, self._listed) if self.are_given else None
        if listed is None:
            return (), []
        place = f"item {ref}, member {self._listed}"
        if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
            return (), [Finding(place=place, rule="not_a_list", hint="a list of objects with the size of each file")]
        faults = [fault for number, entry in enumerate(listed) for fault in _faults(entry, f"{place}/{number}")]
        if faults:
            return (), faults
        return tuple(self._file(entry, ref, number) for number, entry in enumerate(listed)), []

    def _file(self, entry: Mapping[str, Any], ref: str, number: int) -> LocalFile:
        return LocalFile(
            place=f"file {number} of item {ref}",
            size=entry["size"],
            sha256=entry.get("sha256"),
            doc_kind=entry.get("doc_kind"),
            read=self._reader(ref, number, entry["size"]),
        )

    def _reader(self, ref: str, number: int, size: int) -> Callable[[], AsyncIterator[bytes]]:
        async def read() -> AsyncIterator[bytes]:
            async with self._api.open_file(self._of_record(ref, number), size) as opened:
                async for chunk in exactly(opened.chunks, size):
                    yield chunk

        return read

    async def try_first(self, ref: str, size: int) -> None:
        """Begin to read the first file of an item, and no more. Raises RefusedError where it is not as it is listed."""
        async with self._api.open_file(self._of_record(ref, 0), size) as opened:
            if opened.size not in {None, size}:
                raise RefusedError(Code.CHANGED_MEANWHILE, "the API gives another size than it lists")

    def _of_record(self, ref: str, number: int) -> str:
        return f"{(self._api.paths.record_files or '').replace('{ref}', quote(ref, safe=''))}/{number}"

    def _of_message(self, key: str) -> str:
        return (self._api.paths.files or "").replace("{key}", quote(key, safe=""))


def _faults(entry: Mapping[str, Any], place: str) -> list[Finding]:
    """Find what is wrong with one entry; no value is repeated."""
    size, digest, kind = entry.get("size"), entry.get("sha256"), entry.get("doc_kind")
    faults = []
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < _LARGEST:
        faults.append(Finding(place=f"{place}/size", rule="bad_size", hint="the bytes of the file, as a whole number"))
    elif size == 0:
        faults.append(Finding(place=place, rule="file_empty", hint="it has no byte"))
    if digest is not None and not (isinstance(digest, str) and _HASH.fullmatch(digest)):
        hint = "SHA-256 as 64 hexadecimal digits in lower case"
        faults.append(Finding(place=f"{place}/sha256", rule="bad_hash", hint=hint))
    if kind is not None and not isinstance(kind, str):
        faults.append(Finding(place=f"{place}/doc_kind", rule="not_a_kind", hint="a code of the list doc_kind"))
    return faults

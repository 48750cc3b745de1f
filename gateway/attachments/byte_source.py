"""The types of files that are taken, and the bytes of one as a walker takes them, in bounded memory (pure)."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

from gateway.errors import Code, RefusedError

PDF: Final = "application/pdf"
JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
TEXT: Final = "text/plain"
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODT: Final = "application/vnd.oasis.opendocument.text"
ODS: Final = "application/vnd.oasis.opendocument.spreadsheet"

SUFFIXES: Final = {PDF: "pdf", JPEG: "jpg", PNG: "png", TEXT: "txt", DOCX: "docx", XLSX: "xlsx", ODT: "odt", ODS: "ods"}
"""Every type that is taken, with the end of its file's name."""

Walk = Generator[None, None, str]
Bytes = Generator[None, None, bytes]
Step = Generator[None, None, None]


class Source:
    """Bytes that came and were not looked at yet. A walker takes them, and yields while there are too few."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.ended = False
        self.taken = 0

    @property
    def waiting(self) -> int:
        """How many bytes nobody has taken yet."""
        return len(self._buffer)

    def add(self, data: bytes) -> None:
        """Put bytes behind those that wait."""
        self._buffer += data

    def give_back(self, data: bytes) -> None:
        """Put bytes before those that wait: the walker took too many."""
        self._buffer[:0] = data
        self.taken -= len(data)

    def exactly(self, count: int) -> Bytes:
        """So many bytes. Raises RefusedError (wrong_type) where the file ends before."""
        data = yield from self.at_most(count)
        if len(data) < count:
            raise odd_file("ends too early")
        return data

    def at_most(self, count: int) -> Bytes:
        """So many bytes, fewer only at the end of the file."""
        while len(self._buffer) < count and not self.ended:
            yield
        return self._take(count)

    def some(self) -> Bytes:
        """What is there, b"" at the end of the file."""
        while not self._buffer and not self.ended:
            yield
        return self._take(len(self._buffer))

    def skip(self, count: int) -> Step:
        """Go past so many bytes. Raises RefusedError (wrong_type) where the file ends before."""
        while count:
            data = yield from self.some()
            if not data:
                raise odd_file("ends too early")
            if len(data) > count:
                self.give_back(data[count:])
            count -= min(count, len(data))

    def _take(self, count: int) -> bytes:
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        self.taken += len(data)
        return data


def odd_file(what: str) -> RefusedError:
    """Make the refusal of a file that is of no type that is taken."""
    return RefusedError(
        Code.WRONG_TYPE, f"the file {what}", hint="taken are " + ", ".join(sorted(SUFFIXES.values())) + " files"
    )


def bomb(what: str) -> RefusedError:
    """Make the refusal of a file that would fill the memory of who opens it."""
    return RefusedError(Code.TOO_LARGE, f"the file {what}", hint="nobody could open it safely")

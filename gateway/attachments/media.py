"""What a file is, by its content: a short list of types, looked through as a stream (pure; threat 22).

A name or a claimed type proves nothing, so neither is asked. Each type has a walker that reads the file from the first
byte to the last and refuses what does not belong to it; memory is bounded whatever the file says of itself. What would
fill the memory of who opens it is refused: an archive that unpacks to far more than it is, a picture with more pixels
than any camera makes. An office document with macros or a password is refused too.

This finds no malware. Whoever opens a file from outside does so in a viewer that is kept up to date.
"""

from __future__ import annotations

import codecs
import re
import struct
import zlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
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

MOST_PIXELS: Final = 200_000_000
MOST_MEMBERS: Final = 10_000
"""Files in an office document."""
UNPACKED_FREE: Final = 100 * 1024 * 1024
UNPACKED_RATIO: Final = 20
"""An archive may unpack to `UNPACKED_FREE` bytes and `UNPACKED_RATIO` times its own size; text in it packs 5 to 15
times."""

_STEP: Final = 64 * 1024
_TAIL: Final = 1024
_COMPRESSED_TEXT: Final = frozenset({b"zTXt", b"iTXt", b"iCCP"})
_LONGEST_TEXT: Final = 1024 * 1024
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_SOF: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_BARE: Final = frozenset({0x01, *range(0xD0, 0xD8)})

_Walk = Generator[None, None, str]
_Bytes = Generator[None, None, bytes]
_Step = Generator[None, None, None]


class Inspector:
    """Looks through one file: `feed` for all of it, then `finish`."""

    def __init__(self) -> None:
        self._source = _Source()
        self._walk = _any(self._source)
        self._media: str | None = None

    def feed(self, data: bytes) -> None:
        """The next bytes. Raises RefusedError: wrong_type for what is none of the types, too_large for a bomb."""
        self._source.add(data)
        self._go_on()

    def finish(self) -> str:
        """The type of the file. Raises RefusedError like `feed`, also for one that ends too early."""
        self._source.ended = True
        self._go_on()
        if self._media is None:
            raise RuntimeError("a walker waits for more than the whole file")
        return self._media

    def _go_on(self) -> None:
        if self._media is not None:
            raise _odd("has bytes behind its end")
        try:
            next(self._walk)
        except StopIteration as done:
            self._media = done.value
            if self._source.waiting:
                raise _odd("has bytes behind its end") from None


class _Source:
    """Bytes that came and were not looked at yet. A walker takes them, and yields while there are too few."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.ended = False
        self.taken = 0

    @property
    def waiting(self) -> int:
        return len(self._buffer)

    def add(self, data: bytes) -> None:
        self._buffer += data

    def give_back(self, data: bytes) -> None:
        self._buffer[:0] = data
        self.taken -= len(data)

    def exactly(self, count: int) -> _Bytes:
        data = yield from self.at_most(count)
        if len(data) < count:
            raise _odd("ends too early")
        return data

    def at_most(self, count: int) -> _Bytes:
        """So many bytes, fewer only at the end of the file."""
        while len(self._buffer) < count and not self.ended:
            yield
        return self._take(count)

    def some(self) -> _Bytes:
        """What is there, b"" at the end of the file."""
        while not self._buffer and not self.ended:
            yield
        return self._take(len(self._buffer))

    def skip(self, count: int) -> _Step:
        while count:
            data = yield from self.some()
            if not data:
                raise _odd("ends too early")
            if len(data) > count:
                self.give_back(data[count:])
            count -= min(count, len(data))

    def _take(self, count: int) -> bytes:
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        self.taken += len(data)
        return data


def _odd(what: str) -> RefusedError:
    return RefusedError(
        Code.WRONG_TYPE, f"the file {what}", hint="taken are " + ", ".join(sorted(SUFFIXES.values())) + " files"
    )


def _bomb(what: str) -> RefusedError:
    return RefusedError(Code.TOO_LARGE, f"the file {what}", hint="nobody could open it safely")


def _any(source: _Source) -> _Walk:
    head = yield from source.at_most(8)
    source.give_back(head)
    walker = next((walker for magic, walker in _MAGIC if head.startswith(magic)), _text)
    return (yield from walker(source))


# --- documents ---------------------------------------------------------------------------------------------------


def _pdf(source: _Source) -> _Walk:
    head = yield from source.exactly(8)
    if re.fullmatch(rb"%PDF-[12]\.[0-9]", head) is None:
        raise _odd("is of a PDF version that is not known")
    tail = b""
    while data := (yield from source.some()):
        tail = (tail + data)[-_TAIL:]
    if b"%%EOF" not in tail:
        raise _odd("is a PDF without an end")
    return PDF


def _text(source: _Source) -> _Walk:
    decoder = codecs.getincrementaldecoder("utf-8")()
    empty = True
    try:
        while data := (yield from source.some()):
            empty = False
            if _CONTROLS.search(decoder.decode(data)):
                raise _odd("is of no type that is taken")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as exc:
        raise _odd("is of no type that is taken") from exc
    if empty:
        raise _odd("is empty")
    return TEXT


# --- pictures ----------------------------------------------------------------------------------------------------


def _check_pixels(width: int, height: int) -> None:
    if not width or not height:
        raise _odd("is a picture without size")
    if width * height > MOST_PIXELS:
        raise _bomb(f"is a picture of more than {MOST_PIXELS // 1_000_000} million pixels")


def _jpeg(source: _Source) -> _Walk:
    yield from source.skip(2)
    seen = False
    while True:
        (mark,) = yield from source.exactly(1)
        if mark != 0xFF:
            raise _odd("is a damaged picture")
        while mark == 0xFF:
            (mark,) = yield from source.exactly(1)
        if mark in _BARE:
            continue
        length = int.from_bytes((yield from source.exactly(2)), "big")
        if length < 2 or (mark == 0xDA and not seen):
            raise _odd("is a damaged picture")
        if mark in _SOF and length >= 7:
            _, height, width = struct.unpack(">BHH", (yield from source.exactly(5)))
            _check_pixels(width, height)
            seen, length = True, length - 5
        yield from source.skip(length - 2)
        if mark == 0xDA:
            while (yield from source.some()):
                pass
            return JPEG


def _png(source: _Source) -> _Walk:
    yield from source.skip(8)
    first = True
    while True:
        length, kind = struct.unpack(">I4s", (yield from source.exactly(8)))
        if first != (kind == b"IHDR") or (first and length != 13):
            raise _odd("is a damaged picture")
        if kind in _COMPRESSED_TEXT and length > _LONGEST_TEXT:
            raise _bomb("is a picture with too much packed text")
        if first:
            _check_pixels(*struct.unpack(">II", (yield from source.exactly(8))))
            length, first = length - 8, False
        yield from source.skip(length + 4)
        if kind == b"IEND":
            if (yield from source.some()):
                raise _odd("has bytes behind its end")
            return PNG


# --- office documents --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """What the head of one file in an archive says."""

    flags: int
    method: int
    packed: int
    unpacked: int
    name: bytes


@dataclass(slots=True)
class _Weight:
    """How much an archive has unpacked to so far, and what it was before."""

    packed: int = 0
    unpacked: int = 0

    def add(self, *, packed: int = 0, unpacked: int = 0) -> None:
        self.packed += packed
        self.unpacked += unpacked
        if self.unpacked > UNPACKED_FREE + UNPACKED_RATIO * self.packed:
            raise _bomb("unpacks to far more than it is")


def _archive(source: _Source) -> _Walk:
    """Every file in it, in the order of the bytes, then the directory, which has to list just these."""
    members: list[tuple[int, bytes]] = []
    weight, mimetype = _Weight(), b""
    while True:
        at, mark = source.taken, (yield from source.exactly(4))
        if mark != b"PK\x03\x04":
            break
        member = yield from _member(source)
        if len(members) == MOST_MEMBERS:
            raise _bomb("is an archive of too many files")
        _check_name(member.name)
        content = yield from _content(source, member, weight)
        if not members and member.name == b"mimetype":
            mimetype = content
        members.append((at, member.name))
    yield from _directory(source, mark, members)
    return _office(mimetype, {name for _, name in members})


def _member(source: _Source) -> Generator[None, None, _Member]:
    head = yield from source.exactly(26)
    _, flags, method, _, _, _, packed, unpacked, name, extra = struct.unpack("<5H3I2H", head)
    if flags & 1:
        raise _odd("has a password")
    if method not in (0, 8) or 0xFFFFFFFF in (packed, unpacked):
        raise _odd("is packed in a way that is not taken")
    named = yield from source.exactly(name)
    yield from source.skip(extra)
    return _Member(flags=flags, method=method, packed=packed, unpacked=unpacked, name=named)


def _check_name(name: bytes) -> None:
    lower = name.lower()
    if lower.endswith(b"vbaproject.bin") or lower.startswith((b"basic/", b"scripts/")):
        raise _odd("has macros")


def _content(source: _Source, member: _Member, weight: _Weight) -> _Bytes:
    """Past the content of a member; the content itself where it is short and not packed."""
    later = bool(member.flags & 8)  # sizes stand behind the content
    kept = b""
    if member.method == 8:
        packed, unpacked = yield from _inflated(source, weight)
        if not later and (packed, unpacked) != (member.packed, member.unpacked):
            raise _odd("is a damaged archive")
    elif later and member.packed == 0 and not member.name.endswith(b"/"):
        raise _odd("is packed in a way that is not taken")
    else:
        weight.add(packed=member.packed, unpacked=member.packed)
        if member.packed <= 100:
            kept = yield from source.exactly(member.packed)
        else:
            yield from source.skip(member.packed)
    if later:
        mark = yield from source.exactly(4)
        yield from source.skip(12 if mark == b"PK\x07\x08" else 8)
    return kept


def _inflated(source: _Source, weight: _Weight) -> Generator[None, None, tuple[int, int]]:
    """Past one packed stream, unpacked piece by piece and thrown away: its length packed and unpacked."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    packed = unpacked = 0
    while not inflater.eof:
        data = yield from source.some()
        if not data:
            raise _odd("ends too early")
        packed += len(data)
        weight.add(packed=len(data))
        while data and not inflater.eof:
            try:
                plain = inflater.decompress(data, _STEP)
            except zlib.error as exc:
                raise _odd("is a damaged archive") from exc
            unpacked += len(plain)
            weight.add(unpacked=len(plain))
            data = inflater.unconsumed_tail
    rest = inflater.unused_data
    source.give_back(rest)
    weight.add(packed=-len(rest))
    return packed - len(rest), unpacked


def _directory(source: _Source, mark: bytes, members: list[tuple[int, bytes]]) -> _Step:
    listed: list[tuple[int, bytes]] = []
    while mark == b"PK\x01\x02":
        head = yield from source.exactly(42)
        name, extra, comment = struct.unpack("<3H", head[24:30])
        listed.append((int.from_bytes(head[38:42], "little"), (yield from source.exactly(name))))
        if len(listed) > len(members):
            raise _odd("is a damaged archive")
        yield from source.skip(extra + comment)
        mark = yield from source.exactly(4)
    if mark != b"PK\x05\x06" or sorted(listed) != members or len({name for _, name in listed}) != len(listed):
        raise _odd("is a damaged archive")
    end = yield from source.exactly(18)
    yield from source.skip(int.from_bytes(end[16:18], "little"))
    if (yield from source.some()):
        raise _odd("has bytes behind its end")


def _office(mimetype: bytes, names: set[bytes]) -> str:
    if mimetype in (ODT.encode(), ODS.encode()) and b"content.xml" in names:
        return mimetype.decode()
    if b"[Content_Types].xml" in names and b"word/document.xml" in names:
        return DOCX
    if b"[Content_Types].xml" in names and b"xl/workbook.xml" in names:
        return XLSX
    raise _odd("is an archive and no office document that is taken")


_MAGIC: Final[tuple[tuple[bytes, Callable[[_Source], _Walk]], ...]] = (
    (b"%PDF-", _pdf),
    (b"\xff\xd8\xff", _jpeg),
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"PK\x03\x04", _archive),
)

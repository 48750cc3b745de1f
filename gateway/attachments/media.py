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
from collections.abc import Callable
from typing import Final

from gateway.attachments.byte_source import JPEG, PDF, PNG, TEXT, Source, Walk, bomb, odd_file
from gateway.attachments.office_documents import walk_archive

MOST_PIXELS: Final = 200_000_000

_TAIL: Final = 1024
_COMPRESSED_TEXT: Final = frozenset({b"zTXt", b"iTXt", b"iCCP"})
_LONGEST_TEXT: Final = 1024 * 1024
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_SOF: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_BARE: Final = frozenset({0x01, *range(0xD0, 0xD8)})


class Inspector:
    """Looks through one file: `feed` for all of it, then `finish`."""

    def __init__(self) -> None:
        self._source = Source()
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
            raise odd_file("has bytes behind its end")
        try:
            next(self._walk)
        except StopIteration as done:
            self._media = done.value
            if self._source.waiting:
                raise odd_file("has bytes behind its end") from None


def _any(source: Source) -> Walk:
    head = yield from source.at_most(8)
    source.give_back(head)
    walker = next((walker for magic, walker in _MAGIC if head.startswith(magic)), _text)
    return (yield from walker(source))


# --- documents ---------------------------------------------------------------------------------------------------


def _pdf(source: Source) -> Walk:
    head = yield from source.exactly(8)
    if re.fullmatch(rb"%PDF-[12]\.[0-9]", head) is None:
        raise odd_file("is of a PDF version that is not known")
    tail = b""
    while data := (yield from source.some()):
        tail = (tail + data)[-_TAIL:]
    if b"%%EOF" not in tail:
        raise odd_file("is a PDF without an end")
    return PDF


def _text(source: Source) -> Walk:
    decoder = codecs.getincrementaldecoder("utf-8")()
    empty = True
    try:
        while data := (yield from source.some()):
            empty = False
            if _CONTROLS.search(decoder.decode(data)):
                raise odd_file("is of no type that is taken")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as exc:
        raise odd_file("is of no type that is taken") from exc
    if empty:
        raise odd_file("is empty")
    return TEXT


# --- pictures ----------------------------------------------------------------------------------------------------


def _check_pixels(width: int, height: int) -> None:
    if not width or not height:
        raise odd_file("is a picture without size")
    if width * height > MOST_PIXELS:
        raise bomb(f"is a picture of more than {MOST_PIXELS // 1_000_000} million pixels")


def _jpeg(source: Source) -> Walk:
    yield from source.skip(2)
    seen = False
    while True:
        (mark,) = yield from source.exactly(1)
        if mark != 0xFF:
            raise odd_file("is a damaged picture")
        while mark == 0xFF:
            (mark,) = yield from source.exactly(1)
        if mark in _BARE:
            continue
        length = int.from_bytes((yield from source.exactly(2)), "big")
        if length < 2 or (mark == 0xDA and not seen):
            raise odd_file("is a damaged picture")
        if mark in _SOF and length >= 7:
            _, height, width = struct.unpack(">BHH", (yield from source.exactly(5)))
            _check_pixels(width, height)
            seen, length = True, length - 5
        yield from source.skip(length - 2)
        if mark == 0xDA:
            while (yield from source.some()):
                pass
            return JPEG


def _png(source: Source) -> Walk:
    yield from source.skip(8)
    first = True
    while True:
        length, kind = struct.unpack(">I4s", (yield from source.exactly(8)))
        if first != (kind == b"IHDR") or (first and length != 13):
            raise odd_file("is a damaged picture")
        if kind in _COMPRESSED_TEXT and length > _LONGEST_TEXT:
            raise bomb("is a picture with too much packed text")
        if first:
            _check_pixels(*struct.unpack(">II", (yield from source.exactly(8))))
            length, first = length - 8, False
        yield from source.skip(length + 4)
        if kind == b"IEND":
            if (yield from source.some()):
                raise odd_file("has bytes behind its end")
            return PNG


_MAGIC: Final[tuple[tuple[bytes, Callable[[Source], Walk]], ...]] = (
    (b"%PDF-", _pdf),
    (b"\xff\xd8\xff", _jpeg),
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"PK\x03\x04", walk_archive),
)

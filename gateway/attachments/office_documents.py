"""Office documents: an archive of files, unpacked piece by piece and thrown away (pure; threat 22)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

from gateway.attachments.byte_source import DOCX, ODS, ODT, XLSX, Bytes, Source, Step, Walk, bomb, odd_file

MOST_MEMBERS: Final = 10_000
"""Files in an office document."""
UNPACKED_FREE: Final = 100 * 1024 * 1024
UNPACKED_RATIO: Final = 20
"""An archive may unpack to `UNPACKED_FREE` bytes and `UNPACKED_RATIO` times its own size; text in it packs 5 to 15
times."""

_STEP: Final = 64 * 1024


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
            raise bomb("unpacks to far more than it is")


def walk_archive(source: Source) -> Walk:
    """Every file in it, in the order of the bytes, then the directory, which has to list just these."""
    members: list[tuple[int, bytes]] = []
    weight, mimetype = _Weight(), b""
    while True:
        at, mark = source.taken, (yield from source.exactly(4))
        if mark != b"PK\x03\x04":
            break
        member = yield from _member(source)
        if len(members) == MOST_MEMBERS:
            raise bomb("is an archive of too many files")
        _check_name(member.name)
        content = yield from _content(source, member, weight)
        if not members and member.name == b"mimetype":
            mimetype = content
        members.append((at, member.name))
    yield from _directory(source, mark, members)
    return _office(mimetype, {name for _, name in members})


def _member(source: Source) -> Generator[None, None, _Member]:
    head = yield from source.exactly(26)
    _, flags, method, _, _, _, packed, unpacked, name, extra = struct.unpack("<5H3I2H", head)
    if flags & 1:
        raise odd_file("has a password")
    if method not in (0, 8) or 0xFFFFFFFF in (packed, unpacked):
        raise odd_file("is packed in a way that is not taken")
    named = yield from source.exactly(name)
    yield from source.skip(extra)
    return _Member(flags=flags, method=method, packed=packed, unpacked=unpacked, name=named)


def _check_name(name: bytes) -> None:
    lower = name.lower()
    if lower.endswith(b"vbaproject.bin") or lower.startswith((b"basic/", b"scripts/")):
        raise odd_file("has macros")


def _content(source: Source, member: _Member, weight: _Weight) -> Bytes:
    """Past the content of a member; the content itself where it is short and not packed."""
    later = bool(member.flags & 8)  # sizes stand behind the content
    kept = b""
    if member.method == 8:
        packed, unpacked = yield from _inflated(source, weight)
        if not later and (packed, unpacked) != (member.packed, member.unpacked):
            raise odd_file("is a damaged archive")
    elif later and member.packed == 0 and not member.name.endswith(b"/"):
        raise odd_file("is packed in a way that is not taken")
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


def _inflated(source: Source, weight: _Weight) -> Generator[None, None, tuple[int, int]]:
    """Past one packed stream, unpacked piece by piece and thrown away: its length packed and unpacked."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    packed = unpacked = 0
    while not inflater.eof:
        data = yield from source.some()
        if not data:
            raise odd_file("ends too early")
        packed += len(data)
        weight.add(packed=len(data))
        while data and not inflater.eof:
            try:
                plain = inflater.decompress(data, _STEP)
            except zlib.error as exc:
                raise odd_file("is a damaged archive") from exc
            unpacked += len(plain)
            weight.add(unpacked=len(plain))
            data = inflater.unconsumed_tail
    rest = inflater.unused_data
    source.give_back(rest)
    weight.add(packed=-len(rest))
    return packed - len(rest), unpacked


def _directory(source: Source, mark: bytes, members: list[tuple[int, bytes]]) -> Step:
    listed: list[tuple[int, bytes]] = []
    while mark == b"PK\x01\x02":
        head = yield from source.exactly(42)
        name, extra, comment = struct.unpack("<3H", head[24:30])
        listed.append((int.from_bytes(head[38:42], "little"), (yield from source.exactly(name))))
        if len(listed) > len(members):
            raise odd_file("is a damaged archive")
        yield from source.skip(extra + comment)
        mark = yield from source.exactly(4)
    if mark != b"PK\x05\x06" or sorted(listed) != members or len({name for _, name in listed}) != len(listed):
        raise odd_file("is a damaged archive")
    end = yield from source.exactly(18)
    yield from source.skip(int.from_bytes(end[16:18], "little"))
    if (yield from source.some()):
        raise odd_file("has bytes behind its end")


def _office(mimetype: bytes, names: set[bytes]) -> str:
    if mimetype in (ODT.encode(), ODS.encode()) and b"content.xml" in names:
        return mimetype.decode()
    if b"[Content_Types].xml" in names and b"word/document.xml" in names:
        return DOCX
    if b"[Content_Types].xml" in names and b"xl/workbook.xml" in names:
        return XLSX
    raise odd_file("is an archive and no office document that is taken")

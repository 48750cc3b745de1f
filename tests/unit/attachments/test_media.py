"""gateway.attachments.media: types by content, nothing else, in bounded memory (threat 22)."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tables import table

from gateway.attachments import office_documents
from gateway.attachments.byte_source import DOCX, JPEG, ODT, PDF, PNG, TEXT, XLSX
from gateway.attachments.media import Inspector
from gateway.errors import Code, RefusedError

PDF_FILE = b"%PDF-1.7\n" + bytes(range(256)) * 20 + b"\n%%EOF\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int = 4, height: int = 4, *more: bytes) -> bytes:
    """A grey picture."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * 4) * 4)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + b"".join(more) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def jpeg(width: int = 4, height: int = 4) -> bytes:
    """The frame of a picture; nobody looks at its pixels."""
    frame = struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    scan = struct.pack(">H", 8) + b"\x01\x01\x00\x00\x3f\x00"
    return b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc0" + frame + b"\xff\xda" + scan + b"\x12\x34\xff\x00\x56\xff\xd9"


def archive(files: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED, first: bytes = b"") -> bytes:
    """A zip file; `first` is the mimetype of an OpenDocument file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        if first:
            made.writestr(zipfile.ZipInfo("mimetype"), first, zipfile.ZIP_STORED)
        for name, data in files.items():
            made.writestr(name, data)
    return out.getvalue()


class _Pipe(io.RawIOBase):
    """A sink that can not go back: what an archive looks like that was written as a stream."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.data += data
        return len(data)


def streamed(files: Mapping[str, bytes]) -> bytes:
    """The same with sizes behind the contents."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return bytes(pipe.data)


Archive = Callable[[Mapping[str, bytes]], bytes]
WORD = {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w:document>" + b"text " * 2_000, "word/": b""}
GOOD = {
    "pdf": (PDF_FILE, PDF),
    "png": (png(), PNG),
    "png with text": (png(4, 4, chunk(b"zTXt", b"a\0\0" + zlib.compress(b"words"))), PNG),
    "jpeg": (jpeg(), JPEG),
    "text": ("Ο ξενώνας\tέχει θέση\r\n".encode(), TEXT),
    "short text": (b"a", TEXT),
    "docx": (archive(WORD), DOCX),
    "docx not packed": (archive(WORD, method=zipfile.ZIP_STORED), DOCX),
    "docx as a stream": (streamed(WORD), DOCX),
    "xlsx": (archive({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"}), XLSX),
    "odt": (archive({"content.xml": b"<office/>"}, first=ODT.encode()), ODT),
}
CENTRAL = archive(WORD).index(b"PK\x01\x02")
BAD = {
    "empty": (b"", "empty"),
    "program": (b"\x7fELF\x02\x01\x01" + bytes(9), "no type"),
    "html with nul": (b"<html>\0</html>", "no type"),
    "latin-1": ("é".encode("latin-1") * 10, "no type"),
    "cut utf-8": ("é".encode()[:1], "no type"),
    "escape sequences": (b"\x1b[2Jclear", "no type"),
    "pdf without end": (PDF_FILE[:-8], "without an end"),
    "pdf of another kind": (b"%PDF-x.y\n%%EOF", "version"),
    "png with a tail": (png() + b"PK\x03\x04", "behind its end"),
    "png cut": (png()[:-3], "too early"),
    "png without head": (b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", b""), "damaged"),
    "jpeg without frame": (b"\xff\xd8\xff\xda\x00\x02", "damaged"),
    "jpeg cut": (jpeg()[:12], "too early"),
    "gif": (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "no type"),
    "plain zip": (archive({"a.txt": b"a"}), "no office document"),
    "macros": (archive({**WORD, "word/vbaProject.bin": b"x"}), "macros"),
    "zip with a tail": (archive(WORD) + b"x", "behind its end"),
    "zip cut": (archive(WORD)[:200], "too early"),
    "zip without directory": (archive(WORD)[:CENTRAL], "too early"),
    "a file the directory hides": (archive(WORD)[:CENTRAL] + archive({})[-22:], "damaged"),
    "another name in the directory": (
        archive(WORD)[:CENTRAL] + archive(WORD)[CENTRAL:].replace(b"word/d", b"evil/d"),
        "damaged",
    ),
}


def looked_at(data: bytes, piece: int = 1_000) -> str:
    """The type, found piece by piece."""
    inspector = Inspector()
    for at in range(0, len(data), piece):
        inspector.feed(data[at : at + piece])
    return inspector.finish()


@table("piece", [1, 7, 4_096, 10_000_000])
@table("name", GOOD)
def test_a_type_is_known_by_its_content(name: str, piece: int) -> None:
    """In pieces of whatever size."""
    data, kind = GOOD[name]
    assert looked_at(data, piece) == kind


@table("piece", [1, 10_000_000])
@table("name", BAD)
def test_what_is_of_no_type_is_refused(name: str, piece: int) -> None:
    """Each with what is wrong, and one code."""
    data, word = BAD[name]
    with pytest.raises(RefusedError, match=word) as caught:
        looked_at(data, piece)
    assert caught.value.code is Code.WRONG_TYPE


def test_a_password_is_refused() -> None:
    """Nobody could look into it."""
    data = bytearray(archive(WORD))
    data[6] |= 1
    with pytest.raises(RefusedError, match="password"):
        looked_at(bytes(data))


@pytest.mark.parametrize("picture", [png(60_000, 60_000), jpeg(60_000, 60_000)])
def test_a_picture_with_too_many_pixels_is_a_bomb(picture: bytes) -> None:
    """It would fill the memory of every viewer."""
    with pytest.raises(RefusedError, match="pixels") as caught:
        looked_at(picture)
    assert caught.value.code is Code.TOO_LARGE


def test_packed_text_in_a_picture_is_bounded() -> None:
    """What a viewer unpacks to show a remark."""
    with pytest.raises(RefusedError, match="packed text"):
        looked_at(png(4, 4, chunk(b"zTXt", b"a\0\0" + bytes(1_100_000))))


@pytest.mark.parametrize("make", [archive, streamed])
def test_an_archive_that_unpacks_to_far_more_is_a_bomb(make: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused while it is read, with little memory: the sizes that it tells are not believed."""
    monkeypatch.setattr(office_documents, "UNPACKED_FREE", 10 * 1024 * 1024)
    bomb = make({**WORD, "word/media/0.png": bytes(40 * 1024 * 1024)})
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(RefusedError, match="unpacks") as caught:
            looked_at(bomb, 65_536)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.code is Code.TOO_LARGE
    assert peak < 4 * 1024 * 1024


def test_a_lie_about_the_size_does_not_help() -> None:
    """A head that says less than the stream unpacks to."""
    data = bytearray(archive(WORD))
    data[22:26] = (1).to_bytes(4, "little")
    with pytest.raises(RefusedError, match="damaged"):
        looked_at(bytes(data))


def test_too_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of names stays small."""
    monkeypatch.setattr(office_documents, "MOST_MEMBERS", 5)
    with pytest.raises(RefusedError, match="too many"):
        looked_at(archive({f"{n}": b"" for n in range(6)}))


@settings(max_examples=300)
@given(st.sampled_from(sorted(GOOD)), st.data())
def test_no_change_of_a_good_file_makes_it_crash(name: str, data: st.DataObject) -> None:
    """Whatever is flipped, cut or put in: a type or a refusal, and the same for any pieces."""
    file = bytearray(GOOD[name][0])
    at = data.draw(st.integers(0, len(file) - 1))
    file[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))

    def verdict(piece: int) -> str:
        try:
            return looked_at(bytes(file), piece)
        except RefusedError as error:
            return str(error)

    assert verdict(10_000_000) == verdict(13)


def test_what_is_told_has_no_value_of_the_file() -> None:
    """Words of ours and the list of types only."""
    with pytest.raises(RefusedError) as caught:
        looked_at(b"\x00Canary-5f1e0c7a")
    assert "Canary" not in f"{caught.value}{caught.value.hint}"

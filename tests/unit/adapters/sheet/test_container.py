"""A workbook from a stranger: bombs, huge and damaged archives are refused before they cost anything."""

from __future__ import annotations

import struct
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import workbooks
from support.sheets import GOOD, count_walked, pull_sheet, refused_rules
from support.workbooks import LABELS, ods, ods_cell, ods_row, spoilt_sheet, xlsx

from adapters.sheet.table import Limits
from gateway.errors import RefusedError


def _encrypted(data: bytes) -> bytes:
    at = data.index(b"PK\x01\x02") + 8
    return data[:at] + b"\x01\x00" + data[at + 2 :]


def _doubled(data: bytes) -> bytes:
    output = BytesIO(data)
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(output, "a") as archive:
        archive.writestr("xl/workbook.xml", "<a/>")
    return output.getvalue()


def _without_sheets(data: bytes) -> bytes:
    output = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(output, "w") as new:
        for name in old.namelist():
            if "sheet1" not in name:
                new.writestr(name, old.read(name))
    return output.getvalue()


def bomb(unit: bytes) -> bytes:
    """A workbook with 8 MB of this element."""
    filling = unit * (8_000_000 // len(unit))
    return spoilt_sheet(xlsx([LABELS, GOOD]), b"</sheetData>", filling + b"</sheetData>")


BOOK = xlsx([LABELS, GOOD])
UNSHARED = b'<c r="A1" t="s"><v>9999</v>'
DOCTYPE = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
MOST_WALKED = 1_000_000
MEMBERS = ("xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml", "xl/_rels/workbook.xml.rels")


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (ods_row([ods_cell("", 'table:number-columns-repeated="16383"'), "x"]), "sheet_too_large"),
        (ods_row(["x"], 'table:number-rows-repeated="1048576"'), "sheet_too_large"),
        (ods_row([ods_cell("x", 'table:number-columns-repeated="999999999999"')]), "damaged_workbook"),
        (ods_row([ods_cell("x", 'table:number-columns-repeated="-1"')]), "damaged_workbook"),
    ],
)
async def test_ods_bombs(tmp_path: Path, row: str, rule: str) -> None:
    """A few bytes that stand for millions of cells are refused before the reader expands them."""
    assert await refused_rules(tmp_path, ods([ods_row(LABELS), row]), ".ods") == [rule]


@pytest.mark.parametrize("cell", [b"A1048576", b"XFD2", b"ZZ20000"])
async def test_a_far_cell(tmp_path: Path, cell: bytes) -> None:
    """One value at the far end of the sheet would make the reader keep the whole rectangle; it is refused first."""
    far = b'<row r="9"><c r="' + cell + b'"><v>1</v></c></row></sheetData>'
    assert await refused_rules(tmp_path, spoilt_sheet(xlsx([LABELS, GOOD]), b"</sheetData>", far)) == [
        "sheet_too_large"
    ]


async def test_a_huge_dimension(tmp_path: Path) -> None:
    """A sheet that only claims to be huge is read."""
    data = spoilt_sheet(xlsx([LABELS, GOOD]), b'<dimension ref="A1:H2"', b'<dimension ref="A1:XFD1048576"')
    assert len(await pull_sheet(tmp_path, data)) == 1


async def test_odd_cell_names(tmp_path: Path) -> None:
    """A cell whose name is none is not guessed at."""
    for name in (b"A99999999", b"a2", b"2A", b"AAAA1", b"A0"):
        data = spoilt_sheet(xlsx([LABELS, GOOD]), b'r="C2"', b'r="' + name + b'"')
        assert await refused_rules(tmp_path, data) == ["damaged_workbook"]


async def test_a_zip_bomb(tmp_path: Path) -> None:
    """A member that unpacks to more than the limit stops the reading, whatever sizes the archive claims."""
    output = BytesIO(xlsx([LABELS, GOOD]))
    with zipfile.ZipFile(output, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.png", b"\0" * (8 << 20))
    data = output.getvalue()
    assert len(data) < 100_000
    limits = Limits(unpacked_bytes=4 << 20)
    assert await refused_rules(tmp_path, data, limits=limits) == ["too_large_unpacked"]
    lie = data.replace(struct.pack("<I", 8 << 20), struct.pack("<I", 10))
    assert lie != data
    assert await refused_rules(tmp_path, lie, limits=limits) == ["too_large_unpacked"]


@pytest.mark.parametrize(
    "unit", [b"<c/>", b"<row/>", b'<c r="A1"><f>1</f></c>', b'<mergeCell ref="A1:A2"/>', b'<mergeCell ref="A1:XFD9"/>']
)
async def test_a_bomb_of_empty_cells(tmp_path: Path, unit: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few KiB that unpack to very many elements, none of which is far out, are refused after some of them: what is
    counted is where elements begin and end, in all readings of the file.
    """
    walked = count_walked(monkeypatch)
    data = bomb(unit)
    assert len(data) < 100_000
    assert await refused_rules(tmp_path, data) == ["too_large_unpacked"]
    assert walked[0] < MOST_WALKED


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "not_a_workbook"),
        (b"PK\x03\x04 nothing more", "not_a_workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "not_a_workbook"),
        (BOOK[:-200], "not_a_workbook"),
        (_encrypted(BOOK), "not_a_workbook"),
        (_doubled(BOOK), "odd_archive"),
        (spoilt_sheet(BOOK, b"<worksheet", DOCTYPE + b"<worksheet"), "odd_archive"),
        (spoilt_sheet(BOOK, b"</sheetData>", b"</sheetDat>"), "damaged_workbook"),
        (_without_sheets(BOOK), "damaged_workbook"),
        (workbooks.respoken(BOOK, {"xl/workbook.xml": lambda xml: b"not xml"}), "damaged_workbook"),
        (spoilt_sheet(BOOK, b'<c r="A1" t="inlineStr"><is><t>Key</t></is>', UNSHARED), "damaged_workbook"),
        (xlsx([["a", "b", "c"], ["d", "e", "f"]]), "no_heading"),
        (b"x" * 1_000_001, "file_too_large"),
    ],
)
async def test_bad_workbooks(tmp_path: Path, data: bytes, rule: str) -> None:
    """A file that is no workbook, or one that was tampered with, is refused as a whole with what to do."""
    assert await refused_rules(tmp_path, data, limits=Limits(file_bytes=1_000_000)) == [rule]


@pytest.mark.parametrize("position", range(0, len(BOOK), 97))
async def test_flipped_bytes(tmp_path: Path, position: int) -> None:
    """A workbook with a byte changed is read or refused, and nothing else ever happens."""
    data = bytearray(BOOK)
    data[position] ^= 0x5A
    try:
        await pull_sheet(tmp_path, bytes(data))
    except RefusedError as exc:
        assert exc.findings


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(member=st.sampled_from(MEMBERS), position=st.integers(0, 10_000), byte=st.integers(0, 255))
async def test_changed_members(tmp_path: Path, member: str, position: int, byte: int) -> None:
    """A byte changed inside the archive, under a correct check sum, is read or refused as well."""

    def change(xml: bytes) -> bytes:
        at = position % len(xml)
        return xml[:at] + bytes([byte]) + xml[at + 1 :]

    try:
        await pull_sheet(tmp_path, workbooks.respoken(BOOK, {member: change}))
    except RefusedError as exc:
        assert exc.findings

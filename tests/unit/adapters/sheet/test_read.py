"""From workbook and CSV bytes to records, with every trap that real files hold."""

from __future__ import annotations

import datetime as dt
import struct
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import workbooks
from support.workbooks import LABELS, csv, ods, ods_cell, ods_row, spoilt_sheet, with_macros, xlsx

from adapters.sheet import SheetAdapter
from adapters.sheet.cells import Fault, read_cell
from adapters.sheet.headings import find_heading, normalise_label
from adapters.sheet.layout import Kind, read_layout
from adapters.sheet.table import Cell, Limits, Table, UnreadableError, column_letters
from gateway.errors import RefusedError
from gateway.ports import Json, LocalRecord

GOOD = ["R-1", "Yes", "Nobody One", dt.datetime(1994, 5, 6), "F", 2, "0017", ""]


def _adapter(folder: Path, data: bytes, suffix: str = ".xlsx", **more: object) -> SheetAdapter:
    (folder / "office.yaml").write_text(workbooks.MAPPING)
    source = folder / f"cases{suffix}"
    source.write_bytes(data)
    folder.chmod(0o700)
    more.setdefault("ids", ("Key", "Case"))
    return SheetAdapter(source, marks={"Ready": folder / "office.yaml"}, key="Key", **more)  # type: ignore[arg-type]


async def _pull(folder: Path, data: bytes, suffix: str = ".xlsx", **more: object) -> list[LocalRecord]:
    return list(await _adapter(folder, data, suffix, **more).pull())


async def _refused(folder: Path, data: bytes, suffix: str = ".xlsx", **more: object) -> list[str]:
    adapter = _adapter(folder, data, suffix, **more)
    with pytest.raises(RefusedError, match="line list cannot be used") as caught:
        await adapter.pull()
    rules = [finding.rule for finding in caught.value.findings]
    assert rules == [finding.rule for finding in await adapter.check()][: len(rules)]
    return rules


def _faults(record: LocalRecord) -> list[tuple[str, str]]:
    return [(fault.place, fault.rule) for fault in record.faults]


# --- what is read --------------------------------------------------------------------------------------------------


async def test_a_row(tmp_path: Path) -> None:
    """A marked row becomes a record: values by visible label, dates as ISO, numbers whole, places for a person."""
    (record,) = await _pull(tmp_path, xlsx([LABELS, GOOD]))
    assert (record.ref, record.mapping, record.faults) == ("office:R-1", "office", ())
    assert record.fields == {"Name": "Nobody One", "Born": "1994-05-06", "Gender": "F", "Children": 2, "Case": "0017"}
    assert record.places["Born"] == "sheet Cases, row 2, column D"


async def test_only_what_is_mapped(tmp_path: Path) -> None:
    """Columns that the mapping ignores or does not know never leave the sheet, and their cells cause no fault."""
    labels, row = [*LABELS, "Diary"], [*GOOD[:-1], dt.time(3, 4), dt.timedelta(hours=30)]
    (record,) = await _pull(tmp_path, xlsx([labels, row]))
    assert record.faults == ()
    assert {"Remarks", "Diary", "Key", "Ready"}.isdisjoint(record.fields)


async def test_label_row_is_found(tmp_path: Path) -> None:
    """The label row is the one with known labels, wherever it stands; what is above it is passed over."""
    machine = ["k", "cas_Ready", "prs_Name", "prs_Gender", "prs_Born", "x", "y", "z"]
    blank = [""] * 8
    (record,) = await _pull(tmp_path, xlsx([["Our cases"], blank, machine, LABELS, blank, GOOD]))
    assert record.places["Name"] == "sheet Cases, row 6, column C"


async def test_labels_are_compared_loosely(tmp_path: Path) -> None:
    """Case and white space in a label do not matter, an alias is as good, and the record keeps what is written."""
    labels = ["KEY", " ready ", "name", "date  of\u00a0birth", "Gender", "Children", "Case", ""]
    (record,) = await _pull(tmp_path, xlsx([labels, GOOD]))
    assert record.fields["date  of\u00a0birth"] == "1994-05-06"


async def test_unmarked_rows_stay(tmp_path: Path) -> None:
    """Only a clear yes is a yes; a clear no and an empty cell are not; anything else is a fault at its cell."""
    marks = ["Yes", " oui ", "x", True, 1, "No", "", None, False, 0, "maybe", "später"]
    rows = [[f"R-{number}", mark, *GOOD[2:]] for number, mark in enumerate(marks)]
    records = await _pull(tmp_path, xlsx([LABELS, *rows]))
    assert [(record.ref, _faults(record)) for record in records] == [
        *((f"office:R-{number}", []) for number in range(5)),
        ("office:R-10", [("sheet Cases, row 12, column B", "bad_mark")]),
        ("office:R-11", [("sheet Cases, row 13, column B", "bad_mark")]),
    ]


async def test_blank_rows_and_row_numbers(tmp_path: Path) -> None:
    """A row that has only a number in a column without a label is no row."""
    labels = ["", *LABELS]
    (record,) = await _pull(tmp_path, xlsx([labels, [1, *[""] * 8], [2, *GOOD], [3], [4, " "]]))
    assert record.places["Name"] == "sheet Cases, row 3, column D"


async def test_hidden_sheets_are_not_read(tmp_path: Path) -> None:
    """The first visible sheet with the labels is read; a hidden one only when it is named."""
    data = xlsx([LABELS, GOOD], hidden=["Old"])
    assert [record.ref for record in await _pull(tmp_path, data)] == ["office:R-1"]
    assert [record.ref for record in await _pull(tmp_path, data, sheet="Old")] == ["office:HID"]


# --- cells ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "cell", "expected"),
    [
        (Kind.TEXT, "  a b ", "a b"),
        (Kind.TEXT, " ", None),
        (Kind.TEXT, 12.0, "12"),
        (Kind.TEXT, -3.0, "-3"),
        (Kind.CODE, 1.0, "1"),
        (Kind.CODE, True, True),
        (Kind.ID, "0017", "0017"),
        (Kind.NUMBER, 3.0, 3),
        (Kind.NUMBER, "3", "3"),
        (Kind.DATE, dt.date(2024, 2, 29), "2024-02-29"),
        (Kind.DATE, dt.datetime(2024, 2, 29, 13, 5), "2024-02-29"),
        (Kind.DATE, "2024-02-29", "2024-02-29"),
        (Kind.DATE, 1994.0, "1994"),
        (Kind.DATE, dt.date(1905, 3, 13), "1905-03-13"),
    ],
)
def test_cells(kind: Kind, cell: Cell, expected: Json) -> None:
    """A cell that can be read without guessing is."""
    value = read_cell(kind, cell)
    assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("kind", "cell", "rule"),
    [
        (Kind.ID, 17.0, "number_in_id_column"),
        (Kind.ID, True, "truth_value_in_text_column"),
        (Kind.ID, dt.date(2024, 3, 5), "date_in_text_column"),
        (Kind.TEXT, 1.5, "number_not_whole"),
        (Kind.TEXT, 1e20, "number_too_long"),
        (Kind.TEXT, float("inf"), "number_too_long"),
        (Kind.TEXT, float("nan"), "number_too_long"),
        (Kind.TEXT, True, "truth_value_in_text_column"),
        (Kind.TEXT, dt.date(2024, 3, 5), "date_in_text_column"),
        (Kind.CODE, dt.date(2024, 3, 5), "date_in_text_column"),
        (Kind.NUMBER, 1.5, "number_not_whole"),
        (Kind.NUMBER, dt.date(2024, 3, 5), "date_in_number_column"),
        (Kind.NUMBER, dt.time(1, 2), "time_of_day"),
        (Kind.DATE, 45_000.0, "number_in_date_column"),
        (Kind.DATE, dt.date(1905, 6, 16), "year_as_date"),
        (Kind.DATE, dt.timedelta(hours=30), "time_of_day"),
    ],
)
def test_bad_cells(kind: Kind, cell: Cell, rule: str) -> None:
    """A cell that Excel has changed, or that is of another kind, is a fault and not a guess."""
    value = read_cell(kind, cell)
    assert isinstance(value, Fault)
    assert value.rule == rule


async def test_faults_are_per_cell(tmp_path: Path) -> None:
    """Every faulty cell of a malformed row is named, nothing of what it holds is said, and the good rows still go."""
    bad = ["R-2", "Yes", dt.datetime(2024, 3, 5), 45000, "F", 1.5, 17, ""]
    records = await _pull(tmp_path, xlsx([LABELS, bad, GOOD]))
    assert _faults(records[0]) == [
        ("sheet Cases, row 2, column C", "date_in_text_column"),
        ("sheet Cases, row 2, column D", "number_in_date_column"),
        ("sheet Cases, row 2, column F", "number_not_whole"),
        ("sheet Cases, row 2, column G", "number_in_id_column"),
    ]
    assert records[0].fields["Gender"] == "F" and records[0].fields["Case"] is None
    assert (records[1].ref, records[1].faults) == ("office:R-1", ())


async def test_formulas_without_result(tmp_path: Path) -> None:
    """A formula that nothing has computed and a cell that shows an error look empty to the reader; both are faults."""
    rows = [LABELS, GOOD, ["R-2", "Yes", '="No" & "body"', "", "F", "=1/0", "", ""]]
    data = spoilt_sheet(xlsx(rows), b'<c r="F3"><f>1/0</f><v /></c>', b'<c r="F3" t="e"><f>1/0</f><v>#DIV/0!</v></c>')
    records = await _pull(tmp_path, data)
    assert _faults(records[1]) == [
        ("sheet Cases, row 3, column C", "uncached_formula"),
        ("sheet Cases, row 3, column F", "error_value"),
    ]


@pytest.mark.parametrize("stored", [b"F", b""])
async def test_formulas_with_a_result(tmp_path: Path, stored: bytes) -> None:
    """The result that some program stored with a formula may be old, so it is no value; what it was is not taken."""
    data = xlsx([LABELS, [*GOOD[:4], '="F"', 2, "0017", ""]])
    data = spoilt_sheet(
        data, b'<c r="E2"><f>"F"</f><v /></c>', b'<c r="E2" t="str"><f>"F"</f><v>' + stored + b"</v></c>"
    )
    (record,) = await _pull(tmp_path, data)
    assert _faults(record) == [("sheet Cases, row 2, column E", "formula")]
    assert record.fields["Gender"] is None


@pytest.mark.parametrize(("stored", "faults"), [(b"Yes", ["formula"]), (b"No", None), (b"", None)])
async def test_a_mark_is_not_computed(tmp_path: Path, stored: bytes, faults: list[str] | None) -> None:
    """That a case is to be referred is said by a person and not by a formula; one that says no is no mark."""
    data = xlsx([LABELS, ["R-1", '="x"', *GOOD[2:]]])
    data = spoilt_sheet(
        data, b'<c r="B2"><f>"x"</f><v /></c>', b'<c r="B2" t="str"><f>"x"</f><v>' + stored + b"</v></c>"
    )
    records = await _pull(tmp_path, data)
    assert [[fault.rule for fault in record.faults] for record in records] == ([] if faults is None else [faults])


async def test_a_workbook_with_macros(tmp_path: Path) -> None:
    """The macros of an .xlsm are never opened: the rows are read as if they were not there, whatever they hold."""
    data = with_macros(xlsx([LABELS, GOOD]), b"not even a project")
    (record,) = await _pull(tmp_path, data, ".xlsm")
    assert (record.faults, record.fields["Case"]) == ((), "0017")


async def test_blanks_around_a_code(tmp_path: Path) -> None:
    """A value with blanks at its end is the value: no other code, and no fault."""
    (record,) = await _pull(tmp_path, xlsx([LABELS, [*GOOD[:4], " F\u00a0 ", *GOOD[5:]]]))
    assert (record.faults, record.fields["Gender"]) == ((), "F")


# --- keys ----------------------------------------------------------------------------------------------------------


async def test_bad_keys(tmp_path: Path) -> None:
    """A row without a usable key of its own goes by its number and is a fault; a key of another script is usable."""
    keys = ["", 17, "a b", "=x", "R-1", "R-1", "СП-12", "k" * 49]
    records = await _pull(tmp_path, xlsx([LABELS, *([key, *GOOD[1:]] for key in keys)]))
    assert [(record.ref, [fault.rule for fault in record.faults]) for record in records] == [
        ("office:@row2", ["missing_key"]),
        ("office:@row3", ["number_in_id_column"]),
        ("office:@row4", ["bad_key"]),
        ("office:@row5", ["uncached_formula"]),
        ("office:@row6", ["duplicate_key"]),
        ("office:@row7", ["duplicate_key"]),
        ("office:СП-12", []),
        ("office:@row9", ["bad_key"]),
    ]


async def test_doubled_labels(tmp_path: Path) -> None:
    """Two columns with one label: the filled one counts, two equal ones agree, two different ones are a fault."""
    labels = [*LABELS[:7], "Name"]
    rows = [["R-1", "Yes", "", *GOOD[3:7], "B"], [*GOOD[:7], "Nobody One"], [*GOOD[:7], "Nobody Two"]]
    rows = [[f"R-{number}", *row[1:]] for number, row in enumerate(rows)]
    one, same, other = await _pull(tmp_path, xlsx([labels, *rows]))
    assert (one.fields["Name"], one.places["Name"], one.faults) == ("B", "sheet Cases, row 2, column H", ())
    assert (same.fields["Name"], same.faults) == ("Nobody One", ())
    assert _faults(other) == [("sheet Cases, row 4, column H", "ambiguous_column")]


async def test_missing_columns(tmp_path: Path) -> None:
    """Without the key column, or without any mark column, nothing is read and the label is named."""
    assert await _refused(tmp_path, xlsx([["Nr", *LABELS[1:]], GOOD])) == ["missing_column"]
    assert await _refused(tmp_path, xlsx([["Key", "Remarks", *LABELS[2:]], GOOD])) == ["missing_column"]


# --- CSV -----------------------------------------------------------------------------------------------------------

PLAIN = ["R-1", "Yes", "Nobody One", "1994-05-06", "F", "2", "0017", ""]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
async def test_csv(tmp_path: Path, delimiter: str, mark: bytes) -> None:
    """A CSV file is read with the delimiter that its labels show, with or without byte order mark; ids keep zeros."""
    (record,) = await _pull(tmp_path, mark + csv([LABELS, PLAIN], delimiter), ".csv")
    assert record.fields == {"Name": "Nobody One", "Born": "1994-05-06", "Gender": "F", "Children": "2", "Case": "0017"}
    assert record.places["Born"] == "row 2, column D"


async def test_csv_rows(tmp_path: Path) -> None:
    """In CSV a short row has empty cells, a cell beyond the labels is a fault, and so is a formula."""
    rows = [PLAIN[:3], [*PLAIN, "x"], ["R-3", "Yes", "=1+1"]]
    rows = [[f"R-{number}", *row[1:]] for number, row in enumerate(rows)]
    short, long, formula = await _pull(tmp_path, csv([LABELS, *rows]), ".csv")
    assert (short.faults, short.fields["Case"]) == ((), None)
    assert _faults(long) == [("row 3, column I", "too_many_cells")]
    assert _faults(formula) == [("row 4, column C", "uncached_formula")]


async def test_csv_quoting(tmp_path: Path) -> None:
    """Quotation marks keep separators and line ends inside a cell."""
    data = ",".join(LABELS).encode() + b'\r\nR-1,Yes,"One,\r\n""Two""",,,,,\r\n'
    (record,) = await _pull(tmp_path, data, ".csv")
    assert record.fields["Name"] == 'One,\r\n"Two"'


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (csv([LABELS, PLAIN]).decode().encode("utf-16"), "not_utf8"),
        (csv([LABELS, ["R-1", "Yes", "Zo\u00eb"]]).decode().encode("latin-1"), "not_utf8"),
        (csv([LABELS]) + b'R-1,Yes,"open', "bad_quoting"),
        (csv([["a", "b"], ["c", "d"]]), "no_heading"),
        (b"", "no_heading"),
        (csv([LABELS, *([PLAIN] * 30)]), "sheet_too_large"),
    ],
)
async def test_bad_csv(tmp_path: Path, data: bytes, rule: str) -> None:
    """A CSV file that cannot be read as a whole says why."""
    assert await _refused(tmp_path, data, ".csv", limits=Limits(rows=25)) == [rule]


# --- ods -----------------------------------------------------------------------------------------------------------


async def test_ods(tmp_path: Path) -> None:
    """An OpenDocument table is read like any other, with its repeated cells."""
    born = ods_cell("", 'office:value-type="date" office:date-value="1994-05-06"')
    row = ods_row(["R-1", "Yes", "Nobody One", born, "F", 2, "0017"])
    tail = ods_row([ods_cell("", 'table:number-columns-repeated="16384"')], 'table:number-rows-repeated="1048570"')
    (record,) = await _pull(tmp_path, ods([ods_row(LABELS), row, tail]), ".ods")
    assert record.fields == {"Name": "Nobody One", "Born": "1994-05-06", "Gender": "F", "Children": 2, "Case": "0017"}


async def test_ods_defects(tmp_path: Path) -> None:
    """In OpenDocument, too, a formula without a result is a fault."""
    formula = ods_cell("", 'table:formula="of:=1"')
    (record,) = await _pull(tmp_path, ods([ods_row(LABELS), ods_row(["R-1", "Yes", formula])]), ".ods")
    assert _faults(record) == [("sheet Cases, row 2, column C", "uncached_formula")]


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
    assert await _refused(tmp_path, ods([ods_row(LABELS), row]), ".ods") == [rule]


# --- hostile workbooks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", [b"A1048576", b"XFD2", b"ZZ20000"])
async def test_a_far_cell(tmp_path: Path, cell: bytes) -> None:
    """One value at the far end of the sheet would make the reader keep the whole rectangle; it is refused first."""
    far = b'<row r="9"><c r="' + cell + b'"><v>1</v></c></row></sheetData>'
    assert await _refused(tmp_path, spoilt_sheet(xlsx([LABELS, GOOD]), b"</sheetData>", far)) == ["sheet_too_large"]


async def test_a_huge_dimension(tmp_path: Path) -> None:
    """A sheet that only claims to be huge is read."""
    data = spoilt_sheet(xlsx([LABELS, GOOD]), b'<dimension ref="A1:H2"', b'<dimension ref="A1:XFD1048576"')
    assert len(await _pull(tmp_path, data)) == 1


async def test_odd_cell_names(tmp_path: Path) -> None:
    """A cell whose name is none is not guessed at."""
    for name in (b"A99999999", b"a2", b"2A", b"AAAA1", b"A0"):
        data = spoilt_sheet(xlsx([LABELS, GOOD]), b'r="C2"', b'r="' + name + b'"')
        assert await _refused(tmp_path, data) == ["damaged_workbook"]


async def test_a_zip_bomb(tmp_path: Path) -> None:
    """A member that unpacks to more than the limit stops the reading, whatever sizes the archive claims."""
    output = BytesIO(xlsx([LABELS, GOOD]))
    with zipfile.ZipFile(output, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.png", b"\0" * (8 << 20))
    data = output.getvalue()
    assert len(data) < 100_000
    limits = Limits(unpacked_bytes=4 << 20)
    assert await _refused(tmp_path, data, limits=limits) == ["too_large_unpacked"]
    lie = data.replace(struct.pack("<I", 8 << 20), struct.pack("<I", 10))
    assert lie != data
    assert await _refused(tmp_path, lie, limits=limits) == ["too_large_unpacked"]


@pytest.mark.parametrize("unit", [b"<c/>", b"<row/>", b'<c r="A1"><f>1</f></c>', b'<mergeCell ref="A1:A2"/>'])
async def test_a_bomb_of_empty_cells(tmp_path: Path, unit: bytes) -> None:
    """A few KiB that unpack to very many elements, none of which is far out, are refused after some of them."""
    bomb = unit * (8_000_000 // len(unit))
    assert await _refused(tmp_path, spoilt_sheet(xlsx([LABELS, GOOD]), b"</sheetData>", bomb + b"</sheetData>")) == [
        "too_large_unpacked"
    ]


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


BOOK = xlsx([LABELS, GOOD])
UNSHARED = b'<c r="A1" t="s"><v>9999</v>'
DOCTYPE = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'


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
    assert await _refused(tmp_path, data, limits=Limits(file_bytes=1_000_000)) == [rule]


@pytest.mark.parametrize("position", range(0, len(BOOK), 97))
async def test_flipped_bytes(tmp_path: Path, position: int) -> None:
    """A workbook with a byte changed is read or refused, and nothing else ever happens."""
    data = bytearray(BOOK)
    data[position] ^= 0x5A
    try:
        await _pull(tmp_path, bytes(data))
    except RefusedError as exc:
        assert exc.findings


MEMBERS = ("xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml", "xl/_rels/workbook.xml.rels")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(member=st.sampled_from(MEMBERS), position=st.integers(0, 10_000), byte=st.integers(0, 255))
async def test_changed_members(tmp_path: Path, member: str, position: int, byte: int) -> None:
    """A byte changed inside the archive, under a correct check sum, is read or refused as well."""

    def change(xml: bytes) -> bytes:
        at = position % len(xml)
        return xml[:at] + bytes([byte]) + xml[at + 1 :]

    try:
        await _pull(tmp_path, workbooks.respoken(BOOK, {member: change}))
    except RefusedError as exc:
        assert exc.findings


async def test_other_files(tmp_path: Path) -> None:
    """A file type that is not read, a sheet that is not there and a folder in place of the file are said so."""
    assert await _refused(tmp_path, b"x", ".xls") == ["unknown_file_type"]
    assert await _refused(tmp_path, BOOK, sheet="None") == ["no_such_sheet"]
    adapter = _adapter(tmp_path, BOOK)
    (tmp_path / "cases.xlsx").unlink()
    (tmp_path / "cases.xlsx").mkdir()
    assert [finding.rule for finding in await adapter.check()] == ["not_a_file"]


# --- pieces --------------------------------------------------------------------------------------------------------


@given(st.integers(0, 16_383))
def test_letters(column: int) -> None:
    """The letters of a column count like a spreadsheet's."""
    number = 0
    for letter in column_letters(column):
        number = number * 26 + ord(letter) - ord("A") + 1
    assert number - 1 == column


def test_heading_is_no_coincidence() -> None:
    """Two known words in a row of text are no label row; where the file knows fewer labels, those are enough."""
    known = {normalise_label(label) for label in LABELS}
    assert find_heading([["Name", "Case", "", "x"]], known) is None
    heading = find_heading([["Name", "x"], ["Name", "Case"]], {"name", "case"})
    assert heading is not None and (heading.row, heading.labels) == (1, {0: "Name", 1: "Case"})


def test_sheet_names_are_printable() -> None:
    """A sheet name cannot put a line break into a place."""
    assert Table(sheet="a\nb", rows=[]).place(0, 0) == "sheet a?b, row 1, column A"


def test_limits() -> None:
    """A sheet may be long or wide, not both."""
    limits = Limits(rows=10, columns=10, cells=50)
    limits.admit(10, 5)
    with pytest.raises(UnreadableError):
        limits.admit(10, 6)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "a: 1",
        "format: trm-mapping/2\nname: a",
        "format: trm-mapping/1\nname: A B",
        "format: trm-mapping/1\nname: a\nfields: [x]",
        "format: trm-mapping/1\nname: a\nfields: {x: {from: A, type: picture}}",
        "format: trm-mapping/1\nname: a\nfields: {x: {from: 1, type: text}}",
        "format: trm-mapping/1\nname: a\nignored: [No]",
        "format: trm-mapping/1\nname: a\nfields: {x: {from: A, type: text}, y: {from: A, type: date}}",
        "a: &a [x]\nb: !!python/object:os.system {}",
    ],
)
def test_bad_layouts(text: str) -> None:
    """A mapping file that cannot say which columns there are is refused."""
    with pytest.raises(RefusedError, match="mapping file cannot be used"):
        read_layout(text.encode(), ())


def test_layout() -> None:
    """The layout has the labels in every spelling, an id column by its name, and changes when the file does."""
    layout = read_layout(workbooks.MAPPING.encode(), {"case"})
    assert (layout.columns["date of birth"], layout.columns["born"]) == (Kind.DATE, Kind.DATE)
    assert (layout.columns["case"], layout.columns["name"]) == (Kind.ID, Kind.TEXT)
    assert layout.ignored == {"remarks", "ready"}
    assert layout.fingerprint != read_layout(workbooks.MAPPING.encode() + b"\n", {"case"}).fingerprint


# --- merged cells ----------------------------------------------------------------------------------------------------

SECOND = ["R-2", "Yes", "Nobody Two", dt.datetime(1995, 5, 6), "F", 1, "0018", ""]


def _merged(cells: str) -> bytes:
    rows = [[*LABELS], [*GOOD], [*SECOND]]
    rows[2][LABELS.index("Gender")] = rows[2][LABELS.index("Remarks")] = None
    return spoilt_sheet(
        xlsx(rows), b"</sheetData>", f'</sheetData><mergeCells><mergeCell ref="{cells}"/></mergeCells>'.encode()
    )


@pytest.mark.parametrize(
    ("cells", "faults"),
    [
        ("E2:E3", [("sheet Cases, row 3, column E", "merged_cell")]),
        ("E2:E900000", [("sheet Cases, row 3, column E", "merged_cell")]),
        ("H2:H3", []),
        ("E2:F2", []),
    ],
)
async def test_a_cell_that_reaches_over_rows_counts_for_the_first_one(
    tmp_path: Path, cells: str, faults: list[tuple[str, str]]
) -> None:
    """People see its value in every row; what is read, and only that, is told at the cell that is covered."""
    first, second = await _pull(tmp_path, _merged(cells))
    assert (first.fields["Gender"], _faults(first)) == ("F", [])
    assert _faults(second) == faults


async def test_a_mark_that_reaches_over_rows_marks_nobody_in_silence(tmp_path: Path) -> None:
    """A row that looks marked is told as one that is not."""
    rows = [[*LABELS], [*GOOD], [*SECOND]]
    rows[2][1] = None
    data = spoilt_sheet(xlsx(rows), b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="B2:B3"/></mergeCells>')
    _, second = await _pull(tmp_path, data)
    assert _faults(second) == [("sheet Cases, row 3, column B", "merged_cell")]


async def test_a_merged_cell_of_a_document_of_libreoffice(tmp_path: Path) -> None:
    """The same in an .ods file, where the covered cell has a name of its own."""
    gender = LABELS.index("Gender")
    first, second = [str(cell) for cell in GOOD], [str(cell) for cell in SECOND]
    first[3] = second[3] = ""
    first[gender] = ods_cell("F", 'table:number-rows-spanned="2"')
    second[gender] = "<table:covered-table-cell/>"
    _, found = await _pull(tmp_path, ods([ods_row(LABELS), ods_row(first), ods_row(second)]), ".ods")
    assert _faults(found) == [("sheet Cases, row 3, column E", "merged_cell")]

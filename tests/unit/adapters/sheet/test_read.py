"""From workbook and CSV bytes to records, with every trap that real files hold."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from support.sheets import GOOD, faults_of, pull_sheet, refused_rules, sheet_adapter
from support.workbooks import LABELS, csv, ods, ods_cell, ods_row, with_macros, xlsx

from adapters.sheet.table import Limits

# --- what is read --------------------------------------------------------------------------------------------------


async def test_a_row(tmp_path: Path) -> None:
    """A marked row becomes a record: values by visible label, dates as ISO, numbers whole, places for a person."""
    (record,) = await pull_sheet(tmp_path, xlsx([LABELS, GOOD]))
    assert (record.ref, record.mapping, record.faults) == ("office:R-1", "office", ())
    assert record.fields == {"Name": "Nobody One", "Born": "1994-05-06", "Gender": "F", "Children": 2, "Case": "0017"}
    assert record.places["Born"] == "sheet Cases, row 2, column D"


async def test_only_what_is_mapped(tmp_path: Path) -> None:
    """Columns that the mapping ignores or does not know never leave the sheet, and their cells cause no fault."""
    labels, row = [*LABELS, "Diary"], [*GOOD[:-1], dt.time(3, 4), dt.timedelta(hours=30)]
    (record,) = await pull_sheet(tmp_path, xlsx([labels, row]))
    assert record.faults == ()
    assert {"Remarks", "Diary", "Key", "Ready"}.isdisjoint(record.fields)


async def test_hidden_sheets_are_not_read(tmp_path: Path) -> None:
    """The first visible sheet with the labels is read; a hidden one only when it is named."""
    data = xlsx([LABELS, GOOD], hidden=["Old"])
    assert [record.ref for record in await pull_sheet(tmp_path, data)] == ["office:R-1"]
    assert [record.ref for record in await pull_sheet(tmp_path, data, sheet="Old")] == ["office:HID"]


# --- cells ---------------------------------------------------------------------------------------------------------


async def test_a_workbook_with_macros(tmp_path: Path) -> None:
    """The macros of an .xlsm are never opened: the rows are read as if they were not there, whatever they hold."""
    data = with_macros(xlsx([LABELS, GOOD]), b"not even a project")
    (record,) = await pull_sheet(tmp_path, data, ".xlsm")
    assert (record.faults, record.fields["Case"]) == ((), "0017")


# --- CSV -----------------------------------------------------------------------------------------------------------

PLAIN = ["R-1", "Yes", "Nobody One", "1994-05-06", "F", "2", "0017", ""]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
async def test_csv(tmp_path: Path, delimiter: str, mark: bytes) -> None:
    """A CSV file is read with the delimiter that its labels show, with or without byte order mark; ids keep zeros."""
    (record,) = await pull_sheet(tmp_path, mark + csv([LABELS, PLAIN], delimiter), ".csv")
    assert record.fields == {"Name": "Nobody One", "Born": "1994-05-06", "Gender": "F", "Children": "2", "Case": "0017"}
    assert record.places["Born"] == "row 2, column D"


async def test_csv_rows(tmp_path: Path) -> None:
    """In CSV a short row has empty cells, a cell beyond the labels is a fault, and so is a formula."""
    rows = [PLAIN[:3], [*PLAIN, "x"], ["R-3", "Yes", "=1+1"]]
    rows = [[f"R-{number}", *row[1:]] for number, row in enumerate(rows)]
    short, long, formula = await pull_sheet(tmp_path, csv([LABELS, *rows]), ".csv")
    assert (short.faults, short.fields["Case"]) == ((), None)
    assert faults_of(long) == [("row 3, column I", "too_many_cells")]
    assert faults_of(formula) == [("row 4, column C", "uncached_formula")]


async def test_csv_quoting(tmp_path: Path) -> None:
    """Quotation marks keep separators and line ends inside a cell."""
    data = ",".join(LABELS).encode() + b'\r\nR-1,Yes,"One,\r\n""Two""",,,,,\r\n'
    (record,) = await pull_sheet(tmp_path, data, ".csv")
    assert record.fields["Name"] == 'One,\r\n"Two"'


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (csv([LABELS, ["R-1", "Yes", "\u0159e\u010d"]]).decode().encode("cp1250"), "encoding_unclear"),
        (csv([LABELS]) + b'R-1,Yes,"open', "bad_quoting"),
        (csv([["a", "b"], ["c", "d"]]), "no_heading"),
        (b"", "no_heading"),
        (csv([LABELS, *([PLAIN] * 30)]), "sheet_too_large"),
    ],
)
async def test_bad_csv(tmp_path: Path, data: bytes, rule: str) -> None:
    """A CSV file that cannot be read as a whole says why."""
    assert await refused_rules(tmp_path, data, ".csv", limits=Limits(rows=25)) == [rule]


# --- ods -----------------------------------------------------------------------------------------------------------


async def test_ods(tmp_path: Path) -> None:
    """An OpenDocument table is read like any other, with its repeated cells."""
    born = ods_cell("", 'office:value-type="date" office:date-value="1994-05-06"')
    row = ods_row(["R-1", "Yes", "Nobody One", born, "F", 2, "0017"])
    tail = ods_row([ods_cell("", 'table:number-columns-repeated="16384"')], 'table:number-rows-repeated="1048570"')
    (record,) = await pull_sheet(tmp_path, ods([ods_row(LABELS), row, tail]), ".ods")
    assert record.fields == {"Name": "Nobody One", "Born": "1994-05-06", "Gender": "F", "Children": 2, "Case": "0017"}


async def test_ods_defects(tmp_path: Path) -> None:
    """In OpenDocument, too, a formula without a result is a fault."""
    formula = ods_cell("", 'table:formula="of:=1"')
    (record,) = await pull_sheet(tmp_path, ods([ods_row(LABELS), ods_row(["R-1", "Yes", formula])]), ".ods")
    assert faults_of(record) == [("sheet Cases, row 2, column C", "uncached_formula")]


# --- hostile workbooks ---------------------------------------------------------------------------------------------


BOOK = xlsx([LABELS, GOOD])


async def test_other_files(tmp_path: Path) -> None:
    """A file type that is not read, a sheet that is not there and a folder in place of the file are said so."""
    assert await refused_rules(tmp_path, b"x", ".xls") == ["unknown_file_type"]
    assert await refused_rules(tmp_path, BOOK, sheet="None") == ["no_such_sheet"]
    adapter = sheet_adapter(tmp_path, BOOK)
    (tmp_path / "cases.xlsx").unlink()
    (tmp_path / "cases.xlsx").mkdir()
    assert [finding.rule for finding in await adapter.check()] == ["not_a_file"]


# --- merged cells ----------------------------------------------------------------------------------------------------

"""Records of a sheet: marked rows, their keys, and what is said of rows that are none."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from support.sheets import GOOD, faults_of, pull_sheet, refused_rules
from support.workbooks import LABELS, ods, ods_cell, ods_row, spoilt_sheet, xlsx

SECOND = ["R-2", "Yes", "Nobody Two", dt.datetime(1995, 5, 6), "F", 1, "0018", ""]


def _merged(cells: str) -> bytes:
    rows = [[*LABELS], [*GOOD], [*SECOND]]
    rows[2][LABELS.index("Gender")] = rows[2][LABELS.index("Remarks")] = None
    return spoilt_sheet(
        xlsx(rows), b"</sheetData>", f'</sheetData><mergeCells><mergeCell ref="{cells}"/></mergeCells>'.encode()
    )


async def test_unmarked_rows_stay(tmp_path: Path) -> None:
    """Only a clear yes is a yes; a clear no and an empty cell are not; anything else is a fault at its cell."""
    marks = ["Yes", " oui ", "x", True, 1, "No", "", None, False, 0, "maybe", "später"]
    rows = [[f"R-{number}", mark, *GOOD[2:]] for number, mark in enumerate(marks)]
    records = await pull_sheet(tmp_path, xlsx([LABELS, *rows]))
    assert [(record.ref, faults_of(record)) for record in records] == [
        *((f"office:R-{number}", []) for number in range(5)),
        ("office:R-10", [("sheet Cases, row 12, column B", "bad_mark")]),
        ("office:R-11", [("sheet Cases, row 13, column B", "bad_mark")]),
    ]


async def test_blank_rows_and_row_numbers(tmp_path: Path) -> None:
    """A row that has only a number in a column without a label is no row."""
    labels = ["", *LABELS]
    (record,) = await pull_sheet(tmp_path, xlsx([labels, [1, *[""] * 8], [2, *GOOD], [3], [4, " "]]))
    assert record.places["Name"] == "sheet Cases, row 3, column D"


@pytest.mark.parametrize(("stored", "faults"), [(b"Yes", ["formula"]), (b"No", None), (b"", None)])
async def test_a_mark_is_not_computed(tmp_path: Path, stored: bytes, faults: list[str] | None) -> None:
    """That a case is to be referred is said by a person and not by a formula; one that says no is no mark."""
    data = xlsx([LABELS, ["R-1", '="x"', *GOOD[2:]]])
    data = spoilt_sheet(
        data, b'<c r="B2"><f>"x"</f><v /></c>', b'<c r="B2" t="str"><f>"x"</f><v>' + stored + b"</v></c>"
    )
    records = await pull_sheet(tmp_path, data)
    assert [[fault.rule for fault in record.faults] for record in records] == ([] if faults is None else [faults])


async def test_bad_keys(tmp_path: Path) -> None:
    """A row without a usable key of its own goes by its number and is a fault; a key of another script is usable."""
    keys = ["", 17, "a b", "=x", "R-1", "R-1", "СП-12", "k" * 49]
    records = await pull_sheet(tmp_path, xlsx([LABELS, *([key, *GOOD[1:]] for key in keys)]))
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


async def test_missing_columns(tmp_path: Path) -> None:
    """Without the key column, or without any mark column, nothing is read and the label is named."""
    assert await refused_rules(tmp_path, xlsx([["Nr", *LABELS[1:]], GOOD])) == ["missing_column"]
    assert await refused_rules(tmp_path, xlsx([["Key", "Remarks", *LABELS[2:]], GOOD])) == ["missing_column"]


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
    first, second = await pull_sheet(tmp_path, _merged(cells))
    assert (first.fields["Gender"], faults_of(first)) == ("F", [])
    assert faults_of(second) == faults


async def test_a_mark_that_reaches_over_rows_marks_nobody_in_silence(tmp_path: Path) -> None:
    """A row that looks marked is told as one that is not."""
    rows = [[*LABELS], [*GOOD], [*SECOND]]
    rows[2][1] = None
    data = spoilt_sheet(xlsx(rows), b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="B2:B3"/></mergeCells>')
    _, second = await pull_sheet(tmp_path, data)
    assert faults_of(second) == [("sheet Cases, row 3, column B", "merged_cell")]


async def test_a_merged_cell_of_a_document_of_libreoffice(tmp_path: Path) -> None:
    """The same in an .ods file, where the covered cell has a name of its own."""
    gender = LABELS.index("Gender")
    first, second = [str(cell) for cell in GOOD], [str(cell) for cell in SECOND]
    first[3] = second[3] = ""
    first[gender] = ods_cell("F", 'table:number-rows-spanned="2"')
    second[gender] = "<table:covered-table-cell/>"
    _, found = await pull_sheet(tmp_path, ods([ods_row(LABELS), ods_row(first), ods_row(second)]), ".ods")
    assert faults_of(found) == [("sheet Cases, row 3, column E", "merged_cell")]

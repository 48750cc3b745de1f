"""Cells of a sheet: what can be read without guessing is a value, everything else a fault at its place."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from support.sheets import GOOD, faults_of, pull_sheet
from support.workbooks import LABELS, spoilt_sheet, xlsx

from adapters.sheet.cells import Fault, read_cell
from adapters.sheet.layout import Kind
from adapters.sheet.table import Cell
from gateway.ports import Json


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
    records = await pull_sheet(tmp_path, xlsx([LABELS, bad, GOOD]))
    assert faults_of(records[0]) == [
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
    records = await pull_sheet(tmp_path, data)
    assert faults_of(records[1]) == [
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
    (record,) = await pull_sheet(tmp_path, data)
    assert faults_of(record) == [("sheet Cases, row 2, column E", "formula")]
    assert record.fields["Gender"] is None


async def test_blanks_around_a_code(tmp_path: Path) -> None:
    """A value with blanks at its end is the value: no other code, and no fault."""
    (record,) = await pull_sheet(tmp_path, xlsx([LABELS, [*GOOD[:4], " F\u00a0 ", *GOOD[5:]]]))
    assert (record.faults, record.fields["Gender"]) == ((), "F")

"""Headings: the row of labels is found, and its labels are compared loosely."""

from __future__ import annotations

from pathlib import Path

from support.sheets import GOOD, faults_of, pull_sheet
from support.workbooks import LABELS, xlsx

from adapters.sheet.headings import find_heading, normalise_label


async def test_label_row_is_found(tmp_path: Path) -> None:
    """The label row is the one with known labels, wherever it stands; what is above it is passed over."""
    machine = ["k", "cas_Ready", "prs_Name", "prs_Gender", "prs_Born", "x", "y", "z"]
    blank = [""] * 8
    (record,) = await pull_sheet(tmp_path, xlsx([["Our cases"], blank, machine, LABELS, blank, GOOD]))
    assert record.places["Name"] == "sheet Cases, row 6, column C"


async def test_labels_are_compared_loosely(tmp_path: Path) -> None:
    """Case and white space in a label do not matter, an alias is as good, and the record keeps what is written."""
    labels = ["KEY", " ready ", "name", "date  of\u00a0birth", "Gender", "Children", "Case", ""]
    (record,) = await pull_sheet(tmp_path, xlsx([labels, GOOD]))
    assert record.fields["date  of\u00a0birth"] == "1994-05-06"


async def test_doubled_labels(tmp_path: Path) -> None:
    """Two columns with one label: the filled one counts, two equal ones agree, two different ones are a fault."""
    labels = [*LABELS[:7], "Name"]
    rows = [["R-1", "Yes", "", *GOOD[3:7], "B"], [*GOOD[:7], "Nobody One"], [*GOOD[:7], "Nobody Two"]]
    rows = [[f"R-{number}", *row[1:]] for number, row in enumerate(rows)]
    one, same, other = await pull_sheet(tmp_path, xlsx([labels, *rows]))
    assert (one.fields["Name"], one.places["Name"], one.faults) == ("B", "sheet Cases, row 2, column H", ())
    assert (same.fields["Name"], same.faults) == ("Nobody One", ())
    assert faults_of(other) == [("sheet Cases, row 4, column H", "ambiguous_column")]


def test_heading_is_no_coincidence() -> None:
    """Two known words in a row of text are no label row; where the file knows fewer labels, those are enough."""
    known = {normalise_label(label) for label in LABELS}
    assert find_heading([["Name", "Case", "", "x"]], known) is None
    heading = find_heading([["Name", "x"], ["Name", "Case"]], {"name", "case"})
    assert heading is not None and (heading.row, heading.labels) == (1, {0: "Name", 1: "Case"})

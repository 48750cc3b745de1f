"""Questions about a column: one for each, with the rows that wait for the answer."""

from __future__ import annotations

import pytest

from adapters.sheet.results.questions import Fault, ask_by_column, is_asked, write_rows
from gateway.errors import Finding


def fault(row: int, column: str = "D", mapping: str = "office", sheet: str = "sheet Cases, ") -> Fault:
    """A date that can be read two ways in a cell."""
    finding = Finding(place=f"{sheet}row {row}, column {column}", rule="date_two_ways")
    return Fault(mapping=mapping, label=f"Label {column}", finding=finding)


def test_one_question_for_each_column_and_mapping() -> None:
    """Rows in their order, each once; the example is the first of them."""
    faults = [fault(9), fault(3), fault(9), fault(4, "F"), fault(5, mapping="other"), fault(6, sheet="")]
    found = [(one.mapping, one.place, one.rows, one.example) for one in ask_by_column(faults)]
    assert found == [
        ("office", "sheet Cases, column D", [3, 9], "sheet Cases, row 3, column D"),
        ("office", "sheet Cases, column F", [4], "sheet Cases, row 4, column F"),
        ("other", "sheet Cases, column D", [5], "sheet Cases, row 5, column D"),
        ("office", "column D", [6], "row 6, column D"),
    ]


def test_what_is_no_cell_is_not_asked_by_column() -> None:
    """Nor is a fault that has another answer in each cell."""
    assert is_asked(fault(3).finding)
    assert not is_asked(Finding(place="field Birthdate", rule="date_two_ways"))
    assert not is_asked(Finding(place="row 3, column D", rule="bad_date"))


@pytest.mark.parametrize(
    ("numbers", "written"),
    [([3], "3"), ([3, 4, 5, 9], "3-5, 9"), ([], ""), (range(1, 200, 2), ", ".join(map(str, range(1, 80, 2))) + ", …")],
    ids=["one", "a run", "none", "very many"],
)
def test_rows_are_written_short(numbers: list[int], written: str) -> None:
    """Runs by their ends; so many that nobody would read them end in an ellipsis."""
    assert write_rows(numbers) == written

"""Tables: places as a spreadsheet names them, and their limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sheet.table import Limits, Table, UnreadableError, column_letters


@given(st.integers(0, 16_383))
def test_letters(column: int) -> None:
    """The letters of a column count like a spreadsheet's."""
    number = 0
    for letter in column_letters(column):
        number = number * 26 + ord(letter) - ord("A") + 1
    assert number - 1 == column


def test_sheet_names_are_printable() -> None:
    """A sheet name cannot put a line break into a place."""
    assert Table(sheet="a\nb", rows=[]).place(0, 0) == "sheet a?b, row 1, column A"


def test_limits() -> None:
    """A sheet may be long or wide, not both."""
    limits = Limits(rows=10, columns=10, cells=50)
    limits.admit(10, 5)
    with pytest.raises(UnreadableError):
        limits.admit(10, 6)

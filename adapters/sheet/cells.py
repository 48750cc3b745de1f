"""Read one cell: its value in the record, or its fault.

A workbook keeps every number as a fraction, drops leading zeros, and turns text that looks like a date into one. Where
that cannot be undone the cell is a fault: the person who knows the answer sits in front of the workbook.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from adapters.sheet.layout import Kind
from adapters.sheet.table import Cell
from gateway.ports import Json

LONGEST = 32_000
"""Characters in one cell; a workbook keeps 32 767, and a text that fills it may have lost its end."""
_MIXED = re.compile(
    "[A-Za-z][\u0370-\u04ff]|[\u0370-\u04ff][A-Za-z]|[\u0370-\u03ff][\u0400-\u04ff]|[\u0400-\u04ff][\u0370-\u03ff]"
)
"""Latin beside Greek or Cyrillic in one word: a person sees no difference, a list of codes does."""
_LARGEST = 10**15
"""A workbook keeps 15 digits."""
_TYPED_YEARS = (date(1905, 3, 14), date(1905, 9, 30))
"""The days that the numbers 1900 to 2100 become in a cell formatted as a date."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A cell that cannot be read; the hint says what to type."""

    rule: str
    hint: str


DATE_IN_TEXT = Fault("date_in_text_column", "format the column as text and type it again")
NOT_WHOLE = Fault("number_not_whole", "a whole number, or text, belongs here")
NUMBER_IN_ID = Fault("number_in_id_column", "format the column as text and type it again, with its leading zeros")
TRUTH_IN_TEXT = Fault("truth_value_in_text_column", "format the column as text and type it again")
NUMBER_IN_DATE = Fault("number_in_date_column", "format the column as a date, or write 2024-05-31")
YEAR_AS_DATE = Fault("year_as_date", "format the cell as text and type the year again")
NOT_A_NUMBER = Fault("date_in_number_column", "a whole number belongs here")
TIME = Fault("time_of_day", "no column of a case takes a time of day alone")
TEXT_TOO_LONG = Fault("cell_too_long", "a cell takes at most 32 000 characters: shorten it, or attach a document")
MARK_IN_TEXT = Fault("byte_order_mark", "an invisible sign stands in this cell, left by joining files: type it again")
MIXED = Fault(
    "mixed_alphabets", "one word mixes letters of two alphabets that look alike: type it again on one keyboard"
)
TOO_LONG = Fault("number_too_long", "a workbook keeps 15 digits of a number: format the column as text")


def is_empty(cell: Cell) -> bool:
    """Whether a person would call the cell empty."""
    return isinstance(cell, str) and not cell.strip()


def read_cell(kind: Kind, cell: Cell) -> Json | Fault:
    """Read a cell: the value for the record, None for an empty cell, or a fault."""
    match cell:
        case str():
            return _text(kind, cell.strip()) if cell.strip() else None
        case bool():
            return cell if kind is Kind.CODE else TRUTH_IN_TEXT
        case datetime():
            return _date(kind, cell.date())
        case date():
            return _date(kind, cell)
        case int() | float():
            return _number(kind, cell)
        case time() | timedelta():
            return TIME


def _text(kind: Kind, text: str) -> Json | Fault:
    if len(text) > LONGEST:
        return TEXT_TOO_LONG
    if "\ufeff" in text:
        return MARK_IN_TEXT
    return MIXED if kind in {Kind.ID, Kind.CODE} and _MIXED.search(text) else text


def _date(kind: Kind, value: date) -> Json | Fault:
    match kind:
        case Kind.DATE:
            return YEAR_AS_DATE if _TYPED_YEARS[0] <= value <= _TYPED_YEARS[1] else value.isoformat()
        case Kind.NUMBER:
            return NOT_A_NUMBER
        case _:
            return DATE_IN_TEXT


def _number(kind: Kind, value: int | float) -> Json | Fault:
    if kind is Kind.ID:
        return NUMBER_IN_ID
    if value != value or value in {float("inf"), float("-inf")} or abs(value) >= _LARGEST:
        return TOO_LONG
    if value != int(value):
        return NOT_WHOLE
    match kind:
        case Kind.NUMBER:
            return int(value)
        case Kind.DATE:
            # a year alone is a year for the mapping; any other bare number may be a date that lost its format
            return str(int(value)) if 1900 <= value <= 2099 else NUMBER_IN_DATE
        case _:
            return str(int(value))

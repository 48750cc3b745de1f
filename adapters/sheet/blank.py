"""Make a workbook for an office that has no system: the columns of a line list, with drop-downs in its language.

Row 1 is for people, in their language; row 2 has the labels by which the reader recognises the columns. The choices of
a drop-down stand on a hidden sheet, since a list inside a cell's rule ends at 255 characters. A cell that may hold
several values also takes typed text: a workbook without macros cannot choose twice. The same arguments give the same
bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from io import BytesIO
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from adapters.sheet.words import Words

FILLED_ROWS = 2_000
"""Rows below the labels that have drop-downs."""

_LISTS = "trm-lists"
_HEADING, _LABEL = 0, 1
_TITLE = 32
_MESSAGE = 255
# characters that a note beside a cell takes

Workbook = Any
Worksheet = Any
Format = Any
# the library has no types


class Entry(StrEnum):
    """The kind of entry of a column; the note beside its cells explains it (`notes` of the words)."""

    ONE = "one"
    MANY = "many"
    DATE = "date"
    NUMBER = "number"
    TEXT = "text"
    KEY = "key"
    HOME = "home"
    """Nothing that is read: it stays in the workbook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlankColumn:
    """One column: the label that the reader knows, what people read above it, and what its drop-down offers."""

    label: str
    heading: str
    entry: Entry
    choices: Sequence[str] = ()
    needed: bool = False


def blank_workbook(columns: Sequence[BlankColumn], words: Words) -> bytes:
    """Make the workbook, with no case in it."""
    output = BytesIO()
    workbook = xlsxwriter.Workbook(output, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    workbook.set_properties({"title": "TRM line list", "created": datetime(2000, 1, 1)})
    cases = _page(workbook, words, "cases")
    explained = _page(workbook, words, "instructions")
    lists = workbook.add_worksheet(_LISTS)
    lists.hide()
    _Cases(workbook, cases, lists, words).write(columns)
    _explain(workbook, explained, words)
    workbook.close()
    return output.getvalue()


def _page(workbook: Workbook, words: Words, name: str) -> Worksheet:
    page = workbook.add_worksheet(words.page(name))
    if words.right_to_left:
        page.right_to_left()
    return page


def _explain(workbook: Workbook, page: Worksheet, words: Words) -> None:
    text = workbook.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
    page.set_column(0, 0, 100)
    for number, line in enumerate(words.instructions()):
        page.write_string(number, 0, line, text)


class _Cases:
    """The sheet that is filled in, column by column."""

    def __init__(self, workbook: Workbook, page: Worksheet, lists: Worksheet, words: Words) -> None:
        self._page = page
        self._lists = lists
        self._words = words
        marked = {"bold": True, "num_format": "@", "text_wrap": True, "valign": "top", "bg_color": "#D9E2F3"}
        self._heading = workbook.add_format(marked)
        self._needed = workbook.add_format({**marked, "bg_color": "#F8CBAD"})
        self._home = workbook.add_format({**marked, "bg_color": "#E0E0E0"})
        self._label = workbook.add_format({"italic": True, "num_format": "@", "font_color": "#595959", "bottom": 2})
        self._text = workbook.add_format({"num_format": "@"})
        self._day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        self._plain = workbook.add_format()
        self._ranges: dict[Sequence[str], str] = {}

    def write(self, columns: Sequence[BlankColumn]) -> None:
        self._page.freeze_panes(_LABEL + 1, 1)
        for number, column in enumerate(columns):
            self._page.set_column(number, number, 24, self._format(column.entry))
            mark = " *" if column.needed else ""
            self._page.write_string(_HEADING, number, f"{column.heading}{mark}", self._above(column))
            self._page.write_string(_LABEL, number, column.label, self._label)
            self._rule(number, column)

    def _format(self, entry: Entry) -> Format:
        return {Entry.DATE: self._day, Entry.NUMBER: self._plain}.get(entry, self._text)

    def _above(self, column: BlankColumn) -> Format:
        if column.needed:
            return self._needed
        return self._home if column.entry is Entry.HOME else self._heading

    def _rule(self, number: int, column: BlankColumn) -> None:
        """Add the drop-down and the note of a column. Only lists are enforced: the reader reports other faults."""
        rule: dict[str, object] = {"validate": "any"}
        if column.choices:
            rule = {"validate": "list", "source": self._range(tuple(column.choices))}
            rule["show_error"] = column.entry is Entry.ONE
        if (note := self._words("notes", column.entry)) != column.entry:
            rule["input_title"], rule["input_message"] = column.heading[:_TITLE], note[:_MESSAGE]
        elif not column.choices:
            return
        self._page.data_validation(_LABEL + 1, number, _LABEL + FILLED_ROWS, number, rule)

    def _range(self, choices: tuple[str, ...]) -> str:
        """Return the range of these texts on the hidden sheet; equal lists are written once."""
        if choices not in self._ranges:
            column = len(self._ranges)
            for row, text in enumerate(choices):
                self._lists.write_string(row, column, text, self._text)
            first, last = (
                xlsxwriter.utility.xl_rowcol_to_cell(row, column, True, True) for row in (0, len(choices) - 1)
            )
            self._ranges[choices] = f"='{_LISTS}'!{first}:{last}"
        return self._ranges[choices]

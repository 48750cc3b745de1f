"""The workbook of a language: a page that explains it, then a row for each text, on a worksheet for each kind.

Written the same for the same rows. What a reviewer reads and writes stands first; the file, the key and the wording of
the day of the export are in columns that are hidden.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]  # ships no types
from python_calamine import CalamineWorkbook

from adapters.sheet.container import scan_workbook
from adapters.sheet.table import Limits, UnreadableError, column_letters
from gateway.errors import Code, RefusedError
from schemas.labels import DRAFT, REVIEWED

FORMAT = "trm-words/1"
START = "Read this"
COLUMNS = (
    ("Where it stands", 30),
    ("English", 58),
    ("Wording", 58),
    ("Status", 11),
    ("Reviewer", 16),
    ("Remark", 40),
    ("File", 10),
    ("Key", 10),
    ("Wording before", 10),
)
WORDING, STATUS, HIDDEN = 2, 3, 6
"""Places of columns, from 0; those from HIDDEN on are hidden."""
INSTRUCTIONS = (
    "Each row is one text of the program: where it stands, its English, and its wording in your language.",
    "Read a row. If the wording is right, choose reviewed as its status. If it is not, write a better one and choose "
    "reviewed.",
    "Leave draft where you are not sure, and say why as a remark. Rows that are draft are not taken over.",
    "The meaning counts, not the English words. Use the terms of your law and of your national referral mechanism.",
    "What looks like %(name)s or {name} is filled in by the program: it stays as it is, at the place where it belongs.",
    "Text in `backquotes`, numbers, and marks such as ** or 1. stay as they are.",
    "Write the signs of your language: its quotation marks, its spaces and commas. Write no marks of direction.",
    "Reviewer: how you wish to be called, for instance your initials or your office. It is kept with the program. "
    "You may leave it empty.",
    "Filter the column Status to see what is left. Do not move rows to another sheet; leave the hidden columns alone.",
)

Workbook = Any
Worksheet = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One text in the workbook. `cell` is where its wording stands, such as `Console!C17`; empty before it is read."""

    sheet: str
    context: str
    english: str
    wording: str
    status: str
    reviewer: str
    remark: str
    path: str
    key: str
    before: str
    cell: str = ""
    defect: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells in the order of the columns."""
        return (
            self.context,
            self.english,
            self.wording,
            self.status,
            self.reviewer,
            self.remark,
            self.path,
            self.key,
            self.before,
        )


def write_workbook(language: str, name: str, rows: Sequence[Row], *, right_to_left: bool) -> bytes:
    """Write the workbook of a language; `name` is what its speakers call it."""
    output = BytesIO()
    made = xlsxwriter.Workbook(
        output, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    made.set_properties({"title": f"TRM Gateway: {name}", "created": datetime(2000, 1, 1)})
    _write_start(made, language, name, rows)
    for sheet in dict.fromkeys(row.sheet for row in rows):
        _write_sheet(made, sheet, [row for row in rows if row.sheet == sheet], right_to_left=right_to_left)
    made.close()
    return output.getvalue()


def read_workbook(data: bytes) -> tuple[str, list[Row]]:
    """Read the language and the rows of a workbook.

    Raises:
        RefusedError: invalid, for a file that is no workbook of this kit.
    """
    try:
        scans = scan_workbook(data, ".xlsx", None, Limits())
    except UnreadableError as exc:
        raise _no_workbook() from exc
    with CalamineWorkbook.from_filelike(BytesIO(data)) as book:
        pages = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}
    head = [[_text(cell) for cell in line] for line in pages.pop(START, [])[:2]]
    if len(head) < 2 or [line[:1] for line in head] != [["Language"], ["Form"]] or head[1][1:2] != [FORMAT]:
        raise _no_workbook()
    titles = [title for title, _ in COLUMNS]
    rows = []
    for sheet, lines in pages.items():
        if lines and [_text(cell) for cell in lines[0]] == titles:
            rows += list(_read_rows(sheet, lines, scans[sheet].defects))
    return head[0][1], rows


def _write_start(made: Workbook, language: str, name: str, rows: Sequence[Row]) -> None:
    page = made.add_worksheet(START)
    wrapped = made.add_format({"text_wrap": True, "valign": "top"})
    page.set_column(0, 0, 12)
    page.set_column(1, 1, 100)
    left = sum(row.status != REVIEWED for row in rows)
    for line, (title, text) in enumerate(
        (
            ("Language", language),
            ("Form", FORMAT),
            ("", name),
            ("", f"{len(rows)} texts, {left} of them to be reviewed"),
            *(("", text) for text in INSTRUCTIONS),
        )
    ):
        page.write_string(line, 0, title)
        page.write_string(line, 1, text, wrapped)


def _write_sheet(made: Workbook, sheet: str, rows: Sequence[Row], *, right_to_left: bool) -> None:
    page: Worksheet = made.add_worksheet(sheet)
    bold = made.add_format({"bold": True, "bottom": 1})
    plain = made.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
    grey = made.add_format({"num_format": "@", "text_wrap": True, "valign": "top", "font_color": "#555555"})
    own = made.add_format(
        {"num_format": "@", "text_wrap": True, "valign": "top", "reading_order": 2 if right_to_left else 1}
    )
    formats = (grey, grey, own, plain, plain, plain, plain, plain, plain)
    for column, (title, width) in enumerate(COLUMNS):
        page.set_column(column, column, width, None, {"hidden": True} if column >= HIDDEN else {})
        page.write_string(0, column, title, bold)
    for line, row in enumerate(rows, 1):
        for column, text in enumerate(row.cells):
            page.write_string(line, column, text, formats[column])
    page.freeze_panes(1, 0)
    page.autofilter(0, 0, len(rows), HIDDEN - 1)
    page.data_validation(1, STATUS, len(rows), STATUS, {"validate": "list", "source": [DRAFT, REVIEWED]})


def _read_rows(sheet: str, lines: Sequence[Sequence[object]], defects: Any) -> Iterator[Row]:
    for number, line in enumerate(lines[1:], 1):
        context, english, wording, status, reviewer, remark, path, key, before = map(_text, line)
        if path or key or wording:
            yield Row(
                sheet=sheet,
                context=context,
                english=english,
                wording=clean_text(wording),
                status=status.strip().lower(),
                reviewer=clean_text(reviewer),
                remark=clean_text(remark),
                path=path,
                key=key,
                before=before,
                cell=f"{sheet}!{column_letters(WORDING)}{number + 1}",
                defect=defects.get((number, WORDING), ""),
            )


def _text(cell: object) -> str:
    return str(cell).replace("\r\n", "\n")


def clean_text(text: str) -> str:
    """Take off what a keyboard or a program adds: blanks at the ends, letters and their accents apart."""
    return unicodedata.normalize("NFC", text).strip()


def _no_workbook() -> RefusedError:
    return RefusedError(
        Code.INVALID,
        "this is no workbook of translations; nothing was changed",
        hint="one that trm words export has made, saved as .xlsx",
    )

"""From a file to tables: workbooks by calamine after the guard of `container`, CSV by the standard library."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator
from io import BytesIO, StringIO

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from adapters.sheet.cells import is_empty
from adapters.sheet.container import MERGED, UNCACHED, scan_workbook
from adapters.sheet.encoding import decode_text
from adapters.sheet.headings import SEARCHED, Heading, find_heading
from adapters.sheet.table import Cell, Limits, Scan, Table, UnreadableError
from adapters.sheet.words import local_headings

WORKBOOKS = frozenset({".xlsx", ".xlsm", ".ods"})
LINE_LISTS = frozenset({".csv", ".tsv", ".txt"})
DELIMITERS = (",", ";", "\t")
_BETWEEN = "".join(DELIMITERS) + " "


def read_table(
    data: bytes,
    suffix: str,
    known: Collection[str],
    *,
    sheet: str | None,
    delimiter: str | None,
    limits: Limits,
    encoding: str | None = None,
) -> Table:
    """Read the table of a file: the one with a row of known labels.

    `sheet` names the worksheet; without it the first visible one with such a row is taken. `delimiter` is that of a CSV
    file; without it the one that yields most labels. `encoding` is that of a CSV file; without it the one that the file
    shows, or the one that can be meant (`encoding.decode_text`). Raises UnreadableError with advice for a person.
    """
    if suffix in WORKBOOKS:
        tables = _worksheets(data, suffix, sheet, limits)
        found = next((table for table in tables if heading_of(table, known) is not None), None)
    elif suffix in LINE_LISTS:
        found = _best(_line_lists(data, delimiter, encoding, limits), known)
    else:
        raise UnreadableError("unknown_file_type", "use .xlsx, .xlsm, .ods or .csv")
    if found is None and suffix in WORKBOOKS and sheet is None and (name := _hidden_sheet(data, known)):
        raise UnreadableError("hidden_sheet", "the sheet with the labels is hidden: show it", place=f"sheet {name}")
    if found is None:
        raise UnreadableError("no_heading", "no row with the labels of the mapping was found near the top")
    if found.broken_at is not None:
        hint = "a quotation mark is not closed or stands inside a cell, or a cell is too long"
        raise UnreadableError("bad_quoting", hint, place=f"row {found.broken_at}")
    return found


def heading_of(table: Table, known: Collection[str]) -> Heading | None:
    """Find the label row of a table; in it a heading for people stands for its label, in every language."""
    return find_heading(table.rows, known, local_headings(), table.wide)


def _hidden_sheet(data: bytes, known: Collection[str]) -> str:
    """Return the name of a hidden sheet with a row of known labels; empty where there is none. The file was scanned."""
    with _open(data) as workbook:
        names = [meta.name for meta in workbook.sheets_metadata if meta.visible != SheetVisibleEnum.Visible]
        return next((name for name in names if find_heading(_cells(workbook, name), known, local_headings())), "")


def is_survey_form(data: bytes) -> bool:
    """Whether a workbook is an XLSForm: the questions of a survey, and no answers."""
    try:
        with CalamineWorkbook.from_filelike(BytesIO(data)) as workbook:
            return {"survey", "choices"} <= set(workbook.sheet_names)
    except (CalamineError, OSError, ValueError):
        return False


def _best(tables: Iterable[Table], known: Collection[str]) -> Table | None:
    """Return the table whose label row holds most known labels."""
    found = [(heading.matches, table) for table in tables if (heading := heading_of(table, known))]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _worksheets(data: bytes, suffix: str, sheet: str | None, limits: Limits) -> Iterator[Table]:
    scans = scan_workbook(data, suffix, sheet, limits)
    with _open(data) as workbook:
        names = [
            meta.name
            for meta in workbook.sheets_metadata
            if meta.typ == SheetTypeEnum.WorkSheet and meta.visible == SheetVisibleEnum.Visible
        ]
        if sheet is not None and sheet not in workbook.sheet_names:
            raise UnreadableError("no_such_sheet", "the configured sheet is not in the workbook")
        for name in names if sheet is None else [sheet]:
            scan = scans.get(name)
            if scan is None:
                raise UnreadableError("damaged_workbook", "open it and save it again")
            rows = _cells(workbook, name)
            defects = _covered(rows, scan, limits) | scan.defects
            yield Table(
                sheet=name, rows=rows, defects=defects, wide=scan.wide, hidden=scan.hidden, comments=scan.comments
            )


def _covered(rows: list[list[Cell]], scan: Scan, limits: Limits) -> dict[tuple[int, int], str]:
    """Find the cells that a merged cell with a value covers: people see the value there, the reader returns none."""
    found: dict[tuple[int, int], str] = {}
    left = limits.cells
    for column, row, last in scan.merged:
        if row < len(rows) and column < len(rows[row]) and not is_empty(rows[row][column]):
            below = range(row + 1, min(last + 1, len(rows)))
            left -= len(below)
            if left < 0:
                raise UnreadableError("sheet_too_large", "too many merged cells; take the merging away")
            found |= dict.fromkeys(((number, column) for number in below), MERGED)
            if row < SEARCHED and isinstance(label := rows[row][column], str):
                for number in below:  # a heading over two rows is the label of the lower one, where people see it
                    rows[number][column] = label
    return found


def _open(data: bytes) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_filelike(BytesIO(data))
    except BaseException as exc:
        raise _translated(exc) from exc


def _cells(workbook: CalamineWorkbook, name: str) -> list[list[Cell]]:
    try:
        worksheet: CalamineSheet = workbook.get_sheet_by_name(name)
        return worksheet.to_python(skip_empty_area=False)
    except BaseException as exc:
        raise _translated(exc) from exc


def _translated(exc: BaseException) -> BaseException:
    """Choose the exception to raise for a failure of the reader.

    A file can drive the compiled reader into a panic, which arrives as a BaseException of a module that cannot be
    imported: it is recognised by its name, and must not end the node.
    """
    panic = type(exc).__name__ == "PanicException"
    if panic or isinstance(exc, CalamineError | OSError | ValueError | OverflowError):
        return UnreadableError("damaged_workbook", "open it and save it again")
    return exc


def _line_lists(data: bytes, delimiter: str | None, encoding: str | None, limits: Limits) -> Iterator[Table]:
    """Split the file at each delimiter that could be meant."""
    decoded = decode_text(data, encoding)
    guessed = decoded.encoding if decoded.guessed else None
    for candidate in DELIMITERS if delimiter is None else (delimiter,):
        rows, broken = _split(decoded.text, candidate, limits)
        broken_at = len(rows) + 1 if broken else None
        yield Table(sheet=None, rows=rows, defects=_formulas(rows), broken_at=broken_at, guessed=guessed)


def _split(text: str, delimiter: str, limits: Limits) -> tuple[list[list[Cell]], bool]:
    """Split a CSV text into rows as far as they can be told apart; also return whether that was not to the end."""
    rows: list[list[Cell]] = []
    columns = blank = 0
    try:
        for row in csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True):
            if not any(cell.strip(_BETWEEN) for cell in row):  # at the end of a file these are no rows, however many
                blank += 1
                continue
            columns = max(columns, len(row))
            limits.admit(len(rows) + blank + 1, columns)
            rows.extend([] for _ in range(blank))
            rows.append([*row])
            blank = 0
    except csv.Error:
        return rows, True
    return rows, False


def _formulas(rows: list[list[Cell]]) -> dict[tuple[int, int], str]:
    """Find the formulas of a CSV file: cells that begin with `=`, which nothing has computed."""
    return {
        (number, column): UNCACHED
        for number, row in enumerate(rows)
        for column, cell in enumerate(row)
        if isinstance(cell, str) and cell.startswith("=")
    }

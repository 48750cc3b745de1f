"""Scan a workbook, a zip archive made by somebody else, before the reader may open it: its true size and its cells.

The reader keeps a sheet as a full rectangle and unpacks whatever the archive holds, so one value in the last cell of a
sheet, or a well packed member, would take all memory. And it shows a formula as the result that some program stored
with it, or as an empty cell where none did, and an error as an empty cell. So the XML is walked once here, for the
extent of each sheet and for those cells. Nothing is computed, and no macro is run: their part of the archive is never
opened.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from io import BytesIO
from xml.parsers import expat

from adapters.sheet.archive import check_unpacked_size
from adapters.sheet.headings import SEARCHED
from adapters.sheet.table import Limits, Scan, UnreadableError

UNCACHED = "uncached_formula"
FORMULA = "formula"
ERROR = "error_value"
MERGED = "merged_cell"

_CELL_NAME = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")

Attributes = dict[str, str]


def scan_workbook(data: bytes, suffix: str, sheet: str | None, limits: Limits) -> Mapping[str, Scan]:
    """Scan each sheet, by its name; in xlsx only `sheet` when it is named.

    The reader unpacks an ods file as a whole, so there every sheet counts. Raises UnreadableError.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            check_unpacked_size(archive, data, limits.unpacked_bytes)
            walk = _Walk(limits.elements(len(data)))
            return _scan_ods(walk, archive, limits) if suffix == ".ods" else _scan_xlsx(walk, archive, sheet, limits)
    except (zipfile.BadZipFile, zlib.error, KeyError, NotImplementedError, EOFError, RuntimeError) as exc:
        hint = "save it again as .xlsx without a password"
        raise UnreadableError("not_a_workbook", hint) from exc
    except expat.ExpatError as exc:
        raise UnreadableError("damaged_workbook", "open it and save it again") from exc


class _Walk:
    """Walks the XML members of one workbook, and no more elements in all than there may be for its size.

    Empty cells count for no extent, and pack to nearly nothing: 96 KiB of them took 15 seconds.
    """

    def __init__(self, elements: int) -> None:
        self._left = elements

    def __call__(
        self,
        data: bytes,
        start: Callable[[str, Attributes], None],
        end: Callable[[str], None] | None = None,
        text: Callable[[str], None] | None = None,
    ) -> None:
        """Walk one member with names without prefix. A document type declaration is refused: entities come with it."""

        def count(name: str, attributes: Attributes) -> None:
            self._left -= 1
            if self._left < 0:
                raise UnreadableError("too_large_unpacked", "it has far more cells than text; clear the empty ones")
            start(_local(name), attributes)

        parser = expat.ParserCreate(namespace_separator="}")
        parser.StartElementHandler = count
        if end is not None:
            parser.EndElementHandler = lambda name: end(_local(name))
        if text is not None:
            parser.CharacterDataHandler = text
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.Parse(data, True)


@lru_cache(maxsize=256)
def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _plain(attributes: Attributes) -> Attributes:
    return {_local(name): value for name, value in attributes.items()}


def _refuse_doctype(*_: object) -> None:
    raise UnreadableError("odd_archive", "open the workbook and save it again")


# --- xlsx, xlsm ----------------------------------------------------------------------------------------------------


def _scan_xlsx(walk: _Walk, archive: zipfile.ZipFile, sheet: str | None, limits: Limits) -> dict[str, Scan]:
    targets = _relations(walk, archive)
    members = set(archive.namelist())
    sheets: dict[str, str] = {}

    def start(name: str, attributes: Attributes) -> None:
        if name == "sheet":
            relation = next((value for key, value in attributes.items() if key.endswith("relationships}id")), "")
            sheets[attributes.get("name", "")] = targets.get(relation, "")

    walk(archive.read("xl/workbook.xml"), start)
    scans = {
        name: _scan_worksheet(walk, archive.read(member), limits)
        for name, member in sheets.items()
        if member in members and sheet in {None, name}
    }
    for scan in scans.values():
        scan.comments = any(member.startswith(("xl/comments", "xl/threadedComments")) for member in members)
    return scans


def _relations(walk: _Walk, archive: zipfile.ZipFile) -> dict[str, str]:
    targets: dict[str, str] = {}

    def start(name: str, attributes: Attributes) -> None:
        if name == "Relationship":
            target = attributes.get("Target", "")
            whole = target.lstrip("/") if target.startswith("/") else posixpath.join("xl", target)
            targets[attributes.get("Id", "")] = posixpath.normpath(whole)

    walk(archive.read("xl/_rels/workbook.xml.rels"), start)
    return targets


class _Worksheet:
    """Walks the cells of one worksheet."""

    def __init__(self, limits: Limits) -> None:
        self.scan = Scan()
        self._limits = limits
        self._row = -1
        self._column = -1
        self._type = ""
        self._formula = self._value = self._in_value = False

    def start(self, name: str, attributes: Attributes) -> None:
        match name:  # the most frequent first: a sheet has a million of them
            case "c":
                self._move(attributes.get("r", ""))
                self._type = attributes.get("t", "n")
                self._formula = self._value = False
            case "v" | "t":
                self._in_value = True
            case "f":
                self._formula = True
            case "row":
                self._row = int(attributes["r"]) - 1 if attributes.get("r", "").isdecimal() else self._row + 1
                self._column = -1
                if attributes.get("hidden") in {"1", "true"}:
                    self.scan.hidden.add(self._row)
            case "mergeCell":
                self._merge(attributes.get("ref", ""))

    def text(self, text: str) -> None:
        if self._in_value and text:
            self._value = True

    def end(self, name: str) -> None:
        if name in {"v", "t"}:
            self._in_value = False
        elif name == "c" and (self._formula or self._value):
            self.scan.saw(self._limits, self._row, self._column)
            if self._type == "e":
                self.scan.defects[self._row, self._column] = ERROR
            elif self._formula:
                # type "str" without a value is a formula whose result is an empty text
                stored = self._value or self._type == "str"
                self.scan.defects[self._row, self._column] = FORMULA if stored else UNCACHED

    def _merge(self, reference: str) -> None:
        first, _, last = reference.partition(":")
        ends = _CELL_NAME.fullmatch(first), _CELL_NAME.fullmatch(last)
        if ends[0] is not None and ends[1] is not None:
            first_column, last_column = (_number(end[1]) - 1 for end in ends if end is not None)
            first_row, last_row = (int(end[2]) - 1 for end in ends if end is not None)
            self.scan.merge((first_row, last_row), (first_column, last_column), SEARCHED)

    def _move(self, reference: str) -> None:
        if not reference:
            self._column += 1
            return
        match = _CELL_NAME.fullmatch(reference)
        if match is None:
            raise UnreadableError("damaged_workbook", "open it and save it again")
        self._column = _number(match[1]) - 1
        self._row = int(match[2]) - 1


def _scan_worksheet(walk: _Walk, data: bytes, limits: Limits) -> Scan:
    worksheet = _Worksheet(limits)
    walk(data, worksheet.start, worksheet.end, worksheet.text)
    return worksheet.scan


@lru_cache(maxsize=1_024)
def _number(name: str) -> int:
    number = 0
    for letter in name:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


# --- ods -----------------------------------------------------------------------------------------------------------


class _Spreadsheet:
    """Walks the tables of an OpenDocument spreadsheet, where equal cells and rows are written once with a count."""

    def __init__(self, limits: Limits) -> None:
        self.scans: dict[str, Scan] = {}
        self._limits = limits
        self._scan = Scan()
        self._row = self._column = 0
        self._row_count = self._cell_count = 1
        self._cell: Attributes | None = None
        self._text = False

    def start(self, name: str, attributes: Attributes) -> None:
        plain = _plain(attributes)
        match name:
            case "table":
                self._scan = self.scans.setdefault(plain.get("name", ""), Scan())
                self._row = 0
            case "table-row":
                self._row_count = _count(plain.get("number-rows-repeated"))
                self._column = 0
                if plain.get("visibility", "visible") != "visible":
                    self._hide()
            case "annotation":
                self._scan.comments = True
            case "table-cell" | "covered-table-cell":
                self._cell_count = _count(plain.get("number-columns-repeated"))
                self._cell = plain
                self._text = False
                down, right = (_count(plain.get(f"number-{what}-spanned")) - 1 for what in ("rows", "columns"))
                self._scan.merge((self._row, self._row + down), (self._column, self._column + right), SEARCHED)

    def _hide(self) -> None:
        rows = range(self._row, min(self._row + self._row_count, self._limits.rows))
        self._scan.hidden.update(rows)

    def text(self, text: str) -> None:
        if self._cell is not None and text.strip():
            self._text = True

    def end(self, name: str) -> None:
        if name in {"table-cell", "covered-table-cell"} and self._cell is not None:
            self._close(self._cell)
            self._column += self._cell_count
            self._cell = None
        elif name == "table-row":
            self._row += self._row_count

    def _close(self, cell: Attributes) -> None:
        formula, typed = "formula" in cell, "value-type" in cell
        if not (formula or typed or self._text):
            return
        self._scan.saw(self._limits, self._row, self._column, self._row_count, self._cell_count)
        if formula or cell.get("value-type") == "error":
            rule = ERROR if cell.get("value-type") == "error" else FORMULA if typed else UNCACHED
            for row in range(self._row, self._row + self._row_count):
                for column in range(self._column, self._column + self._cell_count):
                    self._scan.defects[row, column] = rule


def _scan_ods(walk: _Walk, archive: zipfile.ZipFile, limits: Limits) -> dict[str, Scan]:
    spreadsheet = _Spreadsheet(limits)
    walk(archive.read("content.xml"), spreadsheet.start, spreadsheet.end, spreadsheet.text)
    return spreadsheet.scans


def _count(text: str | None) -> int:
    if text is None:
        return 1
    if not text.isdecimal() or len(text) > 7:
        raise UnreadableError("damaged_workbook", "open it and save it again")
    return int(text)

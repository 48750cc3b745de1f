"""A line list once it is read, whatever its file format was."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from gateway.errors import Finding

_CELL = re.compile(r"(?:sheet (?P<sheet>.{0,200}), )?row (?P<row>[0-9]+), column (?P<column>[A-Z]+)")

Cell = str | int | float | bool | date | datetime | time | timedelta
"""As the workbook has it; an empty cell is ''. In a CSV file every cell is text."""


class UnreadableError(Exception):
    """The file as a whole cannot be used. Caught by the adapter, which reports `finding`."""

    def __init__(self, rule: str, hint: str, place: str = "") -> None:
        super().__init__(rule)
        self.finding = Finding(place=place, rule=rule, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits for a file. `cells` bounds rows times columns, which is what a reader keeps in memory."""

    file_bytes: int = 32 << 20
    unpacked_bytes: int = 256 << 20
    rows: int = 20_000
    columns: int = 512
    cells: int = 2_000_000
    elements_per_byte: int = 4

    def elements(self, file_bytes: int) -> int:
        """Return how many XML elements a file of this size may have; a cell with content is 1 to 3 in 3 to 10 bytes."""
        return 100_000 + self.elements_per_byte * file_bytes

    def admit(self, rows: int, columns: int) -> None:
        """Raise UnreadableError for a sheet that exceeds these limits."""
        if rows > self.rows or columns > self.columns or rows * columns > self.cells:
            hint = f"at most {self.rows} rows and {self.columns} columns; look for a stray value far away and clear it"
            raise UnreadableError("sheet_too_large", hint)


@dataclass(slots=True)
class Scan:
    """Facts about one sheet that the reader does not report: its extent and its defective cells (from 0).

    `merged` are cells that reach over rows below theirs, each as its column, its row and the last row. `wide` are those
    near the top that reach over columns: for each of their rows and their column, the last column.
    `hidden` are rows that nobody sees; `comments` says whether the file has any.
    """

    rows: int = 0
    columns: int = 0
    defects: dict[tuple[int, int], str] = field(default_factory=dict)
    merged: list[tuple[int, int, int]] = field(default_factory=list)
    wide: dict[tuple[int, int], int] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    comments: bool = False

    def merge(self, rows: tuple[int, int], columns: tuple[int, int], top: int) -> None:
        """Note a cell that reaches from the first to the last of these rows and columns; `top` rows may hold labels."""
        if rows[1] > rows[0]:
            self.merged.append((columns[0], *rows))
        if columns[1] > columns[0]:
            self.wide |= {(row, columns[0]): columns[1] for row in range(rows[0], min(rows[1] + 1, top))}

    def saw(self, limits: Limits, row: int, column: int, rows: int = 1, columns: int = 1) -> None:
        """Count a cell with content, or a block of equal ones; raise UnreadableError at once when it is too far out."""
        if row + rows > self.rows or column + columns > self.columns:
            self.rows = max(self.rows, row + rows)
            self.columns = max(self.columns, column + columns)
            limits.admit(self.rows, self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One sheet or one CSV file; `defects` has a rule for each cell (from 0) whose value cannot be trusted."""

    sheet: str | None
    rows: Sequence[Sequence[Cell]]
    defects: Mapping[tuple[int, int], str] = field(default_factory=dict)
    wide: Mapping[tuple[int, int], int] = field(default_factory=dict)
    """Cells near the top that reach over columns: row and first column, and for both the last column, from 0."""
    hidden: Collection[int] = ()
    """Rows (from 0) that are in the file and not shown."""
    comments: bool = False
    """Whether the file has comments, which are not read."""
    broken_at: int | None = None
    """The row (from 1) from which on a CSV file cannot be told apart."""
    guessed: str | None = None
    """The encoding of a CSV file, where nothing said it and it was concluded from the words."""

    def place(self, row: int, column: int) -> str:
        """Name a cell for people: `sheet Cases, row 7, column D`; row and column count from 0 here."""
        where = f"row {row + 1}, column {column_letters(column)}"
        return where if self.sheet is None else f"sheet {_printable(self.sheet)}, {where}"

    def column_place(self, column: int) -> str:
        """Name a column for people: `sheet Cases, column D`; it counts from 0 here."""
        where = f"column {column_letters(column)}"
        return where if self.sheet is None else f"sheet {self.sheet}, {where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A cell as `Table.place` names it: `row` counts from 1, as people see it."""

    sheet: str | None
    row: int
    column: str

    @property
    def column_place(self) -> str:
        """Name the column of the cell."""
        where = f"column {self.column}"
        return where if self.sheet is None else f"sheet {self.sheet}, {where}"


def read_place(place: str) -> Place | None:
    """Read the name of a cell; None for a place that is none."""
    match = _CELL.fullmatch(place)
    return None if match is None else Place(sheet=match["sheet"], row=int(match["row"]), column=match["column"])


@lru_cache(maxsize=1_024)
def column_letters(column: int) -> str:
    """Return the letters of a column counted from 0: 0 is A, 26 is AA."""
    name = ""
    number = column + 1
    while number:
        number, digit = divmod(number - 1, 26)
        name = chr(ord("A") + digit) + name
    return name


@lru_cache(maxsize=64)
def _printable(name: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in name)[:40]

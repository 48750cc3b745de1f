"""Turn rows to records, pure: the rows that a person marked as ready, cell by cell, with every fault at its cell.

1. a row without a filled cell under a label is no row; the row numbers of the HTCDS template have no label
2. the key column names the row, once in the sheet; where it is missing, odd or doubled the row goes by its number
3. for each mark column that says yes there is one record, for the mapping that belongs to the mark; a mark that says
   neither yes nor no is a fault, for nobody may guess whether a case is to be referred
4. only columns that the mapping reads are carried over: what is not needed does not leave the sheet
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from adapters.sheet.cells import Fault, is_empty, read_cell
from adapters.sheet.container import ERROR, FORMULA, MERGED, UNCACHED
from adapters.sheet.headings import SHARED, SHARED_HINT, Heading, normalise_label
from adapters.sheet.layout import Kind, Layout
from adapters.sheet.table import Cell, Table
from gateway.errors import Finding
from gateway.ports import Json

YES = frozenset({"yes", "y", "x", "true", "1", "oui", "po", "так", "ναι", "si", "sì", "sí", "tak", "نعم"})
NO = frozenset({"", "no", "n", "false", "0", "non", "jo", "ні", "όχι", "nie", "لا"})

_Column = tuple[int, str, Kind]
"""A column that is read: its number from 0, its label as written, the kind of its cells."""
_KEY = re.compile(r"[^\W_](?:[\w./-]{0,46}[\w/-])?")
_DEFECTS = {
    FORMULA: Fault(FORMULA, "a formula is not computed here and its stored result may be old: type the value itself"),
    UNCACHED: Fault(UNCACHED, "a formula is not computed here: type the value itself"),
    ERROR: Fault(ERROR, "the cell shows an error"),
    MERGED: Fault(
        MERGED, "this cell is merged with one above, whose value counts for its row only: unmerge, and fill it"
    ),
}

_HINTS = {
    "missing_key": "every row needs its own key",
    "bad_key": "1 to 48 letters, digits, dot, hyphen, slash, underscore",
    "duplicate_key": "another row has the same key",
    "bad_mark": "write Yes or No",
    "ambiguous_column": "two columns have this label and both are filled",
    "hidden_row": "this row is hidden, so nobody sees what is referred: show it, or take the mark away",
    SHARED: SHARED_HINT,
    "too_many_cells": "more cells than labels: a separator inside a value needs quotation marks",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row read under one mapping. ``base`` with an attempt number is the `ref` of the record.

    ``places`` has the columns that steer the reading besides those of ``fields``. ``state`` changes when any labelled
    cell of the row or any fault does.
    """

    base: str
    layout: Layout
    state: str
    fields: Mapping[str, Json] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[Finding, ...] = ()


def rows_of(table: Table, heading: Heading, marks: Mapping[str, Layout], key: str) -> Iterator[Row]:
    """Yield every row that is marked for a mapping; `marks` and `key` are labels in normal form."""
    return _Sheet(table, heading, key).rows(marks)


def missing_columns(heading: Heading, marks: Mapping[str, Layout], key: str) -> list[str]:
    """Return the key and mark columns that the sheet does not have."""
    return [label for label in (key, *marks) if not heading.columns({label})]


def has_row(table: Table, heading: Heading, key: str, ref: str) -> bool:
    """Whether a row of the sheet has the key of this record, marked or not; `key` is a label in normal form."""
    named = ref.partition(":")[2].partition(":")[0]
    return _Sheet(table, heading, key).has_key(named)


def defect_fault(defect: str) -> Fault:
    """Return the fault of a cell with this defect (`container`)."""
    return _DEFECTS[defect]


class _Sheet:
    """A table with its label row, read from top to bottom."""

    def __init__(self, table: Table, heading: Heading, key: str) -> None:
        self._table = table
        self._heading = heading
        self._width = max((*heading.labels, *heading.shared), default=-1) + 1
        self._key_columns = heading.columns({key})
        numbers = range(heading.row + 1, len(table.rows))
        self._numbers = [number for number in numbers if not self._is_blank(number)]
        self._keys = {number: self._read_key(number) for number in self._numbers}
        self._uses = Counter(key for key, fault in self._keys.values() if fault is None)

    def has_key(self, key: str) -> bool:
        return any(found == key for found, fault in self._keys.values() if fault is None)

    def rows(self, marks: Mapping[str, Layout]) -> Iterator[Row]:
        marked = [
            (found[0], layout, self._columns(layout))
            for mark, layout in marks.items()
            if (found := self._heading.columns({mark}))
        ]
        for number in self._numbers:
            for mark, layout, columns in marked:
                row = self._row(number, mark, layout, columns)
                if row is not None:
                    yield row

    def _columns(self, layout: Layout) -> list[_Column]:
        """List the columns that a layout reads, once for all rows."""
        return [
            (column, label, kind)
            for column, label in {**self._heading.labels, **self._heading.shared}.items()
            if (kind := layout.columns.get(normalise_label(label))) is not None
        ]

    def _row(self, number: int, mark: int, layout: Layout, columns: Sequence[_Column]) -> Row | None:
        said, defect = self._said(number, mark), self._table.defects.get((number, mark))
        if said in NO and defect in {None, FORMULA}:
            return None
        faults = []
        if defect is not None:
            faults.append(self._finding(number, mark, defect, _DEFECTS[defect].hint))
        elif said not in YES:
            faults.append(self._finding(number, mark, "bad_mark"))
        if number in self._table.hidden:
            faults.append(self._finding(number, mark, "hidden_row"))
        key, key_fault = self._keys[number]
        if key_fault is None and self._uses[key] > 1:
            key_fault = self._finding(number, self._key_columns[0], "duplicate_key")
        if key_fault is not None:
            key = f"@row{number + 1}"
            faults.append(key_fault)
        if any(not is_empty(cell) for cell in self._table.rows[number][self._width :]):
            faults.append(self._finding(number, self._width, "too_many_cells"))
        fields, places, cell_faults = self._cells(number, columns)
        faults.extend(cell_faults)
        for column in (mark, *self._key_columns):
            places.setdefault(self._heading.labels[column], self._table.place(number, column))
        return Row(
            base=f"{layout.name}:{key}",
            layout=layout,
            state=self._state(number, faults),
            fields=fields,
            places=places,
            faults=tuple(faults),
        )

    def _cells(self, number: int, columns: Sequence[_Column]) -> tuple[dict[str, Json], dict[str, str], list[Finding]]:
        """Read the columns of a layout, by label as written; an empty cell is None."""
        fields: dict[str, Json] = {}
        places: dict[str, str] = {}
        faults: list[Finding] = []
        for column, label, kind in columns:
            value = self._value(number, column, kind)
            if column in self._heading.shared and value is not None:
                value = Fault(SHARED, SHARED_HINT)
            if isinstance(value, Fault):
                faults.append(self._finding(number, column, value.rule, value.hint))
                value = None
            elif value is not None and fields.get(label) not in (None, value):
                faults.append(self._finding(number, column, "ambiguous_column"))
            if fields.get(label) is None:
                fields[label] = value
                places[label] = self._table.place(number, column)
        return fields, places, faults

    def _value(self, number: int, column: int, kind: Kind) -> Json | Fault:
        defect = self._table.defects.get((number, column))
        return read_cell(kind, self._cell(number, column)) if defect is None else _DEFECTS[defect]

    def _read_key(self, number: int) -> tuple[str, Finding | None]:
        column = self._key_columns[0] if self._key_columns else 0
        value = self._value(number, column, Kind.ID)
        if isinstance(value, Fault):
            return "", self._finding(number, column, value.rule, value.hint)
        if value is None:
            return "", self._finding(number, column, "missing_key")
        if not isinstance(value, str) or _KEY.fullmatch(value) is None:
            return "", self._finding(number, column, "bad_key")
        return value, None

    def _said(self, number: int, mark: int) -> str:
        cell = self._cell(number, mark)
        if isinstance(cell, float) and cell.is_integer():
            cell = int(cell)
        return normalise_label(str(cell))

    def _cell(self, number: int, column: int) -> Cell:
        cells = self._table.rows[number]
        return cells[column] if column < len(cells) else ""

    def _is_blank(self, number: int) -> bool:
        return all(
            is_empty(self._cell(number, column)) and (number, column) not in self._table.defects
            for column in self._heading.labels
        )

    def _finding(self, number: int, column: int, rule: str, hint: str = "") -> Finding:
        return Finding(place=self._table.place(number, column), rule=rule, hint=hint or _HINTS.get(rule, ""))

    def _state(self, number: int, faults: Sequence[Finding]) -> str:
        """Compute two check sums of the row: enough to notice an edit. They stay in the office's own folder."""
        cells: Sequence[Cell] = [self._cell(number, column) for column in self._heading.labels]
        text = repr((cells, [(fault.place, fault.rule) for fault in faults])).encode("utf-8", "backslashreplace")
        return f"{zlib.crc32(text):08x}{zlib.adler32(text):08x}"

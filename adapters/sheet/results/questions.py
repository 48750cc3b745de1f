"""What is asked once for a column, and not again at each of its rows (`docs/adr/0052`).

Some faults have one answer for a whole column: who typed it has one habit. They become one question, with the rows that
wait for the answer and a cell to look at; the answer is kept in the mapping file. Nothing here holds a value of a cell.
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from adapters.sheet.table import read_place
from gateway.errors import Finding

ASKED = frozenset({"date_two_ways"})
"""Rules of faults that are asked by column."""
_MOST = 40
"""Runs of row numbers that are written out: a cell of a workbook is not endless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault that is asked by column: the mapping that met it, the label of its column, what it is."""

    mapping: str
    label: str
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question about a column. `place` names the column, `example` a cell; rows count from 1, as people see them."""

    mapping: str
    label: str
    place: str
    rule: str
    rows: Sequence[int]
    example: str

    @property
    def command(self) -> str:
        """The command that keeps the answer."""
        return f"trm mapping dates FILE {shlex.quote(self.label)} day_first|month_first"


def is_asked(finding: Finding) -> bool:
    """Whether a fault is asked by column: it is of such a rule, and its place is a cell."""
    return finding.rule in ASKED and read_place(finding.place) is not None


def ask_by_column(faults: Iterable[Fault]) -> Sequence[Question]:
    """Ask once about each column under each mapping; faults that are no cell's are left out."""
    found: dict[tuple[str, str, str], dict[int, Fault]] = defaultdict(dict)
    for fault in faults:
        if (place := read_place(fault.finding.place)) is not None:
            found[fault.mapping, place.column_place, fault.finding.rule].setdefault(place.row, fault)
    return [
        Question(
            mapping=mapping,
            label=cells[min(cells)].label,
            place=place,
            rule=rule,
            rows=sorted(cells),
            example=cells[min(cells)].finding.place,
        )
        for (mapping, place, rule), cells in found.items()
    ]


def write_rows(numbers: Sequence[int]) -> str:
    """Write row numbers in ascending order: `7-18, 20`."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = runs[-1][0], number
        else:
            runs.append((number, number))
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in runs[:_MOST]]
    return ", ".join([*shown, *(["…"] if len(runs) > _MOST else [])])

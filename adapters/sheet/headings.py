"""The row of visible labels, and which column is which.

The HTCDS workbooks have two heading rows: a hidden one with machine names, some beside the wrong column, and the
one people see. No row is trusted for its place or for being hidden: the label row is the one that holds known labels.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from adapters.sheet.table import Cell

SEARCHED = 20
"""Rows from the top in which the labels are looked for."""
ENOUGH = 3
"""Known labels that make a row the label row; fewer are a coincidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """The label row: its number from 0, its labels by column as they are written, and how many of them are known."""

    row: int
    labels: Mapping[int, str]
    matches: int

    def columns(self, names: Collection[str]) -> list[int]:
        """Return the columns whose label is one of `names` (in normal form)."""
        return [column for column, label in self.labels.items() if normalise_label(label) in names]


def normalise_label(label: str) -> str:
    """Return the form in which labels are compared: case folded, runs of white space as one space."""
    return " ".join(label.split()).casefold()


def find_heading(rows: Sequence[Sequence[Cell]], known: Collection[str]) -> Heading | None:
    """Find the first row with most known labels among the first rows, if they are enough; `known` is in normal form."""
    headings = [_heading(number, row, known) for number, row in enumerate(rows[:SEARCHED])]
    best = max(headings, key=lambda heading: heading.matches, default=None)
    return best if best is not None and best.matches >= min(ENOUGH, len(known)) else None


def _heading(number: int, row: Sequence[Cell], known: Collection[str]) -> Heading:
    labels = {column: cell for column, cell in enumerate(row) if isinstance(cell, str) and cell.strip()}
    return Heading(
        row=number, labels=labels, matches=sum(1 for label in labels.values() if normalise_label(label) in known)
    )

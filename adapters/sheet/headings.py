"""The row of visible labels, and which column is which.

The HTCDS workbooks have two heading rows: a hidden one with machine names, some beside the wrong column, and the
one people see. No row is trusted for its place or for being hidden: the label row is the one that holds known labels.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from adapters.sheet.table import Cell

SEARCHED = 20
"""Rows from the top in which the labels are looked for."""
_MARK = "\ufeff"
_NO_LOCAL: Mapping[str, str] = {}
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
    """Return the form in which labels are compared: no case, one space for runs of white space, no invisible mark."""
    return " ".join(unicodedata.normalize("NFC", label).replace(_MARK, "").rstrip(" *").split()).casefold()


def find_heading(
    rows: Sequence[Sequence[Cell]], known: Collection[str], local: Mapping[str, str] = _NO_LOCAL
) -> Heading | None:
    """Find the row of labels among the first rows, if it has enough known ones; `known` is in normal form.

    `local` are other names of labels, in normal form, with the label that each stands for. Where two rows that follow
    each other both have known labels, names for programs or for people above the labels, the lower one counts: it is
    what people saw when they filled the table.
    """
    headings = [_heading(number, row, known, local) for number, row in enumerate(rows[:SEARCHED])]
    best = max((heading.matches for heading in headings), default=0)
    if best < min(ENOUGH, len(known)):
        return None
    good = [heading for heading in headings if 2 * heading.matches >= best]
    found = next(heading for heading in good if heading.matches == best)
    for heading in good:
        found = heading if heading.row == found.row + 1 else found
    return found


def _heading(number: int, row: Sequence[Cell], known: Collection[str], local: Mapping[str, str]) -> Heading:
    labels = {column: cell for column, cell in enumerate(row) if isinstance(cell, str) and cell.strip()}
    for column, label in labels.items():
        plain = normalise_label(label)
        if plain not in known and normalise_label(local.get(plain, "")) in known:
            labels[column] = local[plain]
    return Heading(row=number, labels=labels, matches=sum(_is_known(label, known) for label in labels.values()))


def _is_known(label: str, known: Collection[str]) -> bool:
    """Whether a label is known, as it stands or within the groups and answers that a survey joins by slashes."""
    plain = normalise_label(label)
    return plain in known or ("/" in plain and any(step in known for step in plain.split("/")))

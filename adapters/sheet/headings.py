"""The row of visible labels, and which column is which.

The HTCDS workbooks have two heading rows: a hidden one with machine names, some beside the wrong column, and the
one people see. No row is trusted for its place or for being hidden: the label row is the one that holds known labels.

Above it there may be names of groups, each merged over the columns of its group. Where group and label together are a
known label (`Child` above `Birthdate`), that is the label of the column; and a column that has none in the label row
has the one beside the groups. Columns that have one heading between them are not told apart: nobody knows which of them
the mapping means.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from adapters.sheet.table import Cell

SEARCHED = 20
"""Rows from the top in which the labels are looked for."""
_MARK = "\ufeff"
_NO_LOCAL: Mapping[str, str] = {}
_JOINED = ("{} {}", "{}: {}", "{} : {}", "{} - {}", "{}/{}")
"""How a label names its group."""
SHARED = "merged_heading"
SHARED_HINT = "this column shares its heading with others: unmerge it, and give each column a name of its own"
ENOUGH = 3
"""Known labels that make a row the label row; fewer are a coincidence."""


Wide = Mapping[tuple[int, int], int]
"""Cells that reach over columns: row and first column, and for both the last column, from 0."""
_NONE: Wide = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """The label row: its number from 0, its labels by column as they are written, and how many of them are known.

    `shared` are columns that have one known heading between them, each with it; what it only covers has no label.
    """

    row: int
    labels: Mapping[int, str]
    matches: int
    shared: Mapping[int, str] = field(default_factory=dict)

    def columns(self, names: Collection[str]) -> list[int]:
        """Return the columns whose label is one of `names` (in normal form)."""
        return [column for column, label in self.labels.items() if normalise_label(label) in names]


def normalise_label(label: str) -> str:
    """Return the form in which labels are compared: no case, one space for runs of white space, no invisible mark."""
    return " ".join(unicodedata.normalize("NFC", label).replace(_MARK, "").rstrip(" *").split()).casefold()


def find_heading(
    rows: Sequence[Sequence[Cell]], known: Collection[str], local: Mapping[str, str] = _NO_LOCAL, wide: Wide = _NONE
) -> Heading | None:
    """Find the row of labels among the first rows, if it has enough known ones; `known` is in normal form.

    `local` are other names of labels, in normal form, with the label that each stands for. `wide` are the cells that
    are merged over columns. Where two rows that follow each other both have known labels, names for programs or for
    people above the labels, the lower one counts: it is what people saw when they filled the table.
    """
    reader = _Reader(known, local)
    headings = [reader.read(rows, number, wide) for number in range(min(SEARCHED, len(rows)))]
    best = max((heading.matches for heading in headings), default=0)
    if best < min(ENOUGH, len(known)):
        return None
    good = [heading for heading in headings if 2 * heading.matches >= best]
    found = next(heading for heading in good if heading.matches == best)
    for heading in good:
        found = heading if heading.row == found.row + 1 else found
    return found


class _Reader:
    """Reads rows as if each were that of the labels."""

    def __init__(self, known: Collection[str], local: Mapping[str, str]) -> None:
        self._known = known
        self._local = local

    def read(self, rows: Sequence[Sequence[Cell]], number: int, wide: Wide) -> Heading:
        own, above = _texts(rows[number]), _texts(rows[number - 1]) if number else {}
        groups = _spread(above, number - 1, wide, len(rows[number]))
        labels = {column: self._name(label, groups.get(column)) for column, label in own.items()}
        if groups:  # with groups in it, the row above belongs to the heading
            alone = {column: self._name(label) for column, label in above.items() if column not in own | groups}
            labels |= {column: label for column, label in alone.items() if self._is_known(label)}
        covered = _spread(labels, number, wide, len(rows[number]))
        shared = {column: label for column, label in covered.items() if column not in labels and self._is_known(label)}
        return Heading(
            row=number,
            labels=dict(sorted(labels.items())),
            matches=sum(self._is_known(label) for label in labels.values()),
            shared=shared | self._by_their_group(labels, groups) | self._in_several_groups(labels, groups),
        )

    def _name(self, label: str, group: str | None = None) -> str:
        """Return the label of a column: with its group, as it stands, or the one for which it stands in a language."""
        whole = [] if group is None else [joined.format(group, label) for joined in _JOINED]
        for name in (*whole, label):
            plain = normalise_label(name)
            if plain in self._known:
                return name
            if normalise_label(self._local.get(plain, "")) in self._known:
                return self._local[plain]
        return label

    def _is_known(self, label: str) -> bool:
        """Whether a label is known, as it stands or within the groups and answers that a survey joins by slashes."""
        plain = normalise_label(label)
        return plain in self._known or ("/" in plain and any(step in self._known for step in plain.split("/")))

    def _by_their_group(self, labels: Mapping[int, str], groups: Mapping[int, str]) -> dict[int, str]:
        """Return the columns of no known label below a group that has the name of one, where no column is called so."""
        named = {normalise_label(label) for label in labels.values()}
        above = {column: self._name(groups[column]) for column in groups if not self._is_known(labels.get(column, ""))}
        return {
            column: group
            for column, group in above.items()
            if self._is_known(group) and normalise_label(group) not in named
        }

    def _in_several_groups(self, labels: Mapping[int, str], groups: Mapping[int, str]) -> dict[int, str]:
        """Return the columns that have a known label in common, and different groups above it."""
        same: dict[str, list[int]] = defaultdict(list)
        for column, label in labels.items():
            same[normalise_label(label)].append(column)
        return {
            column: labels[column]
            for name, columns in same.items()
            if name in self._known and len({groups.get(column) for column in columns}) > 1
            for column in columns
        }


def _texts(row: Sequence[Cell]) -> dict[int, str]:
    return {column: cell for column, cell in enumerate(row) if isinstance(cell, str) and cell.strip()}


def _spread(texts: Mapping[int, str], row: int, wide: Wide, width: int) -> dict[int, str]:
    """Return the text of each wide cell of a row for every column that it covers, as far as the table reaches."""
    reach = [(first, min(wide[row, first] + 1, width)) for first in texts if (row, first) in wide]
    return {column: texts[first] for first, end in reach for column in range(first, end)}

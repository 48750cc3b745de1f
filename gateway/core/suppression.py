"""Whether a table of counts gives away what it suppresses (gate G12; UK LLC rule 10 and secondary suppression).

A table is judged as a stranger would read it, without the counts behind it:

    1  at most three dimensions, each named once
    2  every combination of values is listed once, so that nothing is told by a cell that is not there
    3  a published count is 0 or at least 10
    4  no suppressed count follows from what is published: neither by sums and differences of margins (exact linear
       algebra over all of them) nor by the bounds that these leave to whole numbers, where a suppressed count is at
       least 1, since zeros are published

A key has one code per dimension, and `total` for the sum over a dimension. Margins need not be listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import product
from typing import TypeAlias

from gateway.core.stages import Json

SMALLEST = 10
"""The smallest count that is published, zero excepted (DOMAIN 2.1 G12)."""

MOST_DIMENSIONS = 3
TOTAL = "total"
SUPPRESSED = "suppressed"

Key: TypeAlias = tuple[str, ...]


class Leak(StrEnum):
    """What is wrong with a table."""

    UNREADABLE = "the table can not be read"
    DIMENSIONS = "at most three dimensions are crossed, each once"
    INCOMPLETE = "each combination of values is listed once, with its count or as suppressed"
    SMALL = "a count from 1 to 9 is suppressed, not published"
    SUMS = "the sums do not agree with the cells"
    RECONSTRUCTED = "a suppressed count follows from the others: suppress a second cell of its row or column"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Counts by key; None where the count is suppressed."""

    dimensions: tuple[str, ...]
    cells: Mapping[Key, int | None]


def table_of(content: Mapping[str, Json]) -> Table | Leak:
    """The table in the content of a `stats.submission`: `dimensions`, and `cells` with `key` and `n`."""
    dimensions, listed = content.get("dimensions"), content.get("cells")
    if not isinstance(dimensions, list) or not isinstance(listed, list) or not listed:
        return Leak.UNREADABLE
    names = tuple(str(name) for name in dimensions)
    if not 1 <= len(names) <= MOST_DIMENSIONS or len(set(names)) != len(names):
        return Leak.DIMENSIONS
    cells: dict[Key, int | None] = {}
    for item in listed:
        match item:
            case {"key": [*codes], "n": int(n)} if not isinstance(n, bool) and n >= 0:
                count: int | None = n
            case {"key": [*codes], "n": "suppressed"} | {"key": [*codes], "suppressed": True}:
                count = None
            case _:
                return Leak.UNREADABLE
        key = tuple(str(code) for code in codes)
        if key in cells or len(key) != len(names):
            return Leak.INCOMPLETE
        cells[key] = count
    return Table(dimensions=names, cells=cells)


def leak(table: Table) -> Leak | None:
    """The first rule that the table breaks, None where it gives nothing away."""
    if not 1 <= len(table.dimensions) <= MOST_DIMENSIONS:
        return Leak.DIMENSIONS
    inner = _inner(table)
    if inner is None:
        return Leak.INCOMPLETE
    if any(count is not None and 0 < count < SMALLEST for count in table.cells.values()):
        return Leak.SMALL
    return _reconstructed(table, inner)


def _inner(table: Table) -> list[Key] | None:
    """The keys without a total, None where one of their combinations is missing."""
    places = range(len(table.dimensions))
    values = [sorted({key[place] for key in table.cells} - {TOTAL}) for place in places]
    inner = list(product(*values))
    complete = bool(inner) and all(key in table.cells for key in inner)
    return inner if complete else None


@dataclass(frozen=True, slots=True)
class _Sum:
    """The suppressed cells in `unknown` sum to `known`."""

    unknown: frozenset[Key]
    known: int


def _reconstructed(table: Table, inner: Sequence[Key]) -> Leak | None:
    sums: set[_Sum] = set()
    wanted: list[frozenset[Key]] = [frozenset({key}) for key in inner if table.cells[key] is None]
    for margin, count in table.cells.items():
        if TOTAL not in margin:
            continue
        below = [key for key in inner if all(part in (TOTAL, own) for part, own in zip(margin, key, strict=True))]
        unknown = frozenset(key for key in below if table.cells[key] is None)
        if count is None:
            wanted.append(unknown)
            continue
        rest = count - sum(table.cells[key] or 0 for key in below)
        if rest < len(unknown) or (not unknown and rest):
            return Leak.SUMS
        if unknown:
            sums.add(_Sum(unknown, rest))
    if any(not unknown for unknown in wanted) or _solved(sums, wanted):
        return Leak.RECONSTRUCTED
    return _squeezed(_with_differences(sums), wanted)


# --- sums and differences -----------------------------------------------------------------------------------------


def _solved(sums: Iterable[_Sum], wanted: Iterable[frozenset[Key]]) -> bool:
    """Whether some wanted sum of unknowns is a linear combination of known ones."""
    basis: dict[Key, dict[Key, Fraction]] = {}
    for row in sums:
        left = _reduced({key: Fraction(1) for key in row.unknown}, basis)
        if left:
            pivot = min(left)
            basis[pivot] = {key: value / left[pivot] for key, value in left.items()}
    return any(not _reduced({key: Fraction(1) for key in keys}, basis) for keys in wanted)


def _reduced(row: dict[Key, Fraction], basis: Mapping[Key, Mapping[Key, Fraction]]) -> dict[Key, Fraction]:
    """What is left of the row after Gaussian elimination by the basis; each basis row begins at its pivot with 1."""
    row = dict(row)
    for pivot in sorted(basis):
        factor = row.get(pivot)
        if not factor:
            continue
        for key, value in basis[pivot].items():
            row[key] = row.get(key, Fraction(0)) - factor * value
            if not row[key]:
                del row[key]
    return row


# --- bounds -------------------------------------------------------------------------------------------------------


def _with_differences(sums: Iterable[_Sum]) -> list[_Sum]:
    """The sums, and of each that lies within another what it leaves of that."""
    found = set(sums)
    found |= {
        _Sum(outer.unknown - part.unknown, outer.known - part.known)
        for outer in found
        for part in found
        if part.unknown < outer.unknown
    }
    return sorted(found, key=lambda row: sorted(row.unknown))


def _squeezed(sums: Sequence[_Sum], wanted: Iterable[frozenset[Key]]) -> Leak | None:
    """What the bounds give away: some wanted sum has one value only, or no whole numbers fit at all.

    Bounds only tighten, and those that cross end it, so this terminates.
    """
    low: dict[Key, int] = {key: 1 for row in sums for key in row.unknown}
    high: dict[Key, int] = {key: min(row.known for row in sums if key in row.unknown) for key in low}
    while any(_tightened(row, low, high) for row in sums):
        if any(low[key] > high[key] for key in low):
            return Leak.SUMS
    if any(low[key] > high[key] for key in low):
        return Leak.SUMS
    if any(all(key in low and low[key] == high[key] for key in keys) for keys in wanted):
        return Leak.RECONSTRUCTED
    return None


def _tightened(row: _Sum, low: dict[Key, int], high: dict[Key, int]) -> bool:
    """Whether the row narrows the bounds of its unknowns; they are changed in place."""
    changed = False
    for key in row.unknown:
        upper = row.known - sum(low[other] for other in row.unknown if other != key)
        lower = row.known - sum(high[other] for other in row.unknown if other != key)
        if upper < high[key] or lower > low[key]:
            high[key], low[key] = min(high[key], upper), max(low[key], lower)
            changed = True
    return changed

"""Whether a table of counts gives away what it suppresses (gate G12; UK LLC rule 10 and secondary suppression).

A table is judged as a stranger would read it, without the counts behind it:

    1  at most three dimensions, each named once
    2  every combination of values is listed once, so that nothing is told by a cell that is not there
    3  a published count is 0 or at least 10
    4  no suppressed count follows from what is published: neither by sums and differences of margins (exact linear
       algebra over all of them) nor by the bounds that these leave to whole numbers, whether a reader takes a
       suppressed count to be at least 0 or, where that fits, at least 1. Rounded counts are judged by the algebra alone

Counts with the noise of differential privacy (`dp_epsilon`) are judged by 1 and 3 alone: each is protected for itself,
and sums of noisy counts tell nothing exact.

A key has one code per dimension, or names it in `unstated`; a dimension that it leaves out is summed over. Margins need
not be listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import TypeAlias

from gateway.foundation.json import Json

SMALLEST = 10
"""The smallest count that is published, zero excepted (domain 12.2)."""

MOST_DIMENSIONS = 3
TOTAL = ""
"""Stands in a key for a dimension that is summed over."""

UNSTATED = "?"
"""Stands for the cases of which nothing was stated; no code is written so."""

_PRIME = (1 << 61) - 1
"""Elimination is done modulo a large prime: a combination of sums that gives a cell does so there too."""

_ROUNDS = 100
"""Bounds that have not settled after so many rounds pin nothing that a reader could work out by hand."""

Key: TypeAlias = tuple[str, ...]


class Leak(StrEnum):
    """What is wrong with a table."""

    UNREADABLE = "the table cannot be read"
    DIMENSIONS = "at most three dimensions are crossed, each once"
    INCOMPLETE = "each combination of values is listed once, with its count or as suppressed"
    SMALL = "a count from 1 to 9 is suppressed, not published"
    SUMS = "the sums do not agree with the cells"
    RECONSTRUCTED = "a suppressed count follows from the others: suppress a second cell of its row or column"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Counts by key; None where the count is suppressed. ``rounded`` counts need not sum up, ``noisy`` ones are
    protected each for itself.
    """

    dimensions: tuple[str, ...]
    cells: Mapping[Key, int | None]
    rounded: bool = False
    noisy: bool = False


def table_of(content: Mapping[str, Json]) -> Table | Leak:
    """The table in the content of a `stats.submission`: `dimensions`, `cells` with `key` and `n` or `suppressed`, and
    the `method` by which counts are no exact ones.
    """
    dimensions, listed, method = content.get("dimensions"), content.get("cells"), content.get("method")
    if not isinstance(dimensions, list) or not isinstance(listed, list) or not listed:
        return Leak.UNREADABLE
    names = tuple(str(name) for name in dimensions)
    if not 1 <= len(names) <= MOST_DIMENSIONS or len(set(names)) != len(names):
        return Leak.DIMENSIONS
    cells: dict[Key, int | None] = {}
    for item in listed:
        match item if isinstance(item, dict) else {}:
            case {"key": dict() as codes, "n": int(n)} if not isinstance(n, bool) and n >= 0:
                count: int | None = n
            case {"key": dict() as codes, "suppressed": True} if isinstance(item, dict) and "n" not in item:
                count = None
            case _:
                return Leak.UNREADABLE
        values = _values(codes)
        if values is None:
            return Leak.UNREADABLE
        key = tuple(values.get(name, TOTAL) for name in names)
        if key in cells or not set(values) <= set(names):
            return Leak.INCOMPLETE
        cells[key] = count
    said = method if isinstance(method, dict) else {}
    rounded = _multiples(cells.values(), said.get("rounding"))
    return Table(dimensions=names, cells=cells, rounded=rounded, noisy="dp_epsilon" in said)


def _multiples(counts: Iterable[int | None], base: Json) -> bool:
    """Whether the counts are what a table says that they are rounded to; exact ones that only say so are exact."""
    return type(base) is int and base > 1 and not any(count % base for count in counts if count)


def _values(codes: Mapping[str, Json]) -> dict[str, str] | None:
    """The value of each dimension that a key does not sum over; None where it says two things of one."""
    told = {name: _code(value) for name, value in codes.items() if name != "unstated"}
    listed = codes.get("unstated", [])
    unstated = [str(name) for name in listed] if isinstance(listed, list) else [""]
    if set(unstated) & set(told) or "" in unstated:
        return None
    return told | dict.fromkeys(unstated, UNSTATED)


def _code(value: Json) -> str:
    """A value of a dimension as text: a code, a year, or a corridor of two countries."""
    if isinstance(value, dict):
        return ">".join(f"{name}={part}" for name, part in sorted(value.items()))
    return TOTAL if value is None else str(value)


def leak(table: Table) -> Leak | None:
    """The first rule that the table breaks, None where it gives nothing away."""
    if not 1 <= len(table.dimensions) <= MOST_DIMENSIONS:
        return Leak.DIMENSIONS
    if any(count is not None and 0 < count < SMALLEST for count in table.cells.values()):
        return Leak.SMALL
    if table.noisy:
        return None
    inner = _inner(table)
    return Leak.INCOMPLETE if inner is None else _reconstructed(table, inner)


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
        if not table.rounded and (rest < 0 or (not unknown and rest)):
            return Leak.SUMS
        if unknown:
            sums.add(_Sum(unknown, rest))
    if any(not unknown for unknown in wanted) or _solved(sums, wanted):
        return Leak.RECONSTRUCTED
    if table.rounded:
        return None
    rows = _with_differences(sums)
    return _squeezed(rows, wanted, 0) or (
        Leak.RECONSTRUCTED if _squeezed(rows, wanted, 1) is Leak.RECONSTRUCTED else None
    )


# --- sums and differences -----------------------------------------------------------------------------------------


_Row: TypeAlias = dict[Key, int]


def _solved(sums: Iterable[_Sum], wanted: Iterable[frozenset[Key]]) -> bool:
    """Whether some wanted sum of unknowns is a linear combination of known ones."""
    basis: dict[Key, _Row] = {}
    for one in sums:
        row = _reduced(dict.fromkeys(one.unknown, 1), basis)
        if not row:
            continue
        pivot = min(row)
        inverse = pow(row[pivot], -1, _PRIME)
        row = {key: value * inverse % _PRIME for key, value in row.items()}
        for other in basis.values():
            if pivot in other:
                _subtract(other, row, other[pivot])
        basis[pivot] = row
    return any(not _reduced(dict.fromkeys(keys, 1), basis) for keys in wanted)


def _reduced(row: _Row, basis: Mapping[Key, _Row]) -> _Row:
    """Reduce a row by Gaussian elimination: no row of the basis holds the pivot of another."""
    for pivot in [key for key in row if key in basis]:
        _subtract(row, basis[pivot], row[pivot])
    return row


def _subtract(row: _Row, other: _Row, factor: int) -> None:
    for key, value in other.items():
        left = (row.get(key, 0) - factor * value) % _PRIME
        if left:
            row[key] = left
        else:
            row.pop(key, None)


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


def _squeezed(sums: Sequence[_Sum], wanted: Iterable[frozenset[Key]], least: int) -> Leak | None:
    """Find what the bounds give away when no count is below `least`: a sum of one value, or one that nothing fits."""
    low: dict[Key, int] = {key: least for row in sums for key in row.unknown}
    high: dict[Key, int] = {key: min(row.known for row in sums if key in row.unknown) for key in low}
    for _ in range(_ROUNDS):
        changed = [_tightened(row, low, high) for row in sums]
        if any(low[key] > high[key] for key in low):
            return Leak.SUMS
        if not any(changed):
            break
    if any(all(key in low and low[key] == high[key] for key in keys) for keys in wanted):
        return Leak.RECONSTRUCTED
    return None


def _tightened(row: _Sum, low: dict[Key, int], high: dict[Key, int]) -> bool:
    """Whether the row narrows the bounds of its unknowns; they are changed in place."""
    least, most = sum(low[key] for key in row.unknown), sum(high[key] for key in row.unknown)
    changed = False
    for key in row.unknown:
        upper, lower = row.known - (least - low[key]), row.known - (most - high[key])
        if upper < high[key] or lower > low[key]:
            high[key], low[key] = min(high[key], upper), max(low[key], lower)
            changed = True
    return changed

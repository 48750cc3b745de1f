"""Suppression of small counts: what else goes, so that no small count can be worked out (gate G12, steps 3 to 5).

**Why step 4 is enough.** A table of k <= 3 dimensions with its sums is one array in which every line satisfies "sum of
the categories = total". Take for each dimension either two categories, +1 and -1, or a category and the total, +1 and
+1: both keep that equation. The product of one such pair for each dimension is a *swap* of 2^k cells; adding any
multiple of it to the table keeps every sum right. So if all cells of a swap are suppressed, the table with the swap
added t times shows the same published numbers, as long as no cell falls below zero; nobody can tell the two apart.
Each suppressed cell gets such a swap with room for `SPREAD` different values. Suppressing more never takes it away, so
one pass over the cells is complete, and the swap is the proof. The number of all cases is always published and a swap
never holds it: it is what the tables of a release share, and with it known they tell nothing more about each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import product
from math import prod
from typing import TypeAlias

SPREAD = 5
"""How many values at least remain possible for a suppressed cell: about half of the nine that the mark leaves open."""

Cell: TypeAlias = tuple[str | None, ...]
"""A category for each dimension in order; None where it is summed over."""

Cells: TypeAlias = Mapping[Cell, int | None]
"""Every cell of a table with its sums; None where it is suppressed."""


def protect(counts: Mapping[Cell, int], threshold: int) -> Cells | None:
    """Steps 3 to 5: suppress until the table may leave; None where no suppression protects it.

    `counts` has every cell with its sums, as `count` gives it; the number of all cases is published, so it must not be
    small itself.
    """
    hidden = {cell for cell, n in counts.items() if 0 < n < threshold}  # 3
    if _everything(counts) in hidden:
        return None
    for cell in sorted(hidden, key=lambda cell: (cell.count(None), -counts[cell], [str(part) for part in cell])):
        swaps = list(_swaps(counts, cell))
        if any(swap <= hidden for swap in swaps):
            continue
        best = min(swaps, key=lambda swap: _cost(counts, swap - hidden), default=None)
        if best is None:  # 5
            return None
        hidden |= best  # 4
    return {cell: None if cell in hidden else n for cell, n in counts.items()}


def _everything(counts: Mapping[Cell, int]) -> Cell:
    return tuple(None for _ in next(iter(counts)))


def _cost(counts: Mapping[Cell, int], more: Collection[Cell]) -> tuple[int, int, list[list[str]]]:
    """Order choices by the loss of a reader: sums are dearer than cells, then cases lost; the names break a tie."""
    names = sorted([str(part) for part in cell] for cell in more)
    return sum(4 ** cell.count(None) for cell in more), sum(counts[cell] for cell in more), names


def _swaps(counts: Mapping[Cell, int], cell: Cell) -> Iterator[frozenset[Cell]]:
    """The cells of each swap that holds `cell`, spares the number of all cases and leaves `SPREAD` values possible."""
    axes = [_axis(counts, position) for position in range(len(cell))]
    pairs = [[(own, other) for other in axis if other != own] for own, axis in zip(cell, axes, strict=True)]
    for chosen in product(*pairs):
        corners = tuple(product(*chosen))
        if _everything(counts) in corners:
            continue
        rising = [counts[corner] for corner in corners if _sign(chosen, corner) > 0]
        falling = [counts[corner] for corner in corners if _sign(chosen, corner) < 0]
        if min(rising) + min(falling) >= SPREAD - 1:
            yield frozenset(corners)


def _axis(counts: Mapping[Cell, int], position: int) -> tuple[str | None, ...]:
    return tuple(dict.fromkeys(cell[position] for cell in counts))


def _sign(chosen: Iterable[tuple[str | None, str | None]], corner: Cell) -> int:
    """+1 or -1: whether the corner rises or falls. In a pair with the total both rise, of two categories one falls."""
    return prod(
        -1 if part == other and None not in (own, other) else 1
        for (own, other), part in zip(chosen, corner, strict=True)
    )

"""An attacker with time: which whole numbers can stand in the suppressed cells of a published table?

It knows nothing of how cells are chosen. It reads a table with sums as equations (each line: categories add up to the
total), keeps for every suppressed cell an interval, narrows the intervals until nothing moves, and tries values where
that is not enough. Exact for the small tables of the tests.

    values(cells, cell)     every value that `cell` may have, up to a limit
    witness(cells, fixed)   one complete table with these published cells and `fixed` values, or None
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

Cell = tuple[str | None, ...]
Line = tuple[Cell, tuple[Cell, ...]]
Bounds = dict[Cell, tuple[int, int]]


def lines(cells: Mapping[Cell, int | None]) -> list[Line]:
    """Every equation of a table: the cell with the total, and those that add up to it."""
    axes = [list(dict.fromkeys(cell[i] for cell in cells)) for i in range(len(next(iter(cells))))]
    found: list[Line] = []
    for position, axis in enumerate(axes):
        for rest in product(*(axes[:position] + axes[position + 1 :])):
            line = {part: (*rest[:position], part, *rest[position:]) for part in axis}
            found.append((line[None], tuple(line[part] for part in axis if part is not None)))
    return found


def narrowed(equations: list[Line], bounds: Bounds) -> Bounds | None:
    """The intervals after all that follows from the equations, None where they contradict."""
    bounds = dict(bounds)
    moved = True
    while moved:
        moved = False
        for total, parts in equations:
            low, high = sum(bounds[part][0] for part in parts), sum(bounds[part][1] for part in parts)
            for cell, new in (
                (total, (low, high)),
                *(
                    (part, (bounds[total][0] - (high - bounds[part][1]), bounds[total][1] - (low - bounds[part][0])))
                    for part in parts
                ),
            ):
                kept = max(bounds[cell][0], new[0]), min(bounds[cell][1], new[1])
                if kept[0] > kept[1]:
                    return None
                if kept != bounds[cell]:
                    bounds[cell], moved = kept, True
    return bounds


def witness(cells: Mapping[Cell, int | None], fixed: Mapping[Cell, int]) -> dict[Cell, int] | None:
    """One table of whole numbers >= 0 that shows exactly what is published, with the values of `fixed`."""
    equations = lines(cells)
    most = cells[tuple(None for _ in next(iter(cells)))]
    assert most is not None, "the number of all cases is published"
    bounds = {cell: (0, most) if n is None else (n, n) for cell, n in cells.items()}
    bounds |= {cell: (n, n) for cell, n in fixed.items()}
    return _search(equations, bounds)


def _search(equations: list[Line], bounds: Bounds) -> dict[Cell, int] | None:
    tight = narrowed(equations, bounds)
    if tight is None:
        return None
    open_ = [cell for cell, (low, high) in tight.items() if low < high]
    if not open_:
        return {cell: low for cell, (low, _) in tight.items()}
    cell = min(open_, key=lambda cell: tight[cell][1] - tight[cell][0])
    for value in _middle_out(*tight[cell]):
        found = _search(equations, tight | {cell: (value, value)})
        if found is not None:
            return found
    return None


def _middle_out(low: int, high: int) -> Iterator[int]:
    yield from sorted(range(low, high + 1), key=lambda value: abs(2 * value - low - high))


def values(cells: Mapping[Cell, int | None], cell: Cell, *, enough: int) -> list[int]:
    """The values that a suppressed cell may have, lowest first, at most `enough` of them."""
    equations = lines(cells)
    most = cells[tuple(None for _ in cell)]
    assert most is not None
    start = {one: (0, most) if n is None else (n, n) for one, n in cells.items()}
    tight = narrowed(equations, start)
    assert tight is not None
    found: list[int] = []
    for value in range(tight[cell][0], tight[cell][1] + 1):
        if witness(cells, {cell: value}) is not None:
            found.append(value)
            if len(found) == enough:
                break
    return found

"""Aggregates that may leave: counted once, suppressed so that no small count can be worked out (gate G12).

What a region publishes is a fixed list of tables (`schemas.region_pack.statistics`), for whole periods, each period
once. From counted cases to a release, in steps:

    1   `classify`   a case into one category of each dimension; a code that no category has is refused (G11)
    2   `count`      every cell of a table with all its sums; a case counts in the period in which it was registered.
                     `tally` does so for all tables, and goes on from what was counted before content was erased
    3   primary      a count from 1 to threshold - 1 is suppressed; the threshold is at least 10
    4   secondary    further cells are suppressed until no suppressed one can be worked out from what is left
    5   withheld     a table that can not be protected so, one in which the reader of G12 (`suppression.leak`) finds
                     something all the same, and all of a period with fewer cases than the threshold
    6   `content_of` a table of a release in the codes of the message `stats.submission`

**Why step 4 is enough.** A table of k <= 3 dimensions with its sums is one array in which every line satisfies "sum of
the categories = total". Take for each dimension either two categories, +1 and -1, or a category and the total, +1 and
+1: both keep that equation. The product of one such pair for each dimension is a *swap* of 2^k cells; adding any
multiple of it to the table keeps every sum right. So if all cells of a swap are suppressed, the table with the swap
added t times shows the same published numbers, as long as no cell falls below zero; nobody can tell the two apart.
Each suppressed cell gets such a swap with room for `SPREAD` different values. Suppressing more never takes it away, so
one pass over the cells is complete, and the swap is the proof. The number of all cases is always published and a swap
never holds it: it is what the tables of a release share, and with it known they tell nothing more about each other.

Protection against subtracting two answers lies in what can be asked: no filter, no period but those of the plan, no
period that overlaps one released before, no second release with late cases. `docs/statistics.md` says what is not
covered.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import product
from math import prod
from typing import Any, TypeAlias

from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.json import Json
from gateway.statistics.suppression import TOTAL, Table, leak
from schemas.region_pack.statistics import Dimension, PeriodLength, StatisticsPlan, TablePlan

SPREAD = 5
"""How many values at least remain possible for a suppressed cell: about half of the nine that the mark leaves open."""

CORRIDOR = "corridor"
"""The dimension whose code is the country of the other side; a message names the corridor by both."""

Cell: TypeAlias = tuple[str | None, ...]
"""A category for each dimension in order; None where it is summed over."""

Cells: TypeAlias = Mapping[Cell, int | None]
"""Every cell of a table with its sums; None where it is suppressed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is counted of a case: the day of its registration, and its codes by dimension (none: no value).

    A case is counted by the node of the host country and by no other (docs/statistics.md).
    """

    registered: date
    codes: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Cases of a period that were counted before their content was erased: how many, and every cell that has any, with
    its sums, by one version of the plan. No case can be told apart in it; it is not protected and never leaves.
    """

    version: int
    cases: int
    tables: Mapping[str, Mapping[Cell, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A calendar year or quarter, from ``first`` to ``last`` day."""

    name: str
    length: PeriodLength
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """All tables of one period. ``total`` is None, and every table withheld, where there are too few cases; a table is
    None where it is withheld. Nothing else about the period ever leaves.
    """

    version: int
    period: Period
    threshold: int
    total: int | None
    tables: Mapping[str, Cells | None]


# --- periods -----------------------------------------------------------------------------------------------------

_PERIOD = re.compile(r"((?:19|20)[0-9]{2})(?:-Q([1-4]))?")


def period(name: str) -> Period:
    """The period called `2025` or `2025-Q3`. Raises RefusedError(invalid) for another name."""
    found = _PERIOD.fullmatch(name)
    if not found:
        raise RefusedError(Code.INVALID, "a period is a year or a quarter", hint="such as 2025 or 2025-Q3")
    year, quarter = int(found[1]), found[2]
    start, months = (3 * int(quarter) - 2, 3) if quarter else (1, 12)
    after = date(year + (start + months) // 13, (start + months - 1) % 12 + 1, 1)
    length = PeriodLength.QUARTER if quarter else PeriodLength.YEAR
    return Period(name=name, length=length, first=date(year, start, 1), last=after - timedelta(days=1))


def asked(interval: str) -> Period:
    """The period of a `stats.request`, `2026-01-01/2026-12-31`.

    Raises RefusedError(gate_g12) for days that are no whole year or quarter: two such answers could be subtracted.
    """
    first = interval.partition("/")[0]
    names = (first[:4], *(f"{first[:4]}-Q{n}" for n in range(1, 5)))
    for name in names:
        found = period(name)
        if interval == span(found):
            return found
    raise _refused("the days asked for are no whole year and no whole quarter")


def period_of(plan: StatisticsPlan, day: date) -> Period:
    """The period of the plan in which a day lies."""
    quarter = "" if plan.period is PeriodLength.YEAR else f"-Q{(day.month + 2) // 3}"
    return period(f"{day.year:04}{quarter}")


def span(period: Period) -> str:
    """First and last day of a period, as a message says it."""
    return f"{period.first.isoformat()}/{period.last.isoformat()}"


def _overlap(one: Period, other: Period) -> bool:
    return one.first <= other.last and other.first <= one.last


# --- 1 to 5 ------------------------------------------------------------------------------------------------------


def release(
    plan: StatisticsPlan,
    name: str,
    cases: Iterable[Case],
    *,
    today: date,
    released: Collection[str],
    before: Tally | None = None,
) -> Release:
    """The release of the period `name` from all cases of this node, and those that were counted ``before``; `released`
    are the periods released earlier.

    Raises:
        RefusedError: gate_g12, for a period of another length than the plan has, one that is not over, or one that was
            released or overlaps one that was: then the stored release is the answer, unchanged. mapping_failed, for a
            code that no category has.
    """
    of = permit(plan, name, today, released)
    counted = tally(plan, (case for case in cases if of.first <= case.registered <= of.last), before)
    enough = counted.cases >= plan.threshold or not counted.cases
    tables = {
        key: _safe(table, protect({**_all_cells(table), **counted.tables[key]}, plan.threshold)) if enough else None
        for key, table in plan.tables.items()
    }
    return Release(
        version=plan.version,
        period=of,
        threshold=plan.threshold,
        total=counted.cases if enough else None,
        tables=tables,
    )


def permit(plan: StatisticsPlan, name: str, today: date, released: Collection[str]) -> Period:
    """The period `name`, if it may be counted now. Raises RefusedError like `release`."""
    found = period(name)
    if found.length is not plan.period:
        raise _refused("the plan publishes periods of another length: two lengths could be subtracted")
    if today <= found.last:
        raise _refused("the period is not over: a count before and one after a day show that day")
    if any(_overlap(found, period(other)) for other in released):
        raise _refused("this time was released before: repeat the stored release, late cases count when registered")
    return found


def _safe(table: TablePlan, cells: Cells | None) -> Cells | None:
    """A protected table, or None where a second reader, who knows nothing of how it was made, learns something."""
    if cells is None:
        return None
    keys = {cell: tuple(TOTAL if part is None else part for part in cell) for cell in cells}
    read = Table(
        dimensions=tuple(dimension.name for dimension in table.dimensions),
        cells={keys[cell]: n for cell, n in cells.items()},
    )
    return cells if leak(read) is None else None


def _refused(what: str) -> RefusedError:
    return RefusedError(Code.GATE_G12, what)


def cells_of(release: Release, table: str) -> Cells:
    """The answer to a question for one table of a release.

    Raises RefusedError(gate_g12) for a table that the plan does not have or that is withheld.
    """
    if table not in release.tables:
        raise _refused("no such table is published: ask for one of the plan")
    cells = release.tables[table]
    if cells is None:
        raise _refused("this table is withheld for this period: too few cases to protect anybody in it")
    return cells


def to_json(release: Release) -> dict[str, Json]:
    """What the node stores once and repeats for ever: every cell as its key (null: summed over) and count (null:
    suppressed), in the order of the table.
    """
    return {
        "version": release.version,
        "period": release.period.name,
        "threshold": release.threshold,
        "total": release.total,
        "tables": {name: None if cells is None else _cells_json(cells) for name, cells in release.tables.items()},
    }


def _cells_json(cells: Cells) -> Json:
    return [{"key": [*cell], "n": n} for cell, n in cells.items()]


def from_json(value: Mapping[str, Any]) -> Release:
    """The release that `to_json` wrote; what else is in a store is our bug and raises what it raises."""
    return Release(
        version=value["version"],
        period=period(value["period"]),
        threshold=value["threshold"],
        total=value["total"],
        tables={
            name: None if cells is None else {tuple(cell["key"]): cell["n"] for cell in cells}
            for name, cells in value["tables"].items()
        },
    )


def classify(dimension: Dimension, codes: Collection[str]) -> str:
    """1: the one category of a case in a dimension. Raises RefusedError(mapping_failed) for a code that none has."""
    found = {name for name, category in dimension.categories.items() if category.codes & set(codes)}
    known = frozenset[str]().union(*(category.codes for category in dimension.categories.values()))
    if not set(codes) <= known:
        finding = Finding(place=dimension.name, rule="unmapped_code", hint="sort it into a category of the plan")
        raise RefusedError(Code.MAPPING_FAILED, "a code belongs to no category", findings=[finding])
    if not found:
        return dimension.missing
    if len(found) == 1:
        return found.pop()
    if dimension.several is None:
        finding = Finding(place=dimension.name, rule="several", hint="the dimension has no category for several values")
        raise RefusedError(Code.MAPPING_FAILED, "a case would count twice", findings=[finding])
    return dimension.several


def tally(plan: StatisticsPlan, cases: Iterable[Case], before: Tally | None = None) -> Tally:
    """2: these cases and those ``before``, counted for every table; what another version of the plan counted is not
    stated in this one.
    """
    listed = list(cases)
    if before is not None and before.version != plan.version:
        listed += [Case(registered=date.min, codes={})] * before.cases
        before = None
    sums = {name: Counter(count(table, listed)) for name, table in plan.tables.items()}
    if before is not None:
        sums = {name: found + Counter(before.tables[name]) for name, found in sums.items()}
    return Tally(
        version=plan.version,
        cases=len(listed) + (0 if before is None else before.cases),
        tables={name: {cell: n for cell, n in found.items() if n} for name, found in sums.items()},
    )


def countable(plan: StatisticsPlan, case: Case) -> Case:
    """The case as it can be counted: by day alone where a code of it belongs to no category or it would count twice."""
    try:
        tally(plan, [case])
    except RefusedError:
        return replace(case, codes={})
    return case


def tally_json(found: Tally) -> dict[str, Json]:
    """What is stored, sealed, until the period is released."""
    tables: dict[str, Json] = {
        name: [{"key": [*cell], "n": n} for cell, n in cells.items()] for name, cells in found.tables.items()
    }
    return {"version": found.version, "cases": found.cases, "tables": tables}


def read_tally(value: Mapping[str, Any]) -> Tally:
    """The tally that `tally_json` wrote."""
    tables = {name: {tuple(cell["key"]): cell["n"] for cell in cells} for name, cells in value["tables"].items()}
    return Tally(version=value["version"], cases=value["cases"], tables=tables)


def _all_cells(table: TablePlan) -> dict[Cell, int]:
    return dict.fromkeys(product(*((*d.categories, None) for d in table.dimensions)), 0)


def count(table: TablePlan, cases: Iterable[Case]) -> dict[Cell, int]:
    """2: every cell of the table with its sums, zeros included."""
    counts = _all_cells(table)
    for case in cases:
        exact = [classify(d, case.codes.get(d.name, frozenset())) for d in table.dimensions]
        for cell in product(*((category, None) for category in exact)):
            counts[cell] += 1
    return counts


def protect(counts: Mapping[Cell, int], threshold: int) -> Cells | None:
    """3 to 5: the table as it may leave, or None where no suppression protects it.

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
    """What suppressing `more` costs a reader: sums are dearer than cells, then cases lost; the names break a tie."""
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


# --- in the words of a classification ------------------------------------------------------------------------------


def called(table: TablePlan, classification: str) -> tuple[dict[Cell, tuple[str | None, ...]], tuple[Finding, ...]]:
    """The cells of a table under the names of a published classification, and the categories that it has no name for.

    Cells of a category without a name are left out, never guessed (G11).
    """
    names = [
        {category.name: category.called.get(classification) for category in d.categories.values()}
        for d in table.dimensions
    ]
    unnamed = tuple(
        Finding(place=f"{dimension.name}/{name}", rule="unnamed", hint="enter its code of the classification")
        for dimension, by_name in zip(table.dimensions, names, strict=True)
        for name, word in by_name.items()
        if word is None
    )
    axes = [[(None, None), *((name, word) for name, word in by_name.items() if word is not None)] for by_name in names]
    cells = {tuple(ours for ours, _ in parts): tuple(theirs for _, theirs in parts) for parts in product(*axes)}
    return cells, unnamed


# --- in the codes of the message -----------------------------------------------------------------------------------

COVERAGE = "Persons referred to another country through this node, each once, in the period of the first referral"
"""What every table of a node counts, and so whom it leaves out."""


def content_of(plan: StatisticsPlan, found: Release, table: str, host: str) -> dict[str, Json]:
    """6: the content of a `stats.submission` of one table; ``host`` is the country of this node.

    Raises:
        RefusedError: gate_g12 like `cells_of`; conflict, where the plan changed since the release and its categories
            may mean something else.
    """
    cells = cells_of(found, table)
    if found.version != plan.version:
        raise RefusedError(Code.CONFLICT, "this period was counted by another version of the plan; nothing was made")
    dimensions = plan.tables[table].dimensions
    return {
        "table_id": table,
        "period": span(found.period),
        "dimensions": [dimension.name for dimension in dimensions],
        "cells": [_cell(dimensions, cell, n, host) for cell, n in cells.items()],
        "method": {"threshold": found.threshold, "secondary": True},
        "coverage": COVERAGE,
    }


def _cell(dimensions: Sequence[Dimension], cell: Cell, n: int | None, host: str) -> dict[str, Json]:
    key: dict[str, Json] = {}
    unstated: list[Json] = []
    for dimension, name in zip(dimensions, cell, strict=True):
        code = None if name is None else dimension.categories[name].code
        if code is not None:
            key[dimension.name] = {"from": host, "to": code} if dimension.name == CORRIDOR else code
        elif name is not None:
            unstated.append(dimension.name)
    if unstated:
        key["unstated"] = unstated
    return {"key": key, "suppressed": True} if n is None else {"key": key, "n": n}

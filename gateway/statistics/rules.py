"""Aggregates that may leave: counted once, suppressed so that no small count can be worked out (gate G12).

What a region publishes is a fixed list of tables (`schemas.region_pack.statistics`), for whole periods, each period
once. From counted cases (`tallies`) over the suppression of small counts (`protection`) to a release, in steps:
    1   `classify`   a case into one category of each dimension; a code that no category has is refused (G11)
    2   `count`      every cell of a table with all its sums; a case counts in the period in which it was registered.
                     `tally` does so for all tables, and goes on from what was counted before content was erased
    3   primary      a count from 1 to threshold - 1 is suppressed; the threshold is at least 10
    4   secondary    further cells are suppressed until no suppressed one can be worked out from what is left
    5   withheld     a table that can not be protected so, one in which the reader of G12 (`suppression.leak`) finds
                     something all the same, and all of a period with fewer cases than the threshold
    6   `content_of` a table of a release in the codes of the message `stats.submission`

Protection against subtracting two answers lies in what can be asked: no filter, no period but those of the plan, no
period that overlaps one released before, no second release with late cases. `docs/statistics.md` says what is not
covered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any

from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.json import Json
from gateway.statistics.periods import Period, overlaps, period, span
from gateway.statistics.protection import Cell, Cells, protect
from gateway.statistics.suppression import TOTAL, Table, leak
from gateway.statistics.tallies import CORRIDOR, Case, Tally, all_cells, tally
from schemas.region_pack.statistics import Dimension, StatisticsPlan, TablePlan


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
        key: _safe(table, protect({**all_cells(table), **counted.tables[key]}, plan.threshold)) if enough else None
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
    if any(overlaps(found, period(other)) for other in released):
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
    """Write a release as the node stores it once and repeats it for ever: every cell as its key (null: summed over) and
    count (null: suppressed), in the order of the table.
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

"""Counting: a case into one category of each dimension (step 1), every cell of a table with all its sums (step 2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from typing import Any

from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.json import Json
from gateway.statistics.protection import Cell
from schemas.region_pack.statistics import FIRST, Dimension, StatisticsPlan, TablePlan

CORRIDOR = "corridor"
"""The dimension whose code is the country of the other side; a message names the corridor by both."""


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


def classify(dimension: Dimension, codes: Collection[str]) -> str:
    """Step 1: find the category of a case in a dimension. Raises RefusedError(mapping_failed) for a code of none."""
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
    return (
        next(name for name in dimension.categories if name in found)
        if dimension.several == FIRST
        else dimension.several
    )


def tally(plan: StatisticsPlan, cases: Iterable[Case], before: Tally | None = None) -> Tally:
    """Step 2 for every table: count these cases and those ``before``; what another version of the plan counted is not
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
    """Return the case as it can be counted: by day alone where a code has no category or it would count twice."""
    try:
        tally(plan, [case])
    except RefusedError:
        return replace(case, codes={})
    return case


def tally_json(found: Tally) -> dict[str, Json]:
    """Write a tally as JSON; it is stored, sealed, until the period is released."""
    tables: dict[str, Json] = {
        name: [{"key": [*cell], "n": n} for cell, n in cells.items()] for name, cells in found.tables.items()
    }
    return {"version": found.version, "cases": found.cases, "tables": tables}


def read_tally(value: Mapping[str, Any]) -> Tally:
    """Read what `tally_json` wrote; anything else in a store is our bug and raises what it raises."""
    tables = {name: {tuple(cell["key"]): cell["n"] for cell in cells} for name, cells in value["tables"].items()}
    return Tally(version=value["version"], cases=value["cases"], tables=tables)


def all_cells(table: TablePlan) -> dict[Cell, int]:
    """Return every cell of a table with its sums, each counted as 0."""
    return dict.fromkeys(product(*((*d.categories, None) for d in table.dimensions)), 0)


def count(table: TablePlan, cases: Iterable[Case]) -> dict[Cell, int]:
    """Step 2: count every cell of the table with its sums, zeros included."""
    counts = all_cells(table)
    for case in cases:
        exact = [classify(d, case.codes.get(d.name, frozenset())) for d in table.dimensions]
        for cell in product(*((category, None) for category in exact)):
            counts[cell] += 1
    return counts

"""Tables of counts, made for tests of statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from itertools import product

from hypothesis import strategies as st
from support.solver import Cell

from gateway.statistics.tallies import Case
from schemas.region_pack.regions import load_region
from schemas.region_pack.statistics import Category, Dimension, StatisticsPlan, TablePlan

PLAN = load_region("tact").statistics
DAY = date(2025, 5, 5)


def dimension(name: str, size: int) -> Dimension:
    """A dimension with categories named a, b, c, ... each with one code of its own."""
    names = "abcdefgh"[:size]
    return Dimension(
        name=name,
        title={"en": name},
        codes="none",
        categories={c: Category(name=c, title={"en": c}, codes=frozenset({c}), code=c, called={}) for c in names},
        missing=names[0],
        several=None,
    )


def table(*sizes: int, name: str = "t") -> TablePlan:
    """A table with dimensions of these sizes."""
    found = tuple(dimension(f"{name}{i}", size) for i, size in enumerate(sizes))
    return TablePlan(name=name, title={"en": name}, dimensions=found)


def plan(*tables: TablePlan) -> StatisticsPlan:
    """A plan of yearly tables."""
    return replace(PLAN, tables={one.name: one for one in tables})


def summed(inner: Mapping[tuple[str, ...], int]) -> dict[Cell, int]:
    """The cells of a table with all sums, from its inner cells: the count of a table, done another way."""
    size = len(next(iter(inner)))
    axes = [sorted({cell[i] for cell in inner}) for i in range(size)]
    return {
        cell: sum(n for key, n in inner.items() if all(c is None or c == k for c, k in zip(cell, key, strict=True)))
        for cell in product(*((*axis, None) for axis in axes))
    }


def inner(*rows: int, shape: tuple[int, ...]) -> dict[Cell, int]:
    """A table from its inner cells in order."""
    return summed(dict(zip(product(*("abcdefgh"[:size] for size in shape)), rows, strict=True)))


@st.composite
def counts(draw: st.DrawFn) -> dict[Cell, int]:
    """A table of one to three dimensions whose cells are mostly small, as those of a small country are."""
    shape = draw(st.sampled_from([(2,), (4,), (2, 2), (3, 2), (3, 3), (2, 4), (2, 2, 2), (3, 2, 2)]))
    number = st.one_of(st.integers(0, 12), st.sampled_from([0, 0, 1, 2, 15, 40]))
    cells = [draw(number) for _ in product(*(range(size) for size in shape))]
    return inner(*cells, shape=shape)


def people(number: int) -> list[Case]:
    """Cases as a node of the region has them."""
    return [
        Case(
            registered=DAY,
            codes={
                "sex": frozenset({"Feminine"} if n % 3 else {"Masculine"}),
                "age_group": frozenset({"adult"} if n % 5 else {"child"}),
                "exploitation": frozenset({"ForcedLabour"} if n % 2 else {"SexualExploitation", "ForcedLabour"}),
                "registering_body": frozenset({"NGO"} if n % 4 else {"Police"}),
                "citizenship_group": frozenset({"AL"} if n % 2 else {"UA"}),
                "corridor": frozenset({"AL"} if n % 3 else {"UA"}),
            },
        )
        for n in range(number)
    ]

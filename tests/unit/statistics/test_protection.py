"""Suppression: what is left of a table gives no small count away, by sums or by exact solving."""

from __future__ import annotations

import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.count_tables import counts, inner
from support.solver import Cell, lines, values

from gateway.statistics.protection import SPREAD, protect


def test_nothing_small_nothing_suppressed() -> None:
    """A table without small counts leaves as it is, with its zeros."""
    found = inner(10, 0, 25, 40, shape=(2, 2))
    assert protect(found, 10) == found


def test_a_small_cell_takes_others_with_it() -> None:
    """One small cell alone could be worked out from its row, so a swap of four goes with it."""
    cells = protect(inner(3, 40, 25, 30, 50, 60, shape=(2, 3)), 10)
    assert cells is not None
    hidden = {cell for cell, n in cells.items() if n is None}
    assert hidden == {("a", "a"), ("b", "a"), ("a", "c"), ("b", "c")}


def test_only_primary_suppression_would_be_worked_out() -> None:
    """The attacker of these tests is able: without secondary suppression it finds the number."""
    found = inner(3, 40, 25, 30, 50, 60, shape=(2, 3))
    naive = {cell: None if 0 < n < 10 else n for cell, n in found.items()}
    assert values(naive, ("a", "a"), enough=SPREAD) == [3]


def test_a_sum_that_is_small_is_protected_too() -> None:
    """A small row total goes the same way: it could be worked out from the grand total."""
    cells = protect(inner(3, 2, 40, 50, 30, 60, shape=(3, 2)), 10)
    assert cells is not None and cells["a", None] is None and cells[None, None] == 185
    assert len(values(cells, ("a", None), enough=SPREAD)) == SPREAD


def test_a_row_of_one_small_count_moves_with_its_sum() -> None:
    """A count that is alone in its row is its sum too: both go, with the cell and the sum of another row."""
    cells = protect(inner(0, 1, 11, 15, shape=(2, 2)), 10)
    assert cells is not None
    assert {cell for cell, n in cells.items() if n is None} == {("a", "b"), ("a", None), ("b", "b"), ("b", None)}


@pytest.mark.parametrize(
    "found",
    [inner(3, 0, 0, 40, shape=(2, 2)), inner(3, 0, shape=(2,)), inner(2, 3, shape=(2,))],
    ids=["each row has one", "one category", "too few cases"],
)
def test_what_can_not_be_protected_is_withheld(found: dict[Cell, int]) -> None:
    """Where the number of all cases gives a small count away, the table does not leave."""
    assert protect(found, 10) is None


@given(found=counts())
def test_no_suppressed_cell_can_be_pinned(found: dict[Cell, int]) -> None:
    """An exact solver over the published numbers finds at least five values for every suppressed cell."""
    cells = protect(found, 10)
    assume(cells is not None)
    assert cells is not None
    for cell, n in cells.items():
        if n is None:
            assert len(values(cells, cell, enough=SPREAD)) == SPREAD


@given(found=counts())
def test_no_small_count_leaves(found: dict[Cell, int]) -> None:
    """What is published is true and is 0 or at least the threshold; the number of all cases is always there."""
    cells = protect(found, 10)
    if cells is None:
        return
    assert set(cells) == set(found)
    assert all(n is None or (n == found[cell] and not 0 < n < 10) for cell, n in cells.items())
    assert cells[tuple(None for _ in next(iter(cells)))] is not None


@given(found=counts(), seed=st.integers(0, 2**32))
def test_the_order_of_the_cells_does_not_matter(found: dict[Cell, int], seed: int) -> None:
    """The same counts give the same suppression on every node and every run."""
    mixed = list(found.items())
    random.Random(seed).shuffle(mixed)
    assert protect(dict(mixed), 10) == protect(found, 10)


def test_the_solver_reads_every_sum() -> None:
    """Each line of a table is an equation that its counts satisfy."""
    found = inner(*range(12), shape=(3, 2, 2))
    assert len(lines(found)) == 3 * 3 + 4 * 3 + 4 * 3
    assert all(found[total] == sum(found[part] for part in parts) for total, parts in lines(found))

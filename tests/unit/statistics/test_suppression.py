"""What a table of counts gives away (gate G12), by examples and against an attacker who tries every table."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.statistics.suppression import SMALLEST, TOTAL, Leak, Table, leak, table_of

X = None
"""A suppressed count."""


def one(*counts, total=...):
    """A table of one dimension, with its total when given."""
    cells = {(f"v{place}",): count for place, count in enumerate(counts)}
    return Table(dimensions=("d",), cells=cells if total is ... else cells | {(TOTAL,): total})


def two(rows, right=None, below=None, corner=...):
    """A table of two dimensions, with margins when given."""
    cells = {(f"a{i}", f"b{j}"): count for i, row in enumerate(rows) for j, count in enumerate(row)}
    cells |= {(f"a{i}", TOTAL): count for i, count in enumerate(right or ())}
    cells |= {(TOTAL, f"b{j}"): count for j, count in enumerate(below or ())}
    return Table(dimensions=("a", "b"), cells=cells if corner is ... else cells | {(TOTAL, TOTAL): corner})


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (one(12, 0, 10), None),
        (one(12, 9), Leak.SMALL),
        (one(12, 1), Leak.SMALL),
        (one(12, X), None),
        (one(12, X, total=17), Leak.RECONSTRUCTED),
        (one(12, X, X, total=30), None),
        (one(12, X, X, total=14), Leak.RECONSTRUCTED),
        (one(12, X, X, total=12), Leak.RECONSTRUCTED),
        (one(12, X, X, X, total=14), None),
        (one(12, X, X, total=11), Leak.SUMS),
        (one(12, 10, total=23), Leak.SUMS),
        (one(12, 10, total=X), Leak.RECONSTRUCTED),
        (two([[X, X], [X, X]], right=[20, 30], below=[25, 25]), None),
        (two([[X, 11], [12, 13]], right=[20, 25], below=[X, 24]), Leak.RECONSTRUCTED),
        (two([[X, 11], [12, 13]], below=[30, 24]), Leak.RECONSTRUCTED),
        (two([[X, X], [12, 13]], right=[20, 25], below=[30, 24]), Leak.RECONSTRUCTED),
        (two([[X, X, 20], [X, X, 20]], right=[40, 50]), None),
        (two([[X, X], [X, X]], right=[X, 30], corner=50), Leak.RECONSTRUCTED),
        (two([[X, X], [X, X]], right=[X, X], corner=50), None),
    ],
)
def test_one_rule_at_a_time(table, expected):
    """Small counts, single and cornered suppressed cells, margins and sums."""
    assert leak(table) is expected


def test_three_by_three_is_solved_by_differences():
    """Two suppressed cells in each row and column protect each other; a third margin that splits them does not."""
    rows = [[X, X, 20], [X, 20, X], [20, X, X]]
    assert leak(two(rows, right=[40, 40, 40], below=[40, 40, 40])) is None
    alone = [[X, X, 20], [X, X, 20], [20, 20, X]]
    assert leak(two(alone, right=[40, 40, 50], below=[40, 40, 50])) is Leak.RECONSTRUCTED


def test_every_combination_is_listed():
    """A hole tells something too."""
    table = two([[20, 20], [20, 20]])
    holed = Table(dimensions=table.dimensions, cells={k: v for k, v in table.cells.items() if k != ("a0", "b1")})
    assert leak(holed) is Leak.INCOMPLETE
    assert leak(Table(dimensions=("d",), cells={(TOTAL,): 20})) is Leak.INCOMPLETE


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({}, Leak.UNREADABLE),
        ({"dimensions": ["a"], "cells": []}, Leak.UNREADABLE),
        ({"dimensions": ["a"], "cells": [{"key": {"a": "x"}}]}, Leak.UNREADABLE),
        ({"dimensions": ["a"], "cells": [{"key": {"a": "x"}, "n": True}]}, Leak.UNREADABLE),
        ({"dimensions": ["a"], "cells": [{"key": {"a": "x"}, "n": -1}]}, Leak.UNREADABLE),
        ({"dimensions": ["a"], "cells": [{"key": {"a": "x"}, "n": 12, "suppressed": False}]}, None),
        ({"dimensions": ["a"], "cells": [{"key": "x", "n": 12}]}, Leak.UNREADABLE),
        ({"dimensions": [], "cells": [{"key": {}, "n": 12}]}, Leak.DIMENSIONS),
        ({"dimensions": ["a", "a"], "cells": [{"key": {"a": "x"}, "n": 12}]}, Leak.DIMENSIONS),
        ({"dimensions": list("abcd"), "cells": [{"key": {"a": "x"}, "n": 12}]}, Leak.DIMENSIONS),
        ({"dimensions": ["a"], "cells": [{"key": {"a": "x", "b": "y"}, "n": 12}]}, Leak.INCOMPLETE),
        ({"dimensions": ["a"], "cells": [{"key": {"a": "x"}, "n": 12}] * 2}, Leak.INCOMPLETE),
    ],
)
def test_what_can_not_be_read(content, expected):
    """A table that is not understood is not published."""
    found = table_of(content)
    assert (found if isinstance(found, Leak) else None) is expected


def test_a_table_is_read():
    """Counts, suppressed ones, a dimension that is summed over, and values that are numbers or corridors."""
    corridor = {"from": "FR", "to": "AL"}
    cells = [
        {"key": {"year": 2025, "corridor": corridor}, "n": 12},
        {"key": {"year": 2025}, "suppressed": True},
        {"key": {}, "n": 30},
    ]
    wanted = {("2025", "from=FR>to=AL"): 12, ("2025", TOTAL): None, (TOTAL, TOTAL): 30}
    content = {"dimensions": ["year", "corridor"], "cells": cells}
    assert table_of(content) == Table(dimensions=("year", "corridor"), cells=wanted)
    rounded = table_of(content | {"method": {"rounding": 6}})
    assert isinstance(rounded, Table) and rounded.rounded and not rounded.noisy
    for base in (5, 1, 0, "6", True):
        exact = table_of(content | {"method": {"rounding": base}})
        assert isinstance(exact, Table) and not exact.rounded, base
    noisy = table_of(content | {"method": {"dp_epsilon": 1000}})
    assert isinstance(noisy, Table) and noisy.noisy


def test_exact_counts_that_are_called_rounded_are_judged_as_exact():
    """Two suppressed counts that sum to two are one each, which rounding would have hidden."""
    cells = [
        {"key": {"sex": "Feminine"}, "n": 33},
        {"key": {"sex": "Masculine"}, "suppressed": True},
        {"key": {"sex": "NonConforming"}, "suppressed": True},
        {"key": {}, "n": 35},
    ]
    content = submitted(*cells)
    assert leak(table_of(content)) is Leak.RECONSTRUCTED
    assert leak(table_of(content | {"method": content["method"] | {"rounding": 10}})) is Leak.RECONSTRUCTED


def test_rounded_counts_are_judged_by_their_structure():
    """Sums need not agree then, and a cell that stands alone in its row is still given away."""
    assert leak(replace(one(10, 15, total=30), rounded=True)) is None
    assert leak(replace(one(10, X, X, total=10), rounded=True)) is None
    assert leak(replace(one(10, X, total=20), rounded=True)) is Leak.RECONSTRUCTED


def test_noisy_counts_are_protected_each_for_itself():
    """Cells may be left out and need not fit; a small count is none to publish all the same."""
    assert leak(replace(one(10, X, total=20), noisy=True)) is None
    assert leak(Table(dimensions=("a", "b"), cells={("x", "y"): 15, ("z", TOTAL): 20}, noisy=True)) is None
    assert leak(replace(one(10, 9), noisy=True)) is Leak.SMALL


def test_a_large_table_is_judged_in_time():
    """As many cells as a message may have, all suppressed but the margins, which leave every cell free."""
    rows = [[X] * 20 for _ in range(20)]
    assert leak(two(rows, right=[400] * 20, below=[400] * 20)) is None


def submitted(*cells):
    """The content of a message about one dimension."""
    return {"dimensions": ["sex"], "cells": list(cells), "method": {"threshold": 10, "secondary": True}}


def test_what_was_not_stated_is_a_value_of_its_own():
    """It is no sum: beside the sum of all it is one more cell."""
    found = table_of(submitted({"key": {"sex": "Feminine"}, "n": 12}, {"key": {"unstated": ["sex"]}, "n": 10}))
    assert found.cells == {("Feminine",): 12, ("?",): 10}


@pytest.mark.parametrize("key", [{"sex": "Feminine", "unstated": ["sex"]}, {"unstated": "sex"}, {"unstated": [""]}])
def test_two_things_said_of_one_dimension_are_unreadable(key):
    """A value and none, or a list that is none."""
    assert table_of(submitted({"key": key, "n": 12})) is Leak.UNREADABLE


def test_what_was_not_stated_is_of_the_table():
    """A dimension that the table does not have is not told in a cell of it."""
    assert table_of(submitted({"key": {"unstated": ["age_group"]}, "n": 12})) is Leak.INCOMPLETE


# --- against an attacker ------------------------------------------------------------------------------------------

COUNTS = st.sampled_from([0, 1, 2, 3, 10, 11, 12])


def solutions(table, least, most):
    """Every way to fill the suppressed inner cells from `least` upwards that fits the published margins."""
    inner = [key for key in table.cells if TOTAL not in key]
    unknown = [key for key in inner if table.cells[key] is None]
    for guess in product(range(least, most + 1), repeat=len(unknown)):
        filled = {key: table.cells[key] for key in inner} | dict(zip(unknown, guess, strict=True))
        sums = {
            margin: sum(
                n for key, n in filled.items() if all(p in (TOTAL, q) for p, q in zip(margin, key, strict=True))
            )
            for margin in table.cells
            if TOTAL in margin
        }
        if all(table.cells[margin] in (None, total) for margin, total in sums.items()):
            yield filled


@settings(max_examples=150)
@given(
    st.lists(st.lists(COUNTS, min_size=2, max_size=2), min_size=2, max_size=3),
    st.lists(st.booleans(), min_size=12, max_size=12),
    st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_what_passes_has_no_cell_with_one_value(rows, hidden, listed):
    """For tables of real counts, suppressed at random with any margins: where the gate is open, brute force over all
    fillings leaves each suppressed cell at least two values.
    """
    full = two(
        rows, [sum(row) for row in rows], [sum(column) for column in zip(*rows, strict=True)], sum(map(sum, rows))
    )
    cells = {}
    for (key, count), hide, keep in zip(full.cells.items(), hidden, listed, strict=False):
        if TOTAL in key and not keep:
            continue
        cells[key] = None if 0 < count < SMALLEST or (hide and count) else count
    table = Table(dimensions=("a", "b"), cells=cells)
    suppressed = [key for key, count in cells.items() if count is None and TOTAL not in key]
    assume(suppressed and len(suppressed) <= 3)
    if leak(table) is None:
        for least in (0, 1):
            found = list(solutions(table, least, 13))
            assert all(len({filled[key] for filled in found}) != 1 for key in suppressed)

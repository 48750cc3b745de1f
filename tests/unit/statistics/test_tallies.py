"""Counting: each case once, in one category of each dimension, whenever it was counted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.count_tables import DAY, PLAN, dimension, inner, people, table

from gateway.errors import Code, RefusedError
from gateway.statistics.tallies import Case, classify, count, countable


def test_a_case_counts_once_in_each_dimension() -> None:
    """Several codes are one category, or the one for several; none is the one for missing."""
    exploitation = next(d for t in PLAN.tables.values() for d in t.dimensions if d.name == "exploitation")
    assert classify(exploitation, ["ForcedLabour"]) == "labour"
    assert classify(exploitation, ["ForcedLabour", "Servitude"]) == "labour"
    assert classify(exploitation, ["ForcedLabour", "SexualExploitation"]) == "other"
    assert classify(exploitation, ["Surrogacy"]) == "other"
    assert classify(exploitation, []) == "not_stated"


def test_a_code_without_a_category_is_refused() -> None:
    """A code that nobody sorted is never counted as something else (G11), and is not told."""
    sex = next(d for t in PLAN.tables.values() for d in t.dimensions if d.name == "sex")
    with pytest.raises(RefusedError) as caught:
        classify(sex, ["Zyx"])
    assert caught.value.code is Code.MAPPING_FAILED
    assert [(found.place, found.rule) for found in caught.value.findings] == [("sex", "unmapped_code")]
    assert "Zyx" not in repr((str(caught.value), caught.value.findings))


def test_two_values_where_one_is_expected_are_refused() -> None:
    """A dimension without a category for several values takes no case with two."""
    with pytest.raises(RefusedError, match="count twice"):
        classify(dimension("x", 3), ["a", "b"])


def test_counts_have_all_sums() -> None:
    """Every cell with its sums is there, zeros too, and the sums are right."""
    cases = [Case(registered=DAY, codes={"t0": frozenset(x), "t1": frozenset(y)}) for x, y in ["aa", "ab", "ab", "ba"]]
    assert count(table(2, 2), cases) == inner(1, 2, 1, 0, shape=(2, 2))


def test_a_case_that_no_table_takes_is_counted_by_its_day() -> None:
    """A code that belongs to no category holds up no erasure, and is not counted as another one."""
    odd = replace(people(1)[0], codes={"sex": frozenset({"Zyx"})})
    assert countable(PLAN, odd) == replace(odd, codes={})
    assert countable(PLAN, people(1)[0]) == people(1)[0]

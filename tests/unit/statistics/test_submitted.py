"""Which table may follow which, so that nothing can be learnt from two that nobody could learn from one."""

from __future__ import annotations

import json

import pytest
from support.tables import table

from gateway.errors import Code, RefusedError
from gateway.statistics.submitted import OTHER_COUNTS, OVERLAPS, Submitted, find_clash, read_submitted

YEAR, BEFORE = "2026-01-01/2026-12-31", "2025-01-01/2025-12-31"
FIRST_QUARTER, LAST_QUARTER = "2026-01-01/2026-03-31", "2025-10-01/2025-12-31"


def submitted(period: str, *dimensions: str, digest: str = "d") -> Submitted:
    """One table."""
    return Submitted(period=period, dimensions=frozenset(dimensions), digest=digest)


@table(
    ("earlier", "new", "clash"),
    [
        ((YEAR, "sex"), (YEAR, "sex"), None),
        ((YEAR, "sex"), (BEFORE, "sex"), None),
        ((FIRST_QUARTER, "sex"), (LAST_QUARTER, "sex"), None),
        ((YEAR, "sex"), (FIRST_QUARTER, "age_group"), OVERLAPS),
        ((LAST_QUARTER, "sex"), (BEFORE, "sex"), OVERLAPS),
    ],
)
def test_times_are_apart_or_the_same(earlier, new, clash):
    """A year and one of its quarters can be subtracted, whatever they are counted by."""
    assert find_clash(submitted(*new), [submitted("2020-01-01/2020-12-31"), submitted(*earlier)]) == clash


@table(
    ("dimensions", "digest", "clash"),
    [
        (("sex", "age_group"), "d", None),
        (("sex", "age_group"), "other", OTHER_COUNTS),
        (("age_group",), "other", OTHER_COUNTS),
        (("sex", "corridor"), "other", OTHER_COUNTS),
        (("corridor", "stage"), "other", None),
    ],
)
def test_one_time_is_counted_once(dimensions, digest, clash):
    """The same table may go again; another one shares no dimension with it."""
    held = [submitted(YEAR, "sex", "age_group")]
    assert find_clash(submitted(YEAR, *dimensions, digest=digest), held) == clash


@table("period", ["2026-01-01/2026-12-30", "2026-01-02/2027-01-01", "2026-01-01/2026-01-31", "2026", "", None, 7])
def test_other_days_are_no_table(period):
    """What is no whole year and no whole quarter is refused by the gate, and is never remembered."""
    content = {"period": period, "dimensions": ["sex"], "cells": []}
    assert read_submitted(content, json.dumps) is None


def test_what_is_compared():
    """Time, dimensions and counts; not who covered what, nor the name of the table."""
    content = {"period": YEAR, "dimensions": ["sex"], "cells": [{"key": {}, "n": 20}]}
    one = read_submitted(content | {"coverage": "all"}, json.dumps)
    assert one == read_submitted(content | {"coverage": "some", "table_id": "t"}, json.dumps)
    assert one != read_submitted(content | {"cells": [{"key": {}, "n": 21}]}, json.dumps)


def test_a_time_that_no_table_can_have_is_a_fault_of_ours():
    """Only `read_submitted` makes tables of what came from outside."""
    with pytest.raises(RefusedError) as caught:
        _ = submitted("2026").days
    assert caught.value.code is Code.GATE_G12

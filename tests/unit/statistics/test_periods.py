"""Periods: whole years and quarters, and nothing that could be subtracted from another."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from support.count_tables import PLAN

from gateway.errors import Code, RefusedError
from gateway.statistics.periods import Period, asked, period, period_of
from schemas.region_pack.statistics import PeriodLength


def test_periods_are_calendar_years_and_quarters() -> None:
    """A year has four quarters without gap or overlap."""
    quarters = [period(f"2024-Q{n}") for n in range(1, 5)]
    year = period("2024")
    assert (quarters[0].first, quarters[-1].last) == (year.first, year.last) == (date(2024, 1, 1), date(2024, 12, 31))
    assert all(one.last.toordinal() + 1 == two.first.toordinal() for one, two in pairwise(quarters))
    assert year == Period(name="2024", length=PeriodLength.YEAR, first=date(2024, 1, 1), last=date(2024, 12, 31))


@pytest.mark.parametrize("name", ["", "2025-Q5", "2025-13", "25", "2025-Q0", "1899", "2025 "])
def test_other_periods_do_not_exist(name: str) -> None:
    """A free period could be subtracted from another one."""
    with pytest.raises(RefusedError):
        period(name)


@pytest.mark.parametrize(
    ("interval", "name"), [("2025-01-01/2025-12-31", "2025"), ("2025-04-01/2025-06-30", "2025-Q2")]
)
def test_days_asked_for_are_a_period(interval: str, name: str) -> None:
    """A year and a quarter by their first and last day."""
    assert asked(interval).name == name


@pytest.mark.parametrize(
    "interval",
    ["2025-01-01/2025-12-30", "2025-01-02/2025-12-31", "2025-01-01/2026-12-31", "2025-04-01/2025-09-30", "2025-04-01"],
)
def test_other_days_are_refused(interval: str) -> None:
    """A day less is another population: two such answers could be subtracted."""
    with pytest.raises(RefusedError) as caught:
        asked(interval)
    assert caught.value.code is Code.GATE_G12


@pytest.mark.parametrize(
    ("length", "day", "name"),
    [
        (PeriodLength.YEAR, "2026-12-31", "2026"),
        (PeriodLength.QUARTER, "2026-03-31", "2026-Q1"),
        (PeriodLength.QUARTER, "2026-04-01", "2026-Q2"),
        (PeriodLength.QUARTER, "2026-12-31", "2026-Q4"),
    ],
)
def test_a_day_lies_in_one_period(length: PeriodLength, day: str, name: str) -> None:
    """The one of the plan's length, which has the day between its first and its last."""
    found = period_of(replace(PLAN, period=length), date.fromisoformat(day))
    assert found.name == name
    assert found.first <= date.fromisoformat(day) <= found.last

"""Who leads what among several workers: shares add up, a wrong clock leads nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cluster.rules import LIFE, MARGIN, MOST_OFF, PLACES, fair_share, free_place, may_lead, to_give_up


@pytest.mark.parametrize(
    ("taken", "place"),
    [([], 1), ([1, 2], 3), ([2, 3], 1), ([1, 3], 2), (range(1, PLACES + 1), None)],
    ids=str,
)
def test_a_worker_takes_the_lowest_free_place(taken, place):
    """Places are few, since each is part of a number."""
    assert free_place(taken) == place


@given(st.integers(1, 200), st.integers(1, PLACES))
def test_shares_cover_every_duty_and_nobody_has_many_more(duties: int, alive: int):
    """All together lead everything, and one less each would not."""
    share = fair_share(duties, alive)
    assert share * alive >= duties > (share - 1) * alive


@given(st.sets(st.text(min_size=1), max_size=20), st.integers(1, 6))
def test_what_is_left_is_above_the_share_and_no_more(duties: set[str], alive: int):
    """A worker that leads everything keeps its share when others come."""
    left = to_give_up(duties, duties, alive)
    assert len(duties) - len(left) == min(len(duties), fair_share(len(duties), alive))
    assert set(left) <= duties


@pytest.mark.parametrize(
    ("off", "may"), [(0, True), (MOST_OFF, True), (-MOST_OFF, True), (MOST_OFF + 1, False), (-3_600_000, False)]
)
def test_a_worker_whose_clock_is_wrong_leads_nothing(off: int, may: bool):
    """What it does would be dated by that clock."""
    assert may_lead(off) is may


def test_a_holder_stops_before_another_may_begin():
    """Two signs may fail, and it still has time to stop."""
    assert 0 < MARGIN < LIFE - 2 * 2_000

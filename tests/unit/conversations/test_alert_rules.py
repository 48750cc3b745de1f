"""Quiet hours wait for nothing that is about life, and an alert wakes one person after the other until one takes it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.conversations.alert_rules import HOUR, alert_clock, escalation, ring_at, undecided
from gateway.foundation.hours import Hours, hours_of

NIGHT = hours_of("20:00-07:00; Sa-Su 00:00-24:00")
FRIDAY = datetime(2026, 6, 5, 21, 15, 30, tzinfo=ZoneInfo("Europe/Tirane"))
DESK = ["a", "b", "c"]


def ring(body_type, priority="normal", quiet=NIGHT, at=FRIDAY):
    """When the desk is told."""
    assert quiet is not None
    return ring_at(body_type, priority, quiet, at)


def test_a_message_waits_for_the_end_of_the_quiet_hours():
    """From Friday evening over the weekend to Monday morning; in working hours at once, to the second."""
    assert ring("referral.request/1") == datetime(2026, 6, 8, 7, 0, tzinfo=FRIDAY.tzinfo)
    noon = FRIDAY.replace(hour=12)
    assert ring("referral.request/1", at=noon) == noon


@pytest.mark.parametrize(
    ("body_type", "priority"),
    [("safety.alert/1", "normal"), ("safety.alert.update/1", "normal"), ("referral.request/1", "emergency")],
)
def test_life_wakes_people(body_type, priority):
    """Alerts and emergencies ring whatever the hour."""
    assert ring(body_type, priority) == FRIDAY


def test_quiet_hours_that_never_end_ring():
    """A week without a waking hour is a mistake, and silence would be the worse one."""
    assert ring("referral.request/1", quiet=Hours(spans=tuple((day, 0, 1440) for day in range(7)))) == FRIDAY


def test_clock_change_in_the_night():
    """Local time decides also when the clocks change that night."""
    night = datetime(2026, 10, 24, 23, 0, tzinfo=FRIDAY.tzinfo)
    quiet = hours_of("20:00-07:00")
    assert ring("info.request/1", quiet=quiet, at=night) == datetime(2026, 10, 25, 7, 0, tzinfo=FRIDAY.tzinfo)


@pytest.mark.parametrize(
    ("kind", "hours"),
    [("missing_child", 1), ("medical", 1), ("self_harm", 1), ("violence", 1), ("threat", 4), ("missing_contact", 4)],
)
def test_how_long_a_human_may_take(kind, hours):
    """One hour for life and child, four for the others."""
    assert alert_clock(kind) == hours * HOUR
    assert escalation(kind, 1000, DESK, None, 1000).due == 1000 + hours * HOUR


@pytest.mark.parametrize(
    ("minutes", "rung", "overdue"),
    [(0, "a", False), (29, "a", False), (30, "ab", False), (60, "abc", False), (61, "abc", True), (95, "abca", True)],
)
def test_the_next_is_woken_at_half_time(minutes, rung, overdue):
    """One after the other on every half of the clock, round and round; overdue when the hour is over."""
    found = escalation("medical", 0, DESK, None, minutes * 60)
    assert ("".join(r.contact for r in found.rung), found.overdue) == (rung, overdue)
    assert found.next is not None and found.next.at == len(rung) * 1800
    assert found.next.contact == DESK[len(rung) % 3]


def test_a_human_who_takes_it_ends_the_waking():
    """Nobody is woken after that, and it is no longer overdue, however late it was."""
    found = escalation("medical", 0, DESK, 45 * 60, 10 * HOUR)
    assert ([r.contact for r in found.rung], found.next, found.overdue) == (["a", "b"], None, False)
    assert not escalation("medical", 0, DESK, 2 * HOUR, 10 * HOUR).overdue


def test_nobody_to_wake_is_overdue_at_once():
    """A desk without duty contacts alarms both sides from the start."""
    found = escalation("threat", 0, [], None, 0)
    assert (found.rung, found.next, found.nobody, found.overdue) == ((), None, True, True)


@given(
    st.sampled_from(["medical", "threat"]),
    st.integers(1, 5),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.none() | st.integers(0, 10**6),
)
def test_waking_only_goes_on(kind, contacts, one, other, taken):
    """Whoever was woken at one moment was so at every later one; nobody is woken too early or after the answer."""
    desk = [str(n) for n in range(contacts)]
    earlier, later = sorted((one, other))
    before, after = (escalation(kind, 0, desk, taken, now) for now in (earlier, later))
    assert after.rung[: len(before.rung)] == before.rung
    assert all(r.at <= later and (taken is None or r.at <= taken) for r in after.rung)
    assert (after.next is None) == (taken is not None)


def test_a_shorter_step_wakes_sooner_and_a_longer_one_not_later():
    """The half of the clock is the longest time between two contacts."""
    taken = escalation("violence", 0, DESK, None, 1_300, step=600)
    assert [rung.at for rung in taken.rung] == [0, 600, 1_200]
    assert escalation("violence", 0, DESK, None, 1_300, step=9 * HOUR) == escalation("violence", 0, DESK, None, 1_300)


# --- a referral in danger to life that nobody decides -------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "ours", "theirs"),
    [(11, "", ""), (12, "a", ""), (24, "ab", "a"), (36, "abc", "ab"), (48, "abca", "abc")],
)
def test_finding_a6_who_is_woken_by_an_undecided_emergency(hours, ours, theirs):
    """From half of the day on where the decision is ours, from its end on at the side that asked; round and round."""
    for side, woken in ((True, ours), (False, theirs)):
        found = undecided(12 * HOUR, 24 * HOUR, DESK, hours * HOUR, ours=side)
        assert "".join(rung.contact for rung in found.rung) == woken
        assert found.next is not None and found.next.contact == DESK[len(woken) % 3]
        assert found.next.at == (12 if side else 24) * HOUR + len(woken) * 12 * HOUR
        assert found.overdue is (hours > 24)


def test_an_undecided_emergency_without_anybody_to_wake_alarms_when_its_day_is_over():
    """Nobody is made up."""
    found = undecided(12 * HOUR, 24 * HOUR, [], 25 * HOUR, ours=True)
    assert (found.rung, found.next, found.nobody, found.overdue) == ((), None, True, True)

"""Hours of a week: what the notation says, what it refuses to understand, and its edges."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.foundation.hours import hours_of

MONDAY = datetime(2026, 6, 1)


def at(day, time):
    """A moment of the week from Monday 1 June 2026, day 0."""
    hour, minute = map(int, time.split(":"))
    return MONDAY + timedelta(days=day, hours=hour, minutes=minute)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("18:00-20:00", [(0, "18:00"), (6, "19:59")], [(0, "17:59"), (0, "20:00")]),
        ("Mo-Fr 18:00-20:00; Sa 10:00-12:00", [(4, "18:30"), (5, "10:00")], [(5, "18:30"), (6, "10:00")]),
        ("Sa-Mo 09:00-10:00", [(5, "09:00"), (6, "09:00"), (0, "09:00")], [(1, "09:00")]),
        ("Su 22:00-06:00", [(6, "23:59"), (0, "05:59")], [(0, "22:00"), (6, "05:59"), (0, "06:00")]),
        ("We 00:00-24:00", [(2, "00:00"), (2, "23:59")], [(3, "00:00"), (1, "23:59")]),
    ],
)
def test_what_the_notation_says(text, inside, outside):
    """Days are inclusive and may wrap, the end is not included, a night goes on into the next day."""
    hours = hours_of(text)
    assert hours is not None
    assert [hours.holds(at(*moment)) for moment in inside] == [True] * len(inside)
    assert [hours.holds(at(*moment)) for moment in outside] == [False] * len(outside)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "weekdays 10 to 16",
        "18-20",
        "18:00-20:00 or later",
        "Mo 18:00-18:00",
        "Xx 10:00-12:00",
        "24:30-25:00",
        "Mo-Fr 18:00-20:00;",
        "mo 10:00-12:00",
    ],
)
def test_words_are_for_people(text):
    """Whatever is not exactly the notation is not understood, rather than half."""
    assert hours_of(text) is None


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 7 * 1440 - 1))
def test_a_span_and_its_opposite_make_a_day(first, last, minute):
    """Each minute of the week lies in exactly one of a span and the span from its end to its beginning."""
    if first == last:
        return
    one, other = (f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in ((first, last), (last, first)))
    moment = MONDAY + timedelta(minutes=minute)
    held = [hours is not None and hours.holds(moment) for hours in (hours_of(one), hours_of(other))]
    assert sorted(held) == [False, True]

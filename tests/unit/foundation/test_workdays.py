"""Working days and legal time of the eight countries."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from support.holidays import CLOSED

from gateway.foundation.workdays import (
    Doubt,
    Uncertain,
    doubts,
    end_of_day,
    is_working,
    knows_time,
    local_date,
    offset,
    orthodox_easter,
    western_easter,
)
from schemas.region_pack.regions import load_region

CALENDARS = load_region("tact").calendars


@pytest.mark.parametrize(
    ("year", "western", "orthodox"),
    [
        (1999, "1999-04-04", "1999-04-11"),
        (2008, "2008-03-23", "2008-04-27"),
        (2024, "2024-03-31", "2024-05-05"),
        (2025, "2025-04-20", "2025-04-20"),
        (2026, "2026-04-05", "2026-04-12"),
        (2027, "2027-03-28", "2027-05-02"),
        (2038, "2038-04-25", "2038-04-25"),
        (2049, "2049-04-18", "2049-04-25"),
        (2099, "2099-04-12", "2099-04-12"),
    ],
)
def test_easter(year, western, orthodox):
    """Both Easters in years where they coincide, are a week or five weeks apart, early and late."""
    assert western == western_easter(year).isoformat()
    assert orthodox == orthodox_easter(year).isoformat()


@pytest.mark.parametrize("country", CLOSED)
def test_the_whole_year_2026(country):
    """Every day of the year is a working day, a weekend, or a holiday of the list."""
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    free = {day for day in days if not is_working(CALENDARS[country], day) and day.weekday() < 5}
    assert CLOSED[country] == free
    assert not any(is_working(CALENDARS[country], day) for day in days if day.weekday() >= 5)


def test_a_law_has_effect_from_its_year_on():
    """4 October 2027 is a holiday in Italy by the law of 2025; in 2024 the same Friday was not."""
    assert not is_working(CALENDARS["IT"], date(2027, 10, 4))
    assert is_working(CALENDARS["IT"], date(2024, 10, 4))


def test_two_holidays_on_a_weekend_give_two_days():
    """1 and 2 May 2027 are a weekend and both holidays in Albania: Monday and Tuesday are free."""
    assert [is_working(CALENDARS["AL"], date(2027, 5, day)) for day in (3, 4, 5)] == [False, False, True]


def test_a_year_without_feasts_is_never_silent():
    """Any day of an unlisted year is a doubt in the two countries with Islamic feasts, and none elsewhere."""
    day = date(2040, 6, 12)
    for country, calendar in CALENDARS.items():
        listed = country in ("AL", "MA")
        wanted = (Doubt(country=country, year=2040, why=Uncertain.UNLISTED),) if listed else ()
        assert wanted == doubts(calendar, day, day)


def test_both_years_of_a_turn_are_looked_at():
    """A period from the last listed year into the first unlisted one names the unlisted one only."""
    found = doubts(CALENDARS["MA"], date(2031, 12, 29), date(2032, 1, 2))
    assert found == (Doubt(country="MA", year=2032, why=Uncertain.UNLISTED),)


@pytest.mark.parametrize(("first", "told"), [("05-26", False), ("05-27", True), ("05-30", True), ("05-31", False)])
def test_an_expected_feast_is_told_a_day_around(first, told):
    """Eid al-Adha of 2026 is expected on 28 and 29 May: the days before and after may become it."""
    day = date.fromisoformat(f"2026-{first}")
    assert (Doubt(country="MA", year=2026, why=Uncertain.EXPECTED) in doubts(CALENDARS["MA"], day, day)) == told


def test_an_announced_feast_is_no_doubt():
    """Eid al-Fitr of 2025 was announced."""
    assert doubts(CALENDARS["MA"], date(2025, 3, 31), date(2025, 4, 1)) == ()
    assert not is_working(CALENDARS["MA"], date(2025, 4, 1))


def test_a_suspended_holiday_is_told():
    """Under martial law 24 August is a working day, and whoever counts it sees why."""
    day = date(2026, 8, 24)
    assert is_working(CALENDARS["UA"], day)
    assert doubts(CALENDARS["UA"], day, day) == (Doubt(country="UA", year=2026, why=Uncertain.SUSPENDED),)
    assert not is_working(CALENDARS["UA"], date(2021, 8, 24))


@pytest.mark.parametrize("country", CALENDARS)
def test_legal_time_is_that_of_the_zone_database(country):
    """Hour by hour around each change from 2025 to 2031, and day by day between."""
    zone = CALENDARS[country].zone
    outside, at, end = ZoneInfo(zone.name), datetime(2025, 1, 1, tzinfo=UTC), datetime(2032, 1, 1, tzinfo=UTC)
    while at < end:
        assert at.astimezone(outside).utcoffset() == offset(zone, int(at.timestamp())), at
        at += timedelta(hours=1 if at.weekday() == 6 else 24)


@pytest.mark.parametrize("country", CALENDARS)
def test_the_end_of_a_day_is_its_last_second(country):
    """On every day of two years, with 23, 24 and 25 hours: one second later it is tomorrow."""
    zone = CALENDARS[country].zone
    outside = ZoneInfo(zone.name)
    for n in range(730):
        day = date(2026, 1, 1) + timedelta(days=n)
        end = end_of_day(zone, day)
        assert datetime.fromtimestamp(end, outside).replace(tzinfo=None) == datetime(
            day.year, day.month, day.day, 23, 59, 59
        )
        assert (local_date(zone, end), local_date(zone, end + 1)) == (day, day + timedelta(days=1))


def test_legal_time_of_a_far_year_is_unknown_in_morocco():
    """Morocco decides about Ramadan each year; the zones of the EU are law until changed."""
    assert not knows_time(CALENDARS["MA"].zone, date(2032, 1, 1))
    assert knows_time(CALENDARS["FR"].zone, date(2050, 1, 1))

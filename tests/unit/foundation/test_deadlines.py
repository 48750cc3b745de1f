"""Deadlines over weekends, holidays, time zones and daylight saving in all eight countries."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.holidays import CLOSED
from support.tables import table

from gateway.foundation.deadlines import deadline, end_of, working_day
from gateway.foundation.workdays import Uncertain, is_working
from schemas.clocks import Clock, Duration, Unit, load_clocks
from schemas.region_pack.regions import load_region

CALENDARS = load_region("tact").calendars
DAY = 86_400


def local(country: str, text: str) -> int:
    """Unix seconds of a local time, by the zone database and not by our own rules."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(CALENDARS[country].zone.name)).timestamp())


def shown(country: str, at: int) -> str:
    """A local time, as `local` takes it."""
    return datetime.fromtimestamp(at, ZoneInfo(CALENDARS[country].zone.name)).replace(tzinfo=None).isoformat()


def of(count: int, unit: Unit) -> Duration:
    """A duration."""
    return Duration(count=count, unit=unit)


WORKING = [
    # country, from, working days, last day
    ("FR", "2026-04-02T10:00", 3, "2026-04-08"),  # over Easter Monday
    ("FR", "2026-05-12T09:00", 2, "2026-05-15"),  # over Ascension; the Friday after it is no holiday
    ("FR", "2026-12-23T23:59:59", 3, "2026-12-29"),  # over Christmas; what comes at 23:59 counts from that day
    ("IT", "2026-12-24T12:00", 5, "2027-01-04"),  # over two years
    ("ES", "2026-12-04T15:00", 2, "2026-12-09"),  # 6 December is a Sunday and lost, 8 December is not
    ("PL", "2026-12-23T08:00", 1, "2026-12-28"),  # Christmas Eve is a holiday since 2025
    ("PL", "2026-06-03T08:00", 1, "2026-06-05"),  # Corpus Christi
    ("GR", "2026-04-09T08:00", 2, "2026-04-15"),  # Orthodox Good Friday and Easter Monday
    ("GR", "2027-04-29T08:00", 1, "2027-05-05"),  # Easter with Labour Day moved behind it
    ("AL", "2026-11-27T08:00", 2, "2026-12-03"),  # 28 and 29 November fall on a weekend and move
    ("AL", "2025-06-05T08:00", 1, "2025-06-09"),  # Eid al-Adha, announced
    ("MA", "2026-05-27T08:00", 1, "2026-06-01"),  # Eid al-Adha, expected
    ("MA", "2026-08-19T08:00", 5, "2026-09-01"),  # two national days, then the Mawlid
    ("UA", "2026-08-21T08:00", 1, "2026-08-24"),  # Independence Day is worked under martial law
    ("UA", "2026-10-23T08:00", 5, "2026-10-30"),  # end of summer time
    ("FR", "2026-03-27T23:30", 1, "2026-03-30"),  # start of summer time
]


@pytest.mark.parametrize(("country", "start", "count", "last"), WORKING)
def test_working_days_end_with_their_last_day(country, start, count, last):
    """The day of the event is not counted, weekends and holidays neither; the end is the last second there."""
    found = deadline(of(count, Unit.WORKING_DAYS), local(country, start), CALENDARS[country])
    assert f"{last}T23:59:59" == shown(country, found.at)


@pytest.mark.parametrize(
    ("country", "start", "end"),
    [
        ("FR", "2026-12-24T18:00", "2026-12-25T18:00:00"),
        ("IT", "2026-03-28T12:00", "2026-03-29T13:00:00"),
        ("PL", "2026-10-24T12:00", "2026-10-25T11:00:00"),
        ("ES", "2026-04-03T00:00", "2026-04-04T00:00:00"),
        ("GR", "2026-10-24T12:00", "2026-10-25T11:00:00"),
        ("AL", "2026-11-28T07:00", "2026-11-29T07:00:00"),
        ("MA", "2026-03-21T12:00", "2026-03-22T13:00:00"),
        ("UA", "2026-08-24T00:30", "2026-08-25T00:30:00"),
    ],
)
def test_hours_never_stop(country, start, end):
    """24 hours are 24 hours through Christmas, Easter, feasts and both changes of time, in every country."""
    assert end == shown(country, deadline(of(24, Unit.HOURS), local(country, start), CALENDARS[country]).at)


@pytest.mark.parametrize("country", CALENDARS)
def test_calendar_days_run_through_weekends(country):
    """14 days after Thursday 19 March 2026, over a change of time, is the whole of 2 April wherever one is."""
    found = deadline(of(14, Unit.DAYS), local(country, "2026-03-19T00:00"), CALENDARS[country])
    assert shown(country, found.at) == "2026-04-02T23:59:59"


def test_the_day_is_that_of_who_owes_the_answer():
    """22:30 in Paris is tomorrow in Kyiv and Athens, so one working day ends a day later there."""
    start = local("FR", "2026-11-09T23:30")
    ends = {c: shown(c, deadline(of(1, Unit.WORKING_DAYS), start, CALENDARS[c]).at)[:10] for c in ("ES", "GR", "UA")}
    assert ends == {"ES": "2026-11-10", "GR": "2026-11-11", "UA": "2026-11-11"}


@pytest.mark.parametrize(
    ("duration", "percent", "end"),
    [
        (of(24, Unit.HOURS), 50, "2026-11-02T22:00:00"),
        (of(24, Unit.HOURS), 150, "2026-11-03T22:00:00"),
        (of(14, Unit.DAYS), 50, "2026-11-09T23:59:59"),
        (of(5, Unit.WORKING_DAYS), 50, "2026-11-05T23:59:59"),
        (of(5, Unit.WORKING_DAYS), 100, "2026-11-09T23:59:59"),
        (of(5, Unit.WORKING_DAYS), 150, "2026-11-13T23:59:59"),
        (of(3, Unit.WORKING_DAYS), 50, "2026-11-04T23:59:59"),
    ],
)
def test_parts_of_a_duration(duration, percent, end):
    """Half of 5 days are 3, half as much again are 8; hours divide exactly. 11 November is a holiday in France."""
    start = local("FR", "2026-11-02T10:00")
    assert end == shown("FR", deadline(duration, start, CALENDARS["FR"], percent=percent).at)


def test_a_named_day_ends_where_the_answer_is_owed():
    """A day in a message is over when it is over there."""
    assert shown("MA", end_of(date(2026, 3, 1), CALENDARS["MA"]).at) == "2026-03-01T23:59:59"


@pytest.mark.parametrize("duration", [of(5, Unit.WORKING_DAYS), of(1, Unit.DAYS)])
def test_an_unknown_year_is_visible_and_not_certain(duration):
    """Over the end of what is listed a deadline exists, names the year, and may not be held against anybody."""
    found = deadline(duration, local("MA", "2031-12-31T10:00"), CALENDARS["MA"])
    assert [(doubt.year, doubt.why) for doubt in found.doubts] == [(2032, Uncertain.UNLISTED)]
    assert not found.certain


def test_an_expected_feast_leaves_a_deadline_certain_enough():
    """It is told, and silence still counts: otherwise nothing would ever end in a month with a feast."""
    found = deadline(of(3, Unit.WORKING_DAYS), local("MA", "2026-05-26T10:00"), CALENDARS["MA"])
    assert [doubt.why for doubt in found.doubts] == [Uncertain.EXPECTED]
    assert found.certain


@given(
    st.sampled_from(sorted(CALENDARS)),
    st.integers(1_767_225_600, 1_924_991_999),
    st.integers(1, 30),
    st.sampled_from(list(Unit)),
)
def test_deadlines_grow_with_their_length(country, start, count, unit):
    """From 2026 to 2030: later than the start, later for more, never before the part of it; reminders first."""
    calendar = CALENDARS[country]
    found = [deadline(of(count, unit), start, calendar, percent=percent).at for percent in (50, 100, 150)]
    assert start <= found[0] <= found[1] <= found[2]
    assert start < found[1]
    assert found[1] < deadline(of(count + 1, unit), start, calendar).at


@given(st.sampled_from(sorted(CALENDARS)), st.dates(date(2026, 1, 1), date(2030, 12, 1)), st.integers(1, 20))
def test_as_many_working_days_as_asked_for(country, first, count):
    """Counting the working days after the first up to the found one gives the number; the found one is one."""
    calendar = CALENDARS[country]
    last = working_day(calendar, first, count)
    between = [date.fromordinal(n) for n in range(first.toordinal() + 1, last.toordinal() + 1)]
    assert count == sum(is_working(calendar, day) for day in between)
    assert is_working(calendar, last)


# --- every country, by calendars and zones that are not ours -------------------------------------------------------


def counted(country: str, first: date, count: int) -> date:
    """The last of so many working days after `first`, by the published holidays of 2026."""
    day = first
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5 and day not in CLOSED[country]
    return day


@pytest.mark.parametrize("country", CALENDARS)
@pytest.mark.parametrize("count", [1, 3, 10])
def test_every_day_of_a_year(country, count):
    """Asked at noon of any day of 2026: 1, 3 and 10 working days end where the published list of the country says."""
    for n in range(340):
        first = date(2026, 1, 1) + timedelta(days=n)
        found = deadline(of(count, Unit.WORKING_DAYS), local(country, f"{first}T12:00"), CALENDARS[country])
        assert shown(country, found.at) == f"{counted(country, first, count)}T23:59:59", first


def test_a_holiday_in_the_week_gives_a_day_more():
    """Where it is one: 1 May 2026, a Friday, is free in seven countries, and is worked under martial law in Ukraine."""
    ends = {
        country: shown(country, deadline(of(1, Unit.WORKING_DAYS), local(country, "2026-04-30T09:00"), calendar).at)
        for country, calendar in CALENDARS.items()
    }
    assert {country for country, end in ends.items() if end == "2026-05-01T23:59:59"} == {"UA"}
    assert {end for country, end in ends.items() if country != "UA"} == {"2026-05-04T23:59:59"}


EMERGENCIES = [clock for clock in load_clocks().values() if "emergency" in clock.durations]
ALARMS = [load_clocks()[name] for name in ("alert_ack", "alert_raise", "alert_update", "withdrawal_ack", "cancel_ack")]
WORST = ["2026-12-24T22:00", "2026-04-30T23:30", "2026-03-28T12:00", "2026-10-24T23:59", "2026-05-26T08:00"]
"""Christmas Eve, the night before Labour Day, before both changes of time, before Eid al-Adha."""


@table("country", CALENDARS)
@table("clock", EMERGENCIES + ALARMS, ids=lambda clock: clock.name)
def test_an_emergency_stops_nowhere(country, clock: Clock):
    """Its hours are hours, and its days are days of the calendar, through whatever lies between, in every country."""
    zone, calendar = ZoneInfo(CALENDARS[country].zone.name), CALENDARS[country]
    cases = ["emergency"] if clock in EMERGENCIES else list(clock.durations)
    for case, asked in product(cases, WORST):
        duration, start = clock.duration(case), local(country, asked)
        found = deadline(duration, start, calendar)
        assert duration.unit is not Unit.WORKING_DAYS
        assert found.certain
        if duration.unit is Unit.HOURS:
            assert found.at - start == duration.count * 3_600
        else:
            last = datetime.fromtimestamp(start, zone).date() + timedelta(days=duration.count)
            assert shown(country, found.at) == f"{last}T23:59:59"


def changes(country: str) -> list[datetime]:
    """The moments in 2026 and 2027 at which the legal time changes, by the zone database."""
    zone, first = ZoneInfo(CALENDARS[country].zone.name), datetime(2026, 1, 1, tzinfo=UTC)
    hours = [first + timedelta(hours=n) for n in range(2 * 365 * 24)]
    ahead = [hour.astimezone(zone).utcoffset() for hour in hours]
    return [now for now, before, after in zip(hours[1:], ahead, ahead[1:], strict=False) if before != after]


@pytest.mark.parametrize("country", CALENDARS)
def test_both_changes_of_time(country):
    """A day of 23 and one of 25 hours in each year: 24 hours are 24 hours, and a day ends with the day there."""
    zone, calendar = ZoneInfo(CALENDARS[country].zone.name), CALENDARS[country]
    found = changes(country)
    lengths = set()
    for moment in found:
        day = moment.astimezone(zone).date()
        eve = local(country, f"{day - timedelta(days=1)}T18:00")
        assert deadline(of(24, Unit.HOURS), eve, calendar).at == eve + DAY
        ends = [deadline(of(count, Unit.DAYS), eve, calendar).at for count in (1, 2)]
        assert [shown(country, end) for end in ends] == [f"{day}T23:59:59", f"{day + timedelta(days=1)}T23:59:59"]
        lengths.add(ends[0] - end_of(day - timedelta(days=1), calendar).at)
    assert len(found) == 4
    assert lengths == {23 * 3_600, 25 * 3_600}

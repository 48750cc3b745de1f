"""Which days people work in a country, and what time it is there (pure).

Nothing that is not known passes for a working day in silence: every answer comes with its doubts. A feast that follows
the moon is listed by year; a year that is not listed is a doubt on all its days, because the feast may be on any of
them. Local time beyond the listed years of a zone is a doubt too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from schemas.region_pack.calendars import Calendar, Easter, EasterDay, FixedDay, Holiday, ListedDay, Status, Zone

HOUR, DAY = 3_600, 86_400
_ONE = timedelta(days=1)


class Uncertain(StrEnum):
    """Why a date may turn out otherwise."""

    EXPECTED = "expected"
    """A feast close by is computed and not announced yet: it may move by a day."""

    UNLISTED = "unlisted"
    """The calendar does not know the movable feasts, or the legal time, of this year."""

    SUSPENDED = "suspended"
    """A holiday was counted as a working day because holidays are suspended there."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Doubt:
    """One reason to look twice at a date."""

    country: str
    year: int
    why: Uncertain


@dataclass(frozen=True, slots=True, kw_only=True)
class _Year:
    holidays: frozenset[date]
    suspended: frozenset[date]
    expected: frozenset[date]
    unlisted: bool


def western_easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar, by the anonymous algorithm (Meeus, Astronomical Algorithms, ch. 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    r = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * r) // 451
    month, day = divmod(h + r - 7 * m + 114, 31)
    return date(year, month, day + 1)


def orthodox_easter(year: int) -> date:
    """Easter Sunday of the Julian calendar as a Gregorian date (Meeus, ch. 8); right from 1900 to 2099."""
    d = (19 * (year % 19) + 15) % 30
    e = (2 * (year % 4) + 4 * (year % 7) - d + 34) % 7
    month, day = divmod(d + e + 114, 31)
    return date(year, month, day + 1) + timedelta(days=13)


def is_working(calendar: Calendar, day: date) -> bool:
    """Whether offices work on ``day``, as far as is known; ``doubts`` says how far."""
    return day.weekday() not in calendar.weekend and day not in _year(calendar, day.year).holidays


def doubts(calendar: Calendar, first: date, last: date) -> tuple[Doubt, ...]:
    """List the reasons why the count of days from ``first`` to ``last`` inclusive is uncertain."""
    found = set()
    for day in _days(first, last):
        year = _year(calendar, day.year)
        if year.unlisted:
            found.add(Doubt(country=calendar.country, year=day.year, why=Uncertain.UNLISTED))
        if day in year.suspended and day.weekday() not in calendar.weekend:
            found.add(Doubt(country=calendar.country, year=day.year, why=Uncertain.SUSPENDED))
    for day in _days(first - _ONE, last + _ONE):
        if day in _year(calendar, day.year).expected:
            found.add(Doubt(country=calendar.country, year=day.year, why=Uncertain.EXPECTED))
    return tuple(sorted(found))


def local_date(zone: Zone, at: int) -> date:
    """Return the local day at ``at``, Unix seconds."""
    return (datetime.fromtimestamp(at, tz=UTC) + offset(zone, at)).date()


def end_of_day(zone: Zone, day: date) -> int:
    """Return the last second of ``day`` in Unix seconds."""
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + DAY
    guess = midnight - int(zone.offset.total_seconds())
    # No zone here changes its time within two hours of midnight, so one look at the offset is enough.
    return midnight - int(offset(zone, guess).total_seconds()) - 1


def offset(zone: Zone, at: int) -> timedelta:
    """Return the lead of local time over UTC at ``at``, Unix seconds."""
    for shift in zone.shifts:
        if shift.start <= at < shift.end:
            return shift.offset
    return zone.offset + timedelta(hours=1) if zone.summer and _is_summer(at) else zone.offset


def knows_time(zone: Zone, day: date) -> bool:
    """Whether the legal time of ``day`` is known, as far as laws are known."""
    return zone.first_year is None or zone.last_year is None or zone.first_year <= day.year <= zone.last_year


def _is_summer(at: int) -> bool:
    """From the last Sunday of March to that of October, 01:00 UTC (Directive 2000/84/EC, articles 2 and 3)."""
    year = datetime.fromtimestamp(at, tz=UTC).year
    return _last_sunday(year, 3) <= at < _last_sunday(year, 10)


def _last_sunday(year: int, month: int) -> int:
    last = date(year, month, 31)
    sunday = last - timedelta(days=(last.weekday() + 1) % 7)
    return int(datetime(sunday.year, sunday.month, sunday.day, 1, tzinfo=UTC).timestamp())


@lru_cache(maxsize=256)
def _year(calendar: Calendar, year: int) -> _Year:
    named = {day: holiday for holiday in calendar.holidays for day in _occurs(holiday, year)}
    suspended = {
        day for day in named if any(s.start <= day and (s.end is None or day <= s.end) for s in calendar.suspended)
    }
    listed = [holiday for holiday in calendar.holidays if isinstance(holiday, ListedDay)]
    kept = set(named) - suspended
    return _Year(
        holidays=frozenset(_moved(calendar, kept) if calendar.moves else kept),
        suspended=frozenset(suspended),
        expected=frozenset(day for h in listed if h.status.get(year) is Status.EXPECTED for day in h.days[year]),
        unlisted=any(not h.once and year not in h.days for h in listed),
    )


def _occurs(holiday: Holiday, year: int) -> tuple[date, ...]:
    match holiday:
        case FixedDay():
            return (date(year, holiday.month, holiday.day),) if year >= holiday.since else ()
        case EasterDay():
            sunday = western_easter(year) if holiday.easter is Easter.WESTERN else orthodox_easter(year)
            return (sunday + timedelta(days=holiday.plus),)
        case ListedDay():
            return holiday.days.get(year, ())


def _moved(calendar: Calendar, holidays: set[date]) -> set[date]:
    """With the next working day for each holiday on a weekend: two of them give two days."""
    free = set(holidays)
    for day in sorted(holidays):
        if day.weekday() in calendar.weekend:
            while day.weekday() in calendar.weekend or day in free:
                day += _ONE
            free.add(day)
    return free


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += _ONE


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_day(value: str) -> date | None:
    """The day, or None where the text is spelled otherwise or names a day that does not exist."""
    if not _DAY.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None

"""When a clock ends: the deadline of an answer, its reminders, and when silence speaks (pure).

Hours run without a stop, through nights, weekends and holidays; an emergency never counts working days
(`schemas/clocks.json` cannot even say so). Days and working days end with the last hour of the last day, and the day
of the event is not counted (Regulation 1182/71, article 3), in the legal time of the country that owes the answer.
Working days are those of its calendar. Parts of a day round up to a whole one, so 150 % of 5 days are 8.

A deadline carries its doubts, see `gateway.foundation.workdays`. Where a movable feast is not listed for the year, the
date stands on weekends and the known holidays alone, says so, and must not be used against anybody: ``certain`` is
false.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from gateway.foundation.workdays import HOUR, Doubt, Uncertain, doubts, end_of_day, is_working, knows_time, local_date
from schemas.clocks import Duration, Unit
from schemas.region_pack.calendars import Calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """An answer whose time is not after ``at``, Unix seconds, is in time."""

    at: int
    doubts: tuple[Doubt, ...] = ()

    @property
    def certain(self) -> bool:
        """Whether silence may have an effect at this time: not where a year of the calendar is unknown."""
        return all(doubt.why is not Uncertain.UNLISTED for doubt in self.doubts)


def deadline(duration: Duration, start: int, calendar: Calendar, *, percent: int = 100) -> Deadline:
    """When ``percent`` of ``duration`` after ``start``, Unix seconds, is over for people who work by ``calendar``."""
    if duration.unit is Unit.HOURS:
        return Deadline(at=start + duration.count * HOUR * percent // 100)
    count = -(-duration.count * percent // 100)
    first = local_date(calendar.zone, start)
    if duration.unit is Unit.DAYS:
        last = first + timedelta(days=count)
        return _ending(calendar, first, last, ())
    last = working_day(calendar, first, count)
    return _ending(calendar, first, last, doubts(calendar, first + timedelta(days=1), last))


def end_of(day: date, calendar: Calendar) -> Deadline:
    """The end of a day that a message names."""
    return _ending(calendar, day, day, ())


def working_day(calendar: Calendar, first: date, count: int) -> date:
    """The ``count``-th working day after ``first``."""
    day = first
    while count:
        day += timedelta(days=1)
        count -= is_working(calendar, day)
    return day


def _ending(calendar: Calendar, first: date, last: date, found: tuple[Doubt, ...]) -> Deadline:
    unknown = {
        Doubt(country=calendar.country, year=day.year, why=Uncertain.UNLISTED)
        for day in (first, last)
        if not knows_time(calendar.zone, day)
    }
    return Deadline(at=end_of_day(calendar.zone, last), doubts=tuple(sorted(unknown | set(found))))

"""The calendars of a region: time zone, weekend and holidays of each country, from `calendars/XX.json` of its pack.

This module reads a file; `gateway.foundation.workdays` computes the holidays. The legal time is data too, not the
zone file of the machine: both nodes of a conversation have to compute the same deadline, and their machines may have
different versions of that file (Morocco decides anew each year).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

from schemas.reading import Spot

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Status(StrEnum):
    """The certainty of a listed date: announced by the authority, or computed ahead."""

    ANNOUNCED = "announced"
    EXPECTED = "expected"


class Easter(StrEnum):
    """The Easter from which a movable holiday is counted."""

    WESTERN = "western"
    ORTHODOX = "orthodox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """From ``start`` until before ``end``, Unix seconds, local time is ``offset`` ahead of UTC."""

    start: int
    end: int
    offset: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """Legal time: ``offset`` ahead of UTC, an hour more in summer by the rule of the EU where ``summer``, else shifted
    as listed for the years from ``first_year`` to ``last_year``; both None where no other year can be different.
    """

    name: str
    offset: timedelta
    summer: bool
    shifts: tuple[Shift, ...] = ()
    first_year: int | None = None
    last_year: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedDay:
    """The same day each year, from ``since`` on."""

    name: str
    month: int
    day: int
    since: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EasterDay:
    """``plus`` days after Easter Sunday."""

    name: str
    easter: Easter
    plus: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDay:
    """Days that no rule gives, by year. A missing year is unknown; ``once`` says that there are no other years."""

    name: str
    days: Mapping[int, tuple[date, ...]]
    status: Mapping[int, Status]
    once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """From ``start`` until ``end`` inclusive (None: no end in sight) holidays are working days."""

    start: date
    end: date | None
    why: str


Holiday = FixedDay | EasterDay | ListedDay


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calendar:
    """One country. ``weekend`` holds the numbers of `date.weekday`; ``moves`` says that a holiday on a weekend gives
    the next working day. Compared by identity: each is read once.
    """

    country: str
    zone: Zone
    weekend: frozenset[int]
    moves: bool
    holidays: tuple[Holiday, ...]
    suspended: tuple[Suspension, ...]
    sources: tuple[str, ...]
    note: str


@cache
def make_stand_in(country: str) -> Calendar:
    """Make the calendar of a country whose calendar nobody has written: UTC, a weekend, no holiday, and a legal time
    that is known for no year. So every deadline in days is uncertain and has no consequence for anybody; hours need no
    calendar.
    """
    # The year 0 alone is known: so every deadline that falls into a real year is marked as uncertain.
    zone = Zone(name="UTC", offset=timedelta(0), summer=False, first_year=0, last_year=0)
    return Calendar(
        country=country,
        zone=zone,
        weekend=frozenset({WEEKDAYS.index("saturday"), WEEKDAYS.index("sunday")}),
        moves=False,
        holidays=(),
        suspended=(),
        sources=(),
        note="this region has no calendar for the country",
    )


def calendar_at(spot: Spot, country: str) -> Calendar:
    """Read the calendar file of `country` at `spot` and note each fault; the stand-in where there is one."""
    before = len(spot.log)
    _check_calendar(spot, country)
    return make_stand_in(country) if spot.lost or len(spot.log) > before else parse_calendar(spot.value)


def _check_calendar(spot: Spot, country: str) -> None:
    members = spot.members(
        ("country", "zone", "weekend", "weekend_holidays", "holidays", "sources", "note"), ("suspended",)
    )
    members["country"].const(country)
    members["weekend"].several(WEEKDAYS, "unknown_code", f"one of {', '.join(WEEKDAYS)}")
    members["weekend_holidays"].one_of(_MOVES, "unknown_code", f"one of {', '.join(_MOVES)}")
    members["note"].text(1000)
    for source in members["sources"].items(1):
        source.text()
    zone = members["zone"].members(("name", "offset_minutes", "summer"), ("exceptions", "exception_years"))
    if not any(part.lost for part in zone.values()):
        _readable(members["zone"], _zone, "minutes ahead of UTC, `summer` is eu or null, exceptions as README.md says")
    for holiday in members["holidays"].items():
        _readable(holiday, _holiday, "`name` and `day` (and `since`), `easter` and `plus`, `listed` or `once`")
    for suspension in members["suspended"].items() if "suspended" in members else ():
        _readable(suspension, _suspension, "`from`, `until` (a day or null) and `why`")


def _readable(spot: Spot, reader: Callable[[Any], object], hint: str) -> None:
    try:
        reader(spot.value)
    except (ValueError, KeyError, TypeError, AttributeError):
        spot.fault("calendar", hint)


def parse_calendar(value: Mapping[str, Any]) -> Calendar:
    """Parse one calendar file. Raises ValueError or KeyError where it breaks a rule."""
    return Calendar(
        country=value["country"],
        zone=_zone(value["zone"]),
        weekend=frozenset(WEEKDAYS.index(day) for day in value["weekend"]),
        moves=_MOVES[value["weekend_holidays"]],
        holidays=tuple(_holiday(entry) for entry in value["holidays"]),
        suspended=tuple(_suspension(entry) for entry in value.get("suspended", ())),
        sources=tuple(value["sources"]),
        note=value["note"],
    )


_MOVES = {"lost": False, "next_working_day": True}


def _zone(value: Mapping[str, Any]) -> Zone:
    first, last = value.get("exception_years", (None, None))
    return Zone(
        name=value["name"],
        offset=timedelta(minutes=value["offset_minutes"]),
        summer={"eu": True, None: False}[value["summer"]],
        shifts=tuple(_shift(entry) for entry in value.get("exceptions", ())),
        first_year=first,
        last_year=last,
    )


def _shift(value: Mapping[str, Any]) -> Shift:
    return Shift(
        start=_instant(value["from"]), end=_instant(value["until"]), offset=timedelta(minutes=value["offset_minutes"])
    )


def _instant(text: str) -> int:
    """Parse a minute in UTC, written 2027-02-07T02:00, to Unix seconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def _holiday(value: Mapping[str, Any]) -> Holiday:
    match value:
        case {"name": str(name), "day": str(day), **rest} if rest.keys() <= {"since"}:
            found = date.fromisoformat(f"2001-{day}")  # no leap year: the day has to come each year
            return FixedDay(name=name, month=found.month, day=found.day, since=int(rest.get("since", 0)))
        case {"name": str(name), "easter": easter, "plus": int(plus), **rest} if not rest:
            return EasterDay(name=name, easter=Easter(easter), plus=plus)
        case {"name": str(name), "listed": listed, **rest} if not rest:
            days = {
                int(year): tuple(date.fromisoformat(f"{year}-{day}") for day in v["days"]) for year, v in listed.items()
            }
            return _listed(name, days, {int(year): Status(v["status"]) for year, v in listed.items()})
        case {"name": str(name), "once": once, **rest} if not rest:
            status = {date.fromisoformat(day): Status(word) for day, word in once.items()}
            days = {year: tuple(day for day in status if day.year == year) for year in {day.year for day in status}}
            return _listed(name, days, {day.year: word for day, word in status.items()}, once=True)
        case _:
            raise ValueError("a holiday is a day, a distance from Easter, or listed")


def _listed(
    name: str, days: Mapping[int, tuple[date, ...]], status: Mapping[int, Status], *, once: bool = False
) -> ListedDay:
    return ListedDay(name=name, days=MappingProxyType(days), status=MappingProxyType(status), once=once)


def _suspension(value: Mapping[str, Any]) -> Suspension:
    return Suspension(
        start=date.fromisoformat(value["from"]),
        end=date.fromisoformat(value["until"]) if value["until"] else None,
        why=value["why"],
    )

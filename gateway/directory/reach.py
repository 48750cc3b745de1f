"""Who can be reached, and when: hours, holidays, duty telephones, and the times that words mean (domain 6.6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain

from gateway.directory.entries import Unit
from gateway.foundation.hours import hours_of
from gateway.foundation.workdays import end_of_day, is_working, local_date, offset
from schemas.region_pack.calendars import Calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Where to call or write: an office of the unit, or its duty telephone, which answers day and night."""

    duty: bool
    phone: str | None
    email: str | None = None
    hours: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One unit as an answer. `at` is the moment looked at, `open` whether it is open then, None where its hours are
    words that only people read; `current` whether the entry counts now.
    """

    unit: Unit
    at: int
    open: bool | None
    contact: Contact | None
    current: bool
    expires: int


def standing(unit: Unit, calendar: Calendar, now: int) -> Found:
    """Look at a unit as it is now."""
    return find_reach(unit, calendar, now, now)


def find_reach(unit: Unit, calendar: Calendar, at: int, now: int) -> Found:
    """Look at a unit at one moment, and at whether its entry counts now; both in Unix seconds."""
    expires = min(unit.entry.expires, end_of_day(calendar.zone, date.fromisoformat(unit.said["valid_until"])) + 1)
    is_open = _is_open(unit.said.get("hours"), calendar, at)
    return Found(
        unit=unit, at=at, open=is_open, contact=_contact(unit, is_open), current=now < expires, expires=expires
    )


def _is_open(hours: str | None, calendar: Calendar, at: int) -> bool | None:
    """Say if a unit with these hours is open; on a public holiday only what is open on every day. None: words."""
    spans = None if hours is None else hours_of(hours)
    if spans is None:
        return None
    day = local_date(calendar.zone, at)
    holiday = not is_working(calendar, day) and day.weekday() not in calendar.weekend
    daily = {first for first, *_ in spans.spans} == set(range(7))
    return spans.holds(_local(calendar, at)) and (daily or not holiday)


def _contact(unit: Unit, is_open: bool | None) -> Contact | None:
    """Choose where to call: the office while it may be open, else the duty telephone, else the office all the same."""
    duty = Contact(duty=True, phone=unit.said["duty_phone"]) if "duty_phone" in unit.said else None
    office = next(
        (
            Contact(duty=False, phone=said.get("phone"), email=said.get("email"), hours=said.get("hours"))
            for said in (point["public_contact"] for point in unit.focal)
        ),
        None,
    )
    return (duty or office) if is_open is False else (office or duty)


def in_office_hours(calendar: Calendar, at: int) -> bool:
    """Whether it is a working day there, between 8 and 17 o'clock."""
    return is_working(calendar, local_date(calendar.zone, at)) and 8 <= _local(calendar, at).hour < 17


def _local(calendar: Calendar, at: int) -> datetime:
    return datetime.fromtimestamp(at, tz=UTC) + offset(calendar.zone, at)


def find_moment(said: Iterable[str], calendar: Calendar, now: int) -> int:
    """Find the next moment that words for a time mean, where the unit is: noon of a day, 23:00 of a night; now if it is
    so now, or without such words.
    """
    said, local = frozenset(said), _local(calendar, now)
    if not said:
        return now
    night = "night" in said
    wanted = {"sunday": {6}, "saturday": {5}, "weekend": set(calendar.weekend)}
    days = set(chain.from_iterable(wanted[name] for name in said if name in wanted)) or set(range(7))
    late = local.hour >= 20 or local.hour < 6
    if local.weekday() in days and (late if night else True):
        return now
    day = next(
        local.date() + timedelta(days=ahead)
        for ahead in range(8)
        if (local.date() + timedelta(days=ahead)).weekday() in days
    )
    naive = int(datetime.combine(day, time(23 if night else 12), tzinfo=UTC).timestamp())
    return naive - int(offset(calendar.zone, naive).total_seconds())

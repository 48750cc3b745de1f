"""Rows of the list of cases: how urgent each is, and in which group it stands (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

from gateway.console.words import N_, Words

DAY = 86_400
HOUR = 3_600
ALERT = "alert_ack"
"""The clock of a safety alert that has to be taken."""
WEEK = 7
NEAR = 14
"""Days within which a day is known by its weekday."""


class Group(StrEnum):
    """Groups of the list, most urgent first."""

    DANGER = "danger"
    SOON = "soon"
    WEEK = "week"
    LATER = "later"
    NOTHING = "nothing"


GROUPS: Mapping[Group, str] = {
    Group.DANGER: N_("Overdue or in danger"),
    Group.SOON: N_("Today and tomorrow"),
    Group.WEEK: N_("Within seven days"),
    Group.LATER: N_("Later"),
    Group.NOTHING: N_("Nothing is owed"),
}


@dataclass(frozen=True, slots=True)
class Due:
    """The next deadline of a case: its group, the kind (a class of console.css), shape and words of its chip, and when
    it is to the minute, as HTML has it.
    """

    group: Group
    kind: str = ""
    shape: str = ""
    text: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A case of the list with the words for what is due in it."""

    case: Mapping[str, Any]
    due: Due


def make_row(case: Mapping[str, Any], words: Words, *, now: int, offset: int) -> Row:
    """Make the row of one case; ``offset`` as in `Settings`."""
    return Row(case=case, due=describe_due(case["next"], words, now=now, offset=offset))


def end_tomorrow(now: int, offset: Callable[[int], int]) -> int:
    """The last second of tomorrow, by the days of the country; ``offset`` as in `Settings`."""
    day = (now + offset(now)) // DAY + 2
    return day * DAY - offset(day * DAY - offset(now)) - 1


def describe_due(owed: Mapping[str, Any] | None, words: Words, *, now: int, offset: int) -> Due:
    """Say how urgent it is what is owed next, as people say days."""
    if owed is None:
        return Due(Group.NOTHING)
    group, kind, shape, text = _urgency(owed, words, now=now, offset=offset)
    return Due(group, kind, shape, text, _local(int(owed["until"]), offset).isoformat(timespec="minutes"))


def _urgency(owed: Mapping[str, Any], words: Words, *, now: int, offset: int) -> tuple[Group, str, str, str]:
    until, ours = int(owed["until"]), owed["owes"] == "us"
    clock, day = words.clock(until, offset), _local(until, offset).date()
    days = (day - _local(now, offset).date()).days
    if owed["overdue"]:
        return Group.DANGER, "late", "late", _late(now - until, words)
    if ours and owed["what"] == ALERT:
        return Group.DANGER, "emergency", "beacon", words("Take by %(time)s", time=clock)
    soon, theirs = ("soon", "clock"), ("theirs", "hourglass")
    if days <= 1:
        text = words("Today %(time)s", time=clock) if days == 0 else words("Tomorrow %(time)s", time=clock)
        return Group.SOON, *(soon if ours else theirs), text
    text = words.weekday(until, offset) if days <= NEAR else words.date(day.isoformat())
    return Group.WEEK if days <= WEEK else Group.LATER, *(("", "") if ours else theirs), text


def group_rows(rows: Sequence[Row]) -> list[tuple[Group, list[Row]]]:
    """Put rows under the headings of their groups; within one they stay in their order."""
    found: dict[Group, list[Row]] = {group: [] for group in Group}
    for row in rows:
        found[row.due.group].append(row)
    return [(group, some) for group, some in found.items() if some]


def _late(seconds: int, words: Words) -> str:
    if seconds >= DAY:
        return words.many("%(n)s day late", "%(n)s days late", seconds // DAY)
    return words.many("%(n)s hour late", "%(n)s hours late", max(1, seconds // HOUR))


def _local(at: int, offset: int) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(timezone(timedelta(seconds=offset)))

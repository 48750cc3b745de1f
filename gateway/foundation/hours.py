"""Hours of a week in local time, in a notation for people and machines: safe hours, quiet hours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

DAYS: tuple[str, ...] = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
MINUTES = 24 * 60
_PART = re.compile(
    r"(?:(?P<first>Mo|Tu|We|Th|Fr|Sa|Su)(?:-(?P<last>Mo|Tu|We|Th|Fr|Sa|Su))? )?"
    r"(?P<h1>[01]\d|2[0-4]):(?P<m1>[0-5]\d)-(?P<h2>[01]\d|2[0-4]):(?P<m2>[0-5]\d)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Spans of a week: (weekday from 0 = Monday, first minute, minute after the last)."""

    spans: tuple[tuple[int, int, int], ...]

    def holds(self, at: datetime) -> bool:
        """Whether the moment, in local time, lies within one of them."""
        minute = at.hour * 60 + at.minute
        return any(day == at.weekday() and first <= minute < last for day, first, last in self.spans)


def hours_of(text: str) -> Hours | None:
    """Hours such as `Mo-Fr 18:00-20:00; Sa 10:00-12:00` or `21:00-06:00`; None for words that only people read.

    Days are inclusive and may wrap, as `Sa-Mo` does; a span that ends before it begins goes on into the next day.
    """
    spans: list[tuple[int, int, int]] = []
    for part in text.split(";"):
        match = _PART.fullmatch(part.strip())
        if match is None:
            return None
        first = int(match["h1"]) * 60 + int(match["m1"])
        last = int(match["h2"]) * 60 + int(match["m2"])
        if max(first, last) > MINUTES or first == last:
            return None
        for day in _days(match["first"], match["last"]):
            spans += [(day, first, last)] if first < last else [(day, first, MINUTES), ((day + 1) % 7, 0, last)]
    return Hours(spans=tuple(spans))


def _days(first: str | None, last: str | None) -> list[int]:
    if first is None:
        return list(range(7))
    start = DAYS.index(first)
    length = (DAYS.index(last) - start) % 7 if last is not None else 0
    return [(start + step) % 7 for step in range(length + 1)]

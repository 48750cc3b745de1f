"""Periods that statistics are counted for: whole calendar years and quarters, by the name that people use for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.errors import Code, RefusedError
from schemas.region_pack.statistics import PeriodLength, StatisticsPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A calendar year or quarter, from ``first`` to ``last`` day."""

    name: str
    length: PeriodLength
    first: date
    last: date


_PERIOD = re.compile(r"((?:19|20)[0-9]{2})(?:-Q([1-4]))?")


def period(name: str) -> Period:
    """Read the name of a period, `2025` or `2025-Q3`. Raises RefusedError(invalid) for another name."""
    found = _PERIOD.fullmatch(name)
    if not found:
        raise RefusedError(Code.INVALID, "a period is a year or a quarter", hint="such as 2025 or 2025-Q3")
    year, quarter = int(found[1]), found[2]
    start, months = (3 * int(quarter) - 2, 3) if quarter else (1, 12)
    after = date(year + (start + months) // 13, (start + months - 1) % 12 + 1, 1)
    length = PeriodLength.QUARTER if quarter else PeriodLength.YEAR
    return Period(name=name, length=length, first=date(year, start, 1), last=after - timedelta(days=1))


def asked(interval: str) -> Period:
    """Find the period of a `stats.request`, `2026-01-01/2026-12-31`.

    Raises RefusedError(gate_g12) for days that are no whole year or quarter: two such answers could be subtracted.
    """
    first = interval.partition("/")[0]
    names = (first[:4], *(f"{first[:4]}-Q{n}" for n in range(1, 5)))
    for name in names:
        found = period(name)
        if interval == span(found):
            return found
    raise RefusedError(Code.GATE_G12, "the days asked for are no whole year and no whole quarter")


def period_of(plan: StatisticsPlan, day: date) -> Period:
    """Find the period of the plan in which a day lies."""
    quarter = "" if plan.period is PeriodLength.YEAR else f"-Q{(day.month + 2) // 3}"
    return period(f"{day.year:04}{quarter}")


def span(period: Period) -> str:
    """Write first and last day of a period as a message says it."""
    return f"{period.first.isoformat()}/{period.last.isoformat()}"


def overlaps(one: Period, other: Period) -> bool:
    """Whether two periods have a day in common."""
    return one.first <= other.last and other.first <= one.last

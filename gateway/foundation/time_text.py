"""A point of time as people read it: ISO in UTC with the distance from now."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.foundation.clock import SystemClock
from gateway.ports import Json

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_YEAR_9999 = 253_402_300_799


def when(at: Json, *, now: int | None = None) -> str:
    """Unix seconds as ISO UTC and the distance from now; a dash for none."""
    if isinstance(at, bool) or not isinstance(at, int):
        return "-"
    if not 0 <= at <= _YEAR_9999:
        return f"second {at}"
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ} ({distance(at, now)})"


def distance(at: int, now: int | None = None) -> str:
    """`in 3 days`, `2 hours ago`: one unit, rounded down."""
    delta = at - (SystemClock().now() if now is None else now)
    size, unit = next(((size, unit) for size, unit in _UNITS if abs(delta) >= size), (1, "second"))
    count = abs(delta) // size
    if count == 0:
        return "now"
    text = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"in {text}" if delta > 0 else f"{text} ago"

"""How long maintenance lasts, and how it is kept. Pure; times are Unix seconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.errors import Code, RefusedError
from gateway.strict_json import read_json
from keys.primitives.encoding import canon

SHORTEST: Final = 60
LONGEST: Final = 12 * 3_600
"""A night. Whoever needs longer says so again: a node that was forgotten in maintenance must not stay away."""
SLACK: Final = 300
"""Seconds by which a clock may be set back in maintenance, so that it is not over for that."""


class Reason(StrEnum):
    """Why people work on the node: a closed list, since peers' operators and metrics may see it, and no name fits."""

    PLANNED = "planned"
    UPGRADE = "upgrade"
    DATABASE = "database"
    REPAIR = "repair"


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """One time of maintenance. It is over at `until`, whatever happens."""

    since: int
    until: int
    reason: Reason

    def seconds_left(self, now: int) -> int:
        """Compute how long it lasts still, 0 when it is over. A time far before its beginning is a clock that was wrong
        when it was announced: then it is over too, else it would last for as long as the clock was ahead.
        """
        return self.until - now if self.since - SLACK <= now < self.until else 0


def plan_maintenance(now: int, seconds: int, reason: Reason) -> Maintenance:
    """Begin maintenance for so many seconds. Raises RefusedError invalid where that is too short or too long."""
    if not SHORTEST <= seconds <= LONGEST:
        raise RefusedError(
            Code.INVALID,
            f"maintenance lasts between {SHORTEST} seconds and {LONGEST // 3_600} hours; nothing was changed",
            hint="begin with a shorter time, and say it again before it is over",
        )
    return Maintenance(since=now, until=now + seconds, reason=reason)


def encode_maintenance(kept: Maintenance) -> bytes:
    """Encode it for the database."""
    return canon({"since": kept.since, "until": kept.until, "reason": str(kept.reason)})


def decode_maintenance(data: bytes) -> Maintenance | None:
    """Decode what the database has; None for nothing, and for what this version did not write: a node must not stay
    away because of a damaged row.
    """
    value, flaws = read_json(data, depth=1)
    match value:
        case {"since": int(since), "until": int(until), "reason": str(reason)} if not flaws and reason in set(Reason):
            within = min(until, since + LONGEST)
            return Maintenance(since=since, until=within, reason=Reason(reason))
    return None

"""One spelling of a day: `YYYY-MM-DD`, as the schemas have it. The standard library alone accepts others too."""

from __future__ import annotations

import re
from datetime import date

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_day(value: str) -> date | None:
    """The day, or None where the text is spelled otherwise or names a day that does not exist."""
    if not _DAY.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None

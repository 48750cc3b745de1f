"""Local numbers: of content, drafts, consents, statements, files; in the order of time, never given twice.

One process counts on from the highest number there is. A worker among several makes a number of the time and of its own
place, so that nobody has to be asked:

    | milliseconds since 2026 (41 bits) | place of the worker (5) | count (7) |

which fits into the 53 bits that every program reads exactly.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

BEGIN_MS: Final = 1_767_225_600_000
"""1 January 2026, Unix milliseconds."""
_PLACE: Final = 7
_TIME: Final = 12
LATE: Final = 4_096
"""Numbers that one process may have given to others before it stores what it gave a number to."""
LATE_MS: Final = 120_000
"""Milliseconds by which the number of another worker may be older: both clocks may be off by a minute."""


class LocalNumbers:
    """The numbers that this process gives."""

    def __init__(self, highest: int) -> None:
        """`highest` is the highest number that the database has."""
        self._last = highest
        self._place: int | None = None
        self._now: Callable[[], int] = int
        self._lock = threading.Lock()

    def share(self, place: int, now: Callable[[], int]) -> None:
        """From now on give the numbers of a worker at this place, by a clock of Unix milliseconds."""
        with self._lock:
            self._place, self._now = place, now

    def new(self) -> int:
        """A fresh number; lost when not written."""
        with self._lock:
            self._last = self._last + 1 if self._place is None else self._timed(self._place)
            return self._last

    def lowest_stored_behind(self, number: int) -> int:
        """Estimate the number above which one may be stored after `number` was, though it is lower."""
        return max(0, number - (LATE if self._place is None else LATE_MS << _TIME))

    def _timed(self, place: int) -> int:
        at, full = self._now() - BEGIN_MS, (1 << _PLACE) - 1
        last_at, here = self._last >> _TIME, (self._last >> _PLACE) % (1 << _TIME - _PLACE) == place
        if at <= last_at:
            if here and self._last & full < full:
                return self._last + 1
            at = last_at + 1
        return at << _TIME | place << _PLACE

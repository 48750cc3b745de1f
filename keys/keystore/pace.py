"""How often a key service does one kind of thing in a minute (nrm1 13.6)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from keys.keystore.calls import Paced
from keys.keystore.service import PacedCalls

PACES: Final[Mapping[Paced, int]] = {Paced.SIGN: 120_000, Paced.OPEN: 6_000, Paced.UNWRAP: 12_000}
"""Calls in a minute. A message costs its receiver one opening, either side up to four unwrappings, and a page of the
console one for each line: enough for thirty messages a second with people at work (docs/keys.md).
"""


class Pace:
    """A limit for a minute, all of which may come at once, and how often it let through and refused."""

    def __init__(self, per_minute: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._per_minute, self._monotonic = per_minute, monotonic
        self._left, self._at = float(per_minute), monotonic()
        self._done = self._refused = 0
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Whether one more is permitted now."""
        with self._lock:
            now = self._monotonic()
            self._left = min(self._per_minute, self._left + (now - self._at) * self._per_minute / 60)
            self._at = now
            if self._left < 1:
                self._refused += 1
                return False
            self._left -= 1
            self._done += 1
            return True

    def tell(self, use: Paced) -> PacedCalls:
        """Tell what was taken and refused since the beginning."""
        with self._lock:
            return PacedCalls(use=use, per_minute=self._per_minute, done=self._done, refused=self._refused)

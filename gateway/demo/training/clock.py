"""A clock that is behind by as many seconds as a file says: how the past of the training cases comes about.

All nodes of the training look at the same file, so they move together, as machines do whose time passes: the clock that
only runs moves with the wall clock, and whoever slept until then wakes. Nothing is ever dated ahead of the real time,
and once the file says nought the nodes are started anew as `trm serve` runs them, on the clock of the machine.
"""

from __future__ import annotations

import asyncio
import mmap
import struct
import time
from pathlib import Path
from typing import Final

_SECONDS: Final = struct.Struct("<Q")
_LOOK: Final = 0.25
"""Real seconds after which a sleeper looks whether the time was moved."""


class LaggingClock:
    """Implements `gateway.ports.Clock`. Processes that opened the same file see a change at once."""

    def __init__(self, path: Path) -> None:
        """Open the file, which `write_lag` made."""
        with path.open("rb") as file:
            self._said = mmap.mmap(file.fileno(), _SECONDS.size, access=mmap.ACCESS_READ)
        self._first = self.lag

    @property
    def lag(self) -> int:
        """Seconds by which it is behind the clock of the machine."""
        return int(_SECONDS.unpack(self._said)[0])

    def now(self) -> int:
        """Wall time in whole Unix seconds."""
        return int(time.time()) - self.lag

    def monotonic(self) -> float:
        """Seconds that never go back: those that passed, and those by which the clock was moved on."""
        return time.monotonic() + self._first - self.lag

    async def sleep(self, seconds: float) -> None:
        """Wait, or until the clock is moved so far."""
        end = self.monotonic() + seconds
        await asyncio.sleep(0)
        while (left := end - self.monotonic()) > 0:  # noqa: ASYNC110 - another process moves it, and signals nobody
            await asyncio.sleep(min(left, _LOOK))


def write_lag(path: Path, seconds: int) -> None:
    """Move every clock on this file, which is made if it is not there: eight bytes in one write."""
    with path.open("r+b" if path.exists() else "wb") as file:
        file.write(_SECONDS.pack(seconds))


def read_lag(path: Path) -> int:
    """Return the seconds by which the clocks on this file are behind."""
    return int(_SECONDS.unpack(path.read_bytes())[0])

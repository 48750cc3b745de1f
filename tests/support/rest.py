"""Whether processes have something to do, as the kernel tells it. What waits for a processor or a disk is at work too,
so that a busy machine makes nobody seem at rest who is not.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from support.patience import PATIENCE

LOOK, LOOKS = 0.015, 10
"""Who has done nothing at so many looks in a row, so many seconds apart, rests."""
FEW = 3
"""Looks where a clock is moved by many steps."""
NOTHING = 0.06
"""Part of the time for which a processor may be used by who rests: a loop that wakes and sleeps again."""
AT_WORK = "RD"
"""States of a thread that has something to do: it runs or would run, or it waits for a disk."""


async def until_at_rest(looks: int = LOOKS) -> None:
    """Let everything run that can run in this process now."""
    watch = Watch(os.getpid(), looks=looks)
    while not watch.rests():  # noqa: ASYNC110 (nobody tells that there is nothing to do)
        await asyncio.sleep(LOOK)


def wait_for_rest(*pids: int, looks: int = LOOKS) -> None:
    """Let everything run that can run in these other processes now."""
    watch = Watch(*pids, looks=looks)
    while not watch.rests():
        time.sleep(LOOK)


class Watch:
    """Looks at processes until they rest; the thread that looks does not count."""

    def __init__(self, *pids: int, looks: int = LOOKS) -> None:
        self._pids = pids
        self._looks = looks
        self._quiet = 0
        self._spent, self._at = self._spend(), time.monotonic_ns()
        self._end = time.monotonic() + PATIENCE

    def rests(self) -> bool:
        """Look once more; whether nothing has been done for long enough."""
        part = (self._spend() - self._spent) / (time.monotonic_ns() - self._at)
        worked = part > NOTHING or any(self._working())
        self._quiet = 0 if worked else self._quiet + 1
        assert self._quiet or time.monotonic() < self._end, "there is always something to do"
        self._spent, self._at = self._spend(), time.monotonic_ns()  # without what the look took
        return self._quiet >= self._looks

    def _working(self) -> Iterator[bool]:
        own = threading.get_native_id()
        for thread, state in self._read("stat"):
            yield thread != own and state.rpartition(")")[2].split()[0] in AT_WORK

    def _spend(self) -> int:
        """Nanoseconds of processors that they have had."""
        if self._pids == (os.getpid(),):
            return time.process_time_ns()
        return sum(int(spent.split()[0]) for _, spent in self._read("schedstat"))

    def _read(self, name: str) -> Iterator[tuple[int, str]]:
        for thread in (thread for pid in self._pids for thread in Path("/proc").glob(f"{pid}/task/*")):
            try:
                yield int(thread.name), (thread / name).read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended

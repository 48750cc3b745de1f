"""The clock of a running node is that of the machine."""

from __future__ import annotations

import time

from gateway.foundation.clock import SystemClock


async def test_it_is_the_clock_of_the_machine() -> None:
    """Whole Unix seconds; a monotonic clock that a wait moves on."""
    clock = SystemClock()
    assert abs(clock.now() - time.time()) < 5
    assert isinstance(clock.now(), int)
    before = clock.monotonic()
    await clock.sleep(0.01)
    assert clock.monotonic() - before >= 0.009

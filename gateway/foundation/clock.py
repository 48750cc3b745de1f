"""The clock of a running node. Nothing moves it: tests start the composition root with a clock of their own."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """Implements `gateway.ports.Clock` on the machine's clocks."""

    def now(self) -> int:
        """Wall time in whole Unix seconds."""
        return int(time.time())

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

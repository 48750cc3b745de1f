"""Whether the node can durably accept now: a write that reaches the disk, through the writer that everything uses."""

from __future__ import annotations

import asyncio

from gateway.database import meta
from gateway.database.engine import Store
from gateway.errors import TransientError
from gateway.ports import Clock

PATIENCE = 5.0
"""Seconds after which a write that is not on the disk is none."""
GOOD_FOR = 2.0
"""Seconds for which a finding stands, so that who asks often writes no more often."""


class DurabilityProbe:
    """Writes one small fact and waits until it is on the disk. Those who ask meanwhile get the same answer."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = asyncio.Lock()
        self._found: tuple[float, bool] | None = None

    async def holds(self) -> bool:
        """Whether a write reaches the disk."""
        async with self._lock:
            if self._found is None or self._clock.monotonic() - self._found[0] >= GOOD_FOR:
                held = await self._write()
                self._found = (self._clock.monotonic(), held)
            return self._found[1]

    async def _write(self) -> bool:
        now = str(self._clock.now()).encode()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._store.move(lambda connection: meta.set_meta(connection, "probed", now))
        except (TimeoutError, TransientError):
            return False
        return True

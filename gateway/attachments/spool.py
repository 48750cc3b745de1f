"""Writing one part from its beginning to its end: it is made durable in stretches, while more of it is made."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.ports import Files

STRETCH = 32 * 1024 * 1024
"""Bytes after which the disk is asked to begin: what waits in the memory of the system, and at the end for it."""


class Spool:
    """A part that grows under a name; durable when `finish` has returned."""

    def __init__(self, files: Files, name: str) -> None:
        self._files = files
        self._name = name
        self._at = 0
        self._asked = 0
        self._syncing: asyncio.Future[None] | None = None

    async def put(self, pieces: Sequence[bytes]) -> None:
        """Put these behind what is there. Raises TransientError(disk), also for a stretch of before."""
        data = b"".join(pieces)
        await self._files.put(self._name, self._at, data)
        self._at += len(data)
        if self._at - self._asked >= STRETCH:
            await self._synced()
            self._asked = self._at
            self._syncing = asyncio.ensure_future(self._files.sync(self._name))

    async def finish(self) -> None:
        """Return when all of it is durable. Raises TransientError(disk)."""
        await self._synced()
        await self._files.sync(self._name)

    async def give_up(self) -> None:
        """Wait for what is under way, and take away what is there."""
        await asyncio.gather(self._synced(), return_exceptions=True)
        await self._files.erase([self._name])

    async def _synced(self) -> None:
        if self._syncing is not None:
            await self._syncing
            self._syncing = None

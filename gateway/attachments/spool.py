"""Writing one part from its beginning to its end: it is made durable in stretches, while more of it is made."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from gateway.errors import TransientError
from gateway.ports import PIECE, Files

STRETCH = 32 * 1024 * 1024
"""Bytes after which the disk is asked to begin: what waits in the memory of the system, and at the end for it."""


class Spool:
    """A part that grows under a name; durable when `finish` has returned."""

    def __init__(self, files: Files, name: str) -> None:
        self._files = files
        self._name = name
        self._at = 0
        self._rest = b""
        """What does not fill a piece yet."""
        self._asked = 0
        self._syncing: asyncio.Future[None] | None = None

    async def put(self, pieces: Sequence[bytes]) -> None:
        """Put these behind what is there. Raises TransientError(disk), also for a stretch of before."""
        data = b"".join([self._rest, *pieces])
        whole = len(data) - len(data) % PIECE
        self._rest = data[whole:]
        if not whole:
            return
        await self._files.put(self._name, self._at, data[:whole])
        self._at += whole
        if self._at - self._asked >= STRETCH:
            await self._synced()
            self._asked = self._at
            self._syncing = asyncio.ensure_future(self._files.sync(self._name))

    async def finish(self) -> None:
        """Return when all of it is durable. Raises TransientError(disk)."""
        if self._rest:
            await self._files.put(self._name, self._at, self._rest)
        await self._synced()
        await self._files.sync(self._name)

    async def give_up(self) -> None:
        """Wait for what is under way, and take away what is there; what cannot be taken away now goes with a sweep."""
        await asyncio.gather(self._synced(), return_exceptions=True)
        with suppress(TransientError):
            await self._files.erase([self._name])

    async def _synced(self) -> None:
        if self._syncing is not None:
            await self._syncing
            self._syncing = None

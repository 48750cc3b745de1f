"""Writing one part from its beginning to its end: it is made durable in stretches, while more of it is made."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import TypeAlias

from gateway.errors import TransientError
from gateway.ports import PIECE, Files

Buffer: TypeAlias = bytes | memoryview

STRETCH = 32 * 1024 * 1024
"""Bytes after which the disk is asked to begin: what waits in the memory of the system, and at the end for it."""


class Spool:
    """A part that grows under a name; durable when `finish` has returned."""

    def __init__(self, files: Files, name: str) -> None:
        self._files = files
        self._name = name
        self._at = 0
        self._waiting: list[Buffer] = []
        """What does not fill a piece yet, of so many bytes."""
        self._length = 0
        self._asked = 0
        self._syncing: asyncio.Future[None] | None = None

    async def put(self, pieces: Sequence[bytes]) -> None:
        """Put these behind what is there. Raises TransientError(disk), also for a stretch of before."""
        self._waiting += pieces
        self._length += sum(map(len, pieces))
        if not (data := self._take_whole()):
            return
        await self._files.put(self._name, self._at, data)
        self._at += len(data)
        if self._at - self._asked >= STRETCH:
            await self._synced()
            self._asked = self._at
            self._syncing = asyncio.ensure_future(self._files.sync(self._name))

    async def finish(self) -> None:
        """Return when all of it is durable. Raises TransientError(disk)."""
        if self._length:
            await self._files.put(self._name, self._at, b"".join(self._waiting))
        await self._synced()
        await self._files.sync(self._name)

    async def give_up(self) -> None:
        """Wait for what is under way, and take away what is there; what cannot be taken away now goes with a sweep."""
        await asyncio.gather(self._synced(), return_exceptions=True)
        with suppress(TransientError):
            await self._files.erase([self._name])

    def _take_whole(self) -> bytes:
        """What fills pieces, copied once: what is behind it waits as the end of what was put."""
        rest, kept = self._length % PIECE, deque[Buffer]()
        while rest:
            last = memoryview(self._waiting.pop())
            if len(last) > rest:
                self._waiting.append(last[:-rest])
            kept.appendleft(last[-rest:])
            rest -= len(kept[0])
        data = b"".join(self._waiting)
        self._waiting = [*kept]
        self._length -= len(data)
        return data

    async def _synced(self) -> None:
        if self._syncing is not None:
            await self._syncing
            self._syncing = None

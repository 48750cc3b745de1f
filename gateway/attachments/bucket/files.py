"""Attachments in a bucket, behind `gateway.ports.Files`: a folder of objects for each file, an object for each piece.

A piece is written once, under the name that it keeps, and only if that name is free. So nothing here is ever half
written or written over, any process may go on where another ended, and an answer that was lost is found by asking once
more: what is there already is compared. Some pieces are on their way at a time; `sync` waits for those of a file.

The folder is named as the file, a piece by its number. An object `owner` says whose prefix it is: two nodes that shared
one would each sweep away what the other knows.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence
from functools import partial

from gateway.attachments.bucket.client import Bucket
from gateway.errors import Code, TransientError
from gateway.ports import PIECE

AT_ONCE = 4
"""Pieces on their way to the bucket at a time; so many are in memory."""
OWNER = "owner"
_NAME = re.compile(r"[0-9a-f]{32}")


class BucketFiles:
    """The files of one node; `owner` is its id."""

    def __init__(self, bucket: Bucket, *, owner: str) -> None:
        self._bucket = bucket
        self._owner = owner.encode()
        self._owned = False
        self._room = asyncio.Semaphore(AT_ONCE)
        self._flying: dict[str, dict[int, asyncio.Task[None]]] = {}

    async def put(self, name: str, at: int, data: bytes) -> None:
        """See `gateway.ports.Files`, as for all that follow."""
        _require_ours(name)
        if at % PIECE:
            raise RuntimeError("a piece begins where pieces begin")
        await self._require_owned()
        for start in range(0, len(data), PIECE):
            await self._begin(name, (at + start) // PIECE, data[start : start + PIECE])

    async def sync(self, name: str) -> None:
        """Wait for the pieces of this file that are on their way."""
        flying = self._flying.pop(name, {})
        outcomes = await asyncio.gather(*flying.values(), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    async def get(self, name: str, at: int, most: int) -> bytes:
        """Bytes from `at` on, to the end of their piece."""
        _require_ours(name)
        k, within = divmod(at, PIECE)
        if (flying := self._flying.get(name, {}).get(k)) is not None:
            await asyncio.shield(flying)
        data = await self._bucket.read(_object(name, k), most=PIECE)
        return b"" if data is None else data[within : within + most]

    async def size(self, name: str) -> int:
        """Measure how long it is: up to the first piece that is not there, or is not a whole one."""
        _require_ours(name)
        await asyncio.gather(*self._flying.get(name, {}).values(), return_exceptions=True)
        length = 0
        async for path, size in self._bucket.list_below(name):
            if not length % PIECE and path == _object(name, length // PIECE):
                length += size
        return length

    async def erase(self, names: Sequence[str]) -> None:
        """Take them away with all their pieces."""
        if names:
            await self._require_owned()
        for name in names:
            _require_ours(name)
            await asyncio.gather(*self._flying.pop(name, {}).values(), return_exceptions=True)
            await self._bucket.remove([path async for path, _ in self._bucket.list_below(name)])

    async def names(self) -> Sequence[str]:
        """All there are."""
        await self._require_owned()
        return sorted(name for name in await self._bucket.list_folders() if _NAME.fullmatch(name))

    async def free(self) -> int:
        """Nobody can say how much a bucket takes; one that is full refuses."""
        return sys.maxsize

    async def _begin(self, name: str, k: int, data: bytes) -> None:
        """Send a piece on its way, once fewer than `AT_ONCE` are."""
        await self._room.acquire()
        before = self._flying.get(name, {}).get(k)
        task = asyncio.create_task(self._write(name, k, data, before))
        task.add_done_callback(partial(self._arrived, name, k))
        self._flying.setdefault(name, {})[k] = task

    def _arrived(self, name: str, k: int, task: asyncio.Task[None]) -> None:
        """Forget a piece that is there; one that failed is kept until `sync` tells of it."""
        self._room.release()
        if not task.cancelled() and task.exception() is None and self._flying.get(name, {}).get(k) is task:
            del self._flying[name][k]
            if not self._flying[name]:
                del self._flying[name]

    async def _write(self, name: str, k: int, data: bytes, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.gather(before, return_exceptions=True)
        if (await self._bucket.create(_object(name, k), data)).new:
            return
        # It was written before: by whom was killed before it was counted, or by a try whose answer was lost.
        if await self._bucket.read(_object(name, k), most=PIECE) != data:
            raise TransientError(
                Code.CONFLICT,
                "the bucket holds other bytes under the name of this piece; they were left as they are",
                hint="add the file again",
            )

    async def _require_owned(self) -> None:
        """Return if the prefix is this node's, or nobody's yet."""
        if self._owned:
            return
        if not (await self._bucket.create(OWNER, self._owner)).new:
            found = await self._bucket.read(OWNER, most=PIECE)
            if found != self._owner:
                raise TransientError(
                    Code.WRONG_NODE,
                    "the prefix in the bucket is another node's; nothing was written or taken away there",
                    hint="name a prefix of its own in attachments.url of node.toml",
                )
        self._owned = True


def _object(name: str, k: int) -> str:
    return f"{name}/{k:06x}"


def _require_ours(name: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise RuntimeError("not a name of ours")

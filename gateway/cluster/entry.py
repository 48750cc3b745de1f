"""How a worker begins a transaction that writes: behind every other worker, and with nothing out of date in memory.

One row is locked for the length of the transaction, so that the workers of a node write one after another, as the one
writer of a single process does: what a move compares is what is there when it is committed. Each group of moves is one
transaction, so a worker with much to write does not wait more often than one with little.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Final

from sqlalchemy import Connection, bindparam, select

from gateway.cluster import store
from gateway.database.engine import Store
from gateway.database.functions import database_ms
from gateway.database.kinds.several_workers import enter
from gateway.database.prepared import Prepared
from gateway.database.tables import lease
from gateway.database.writing.leading import BehindError, Lease, LeaseLostError
from gateway.errors import Code, GatewayError, TransientError

PATIENCE: Final = 30.0
"""Seconds for reading again what another worker changed."""
LOOK: Final = 0.2
TRIES: Final = 20
"""Times in a row that it may be out of date again as soon as it was read."""
_HELD = Prepared(
    select(lease.c.what, lease.c.fence).where(lease.c.holder == bindparam("holder"), lease.c.until > database_ms())
)


class SharedEntry:
    """Implements `gateway.database.writing.leading.Entry` for one worker among several.

    `refresh` reads again all that this worker has in memory of what is in the database; it runs on `loop`.
    """

    def __init__(self, id: str, rows: Store, refresh: Callable[[], Awaitable[None]], pictures: int) -> None:
        """`pictures` is the count of changes up to which this worker has read; to be made in its event loop."""
        self._id = id
        self._store = rows
        self._refresh = refresh
        self._pictures = pictures
        self._loop = asyncio.get_running_loop()
        self._reading = asyncio.Lock()
        self._behind = 0
        self._ended = False
        self.read = asyncio.Event()
        """Set when something was read again."""

    @property
    def pictures(self) -> int:
        """The count of changes up to which this worker has read."""
        return self._pictures

    def begin(self, connection: Connection, leases: Collection[Lease]) -> None:
        """See `Entry`."""
        pictures = enter(connection)
        if leases:
            held = dict(_HELD.rows(connection, holder=self._id))
            for one in leases:
                if held.get(one.what) != one.fence:
                    raise LeaseLostError(one.what)
        if pictures != self._pictures:
            raise BehindError
        self._behind = 0

    def catch_up(self) -> None:
        """See `Entry`."""
        self._behind += 1
        if self._behind > TRIES:
            self._behind = 0
            raise TransientError(Code.LOCKED, "other workers change too much at once; nothing was changed")
        reading = asyncio.run_coroutine_threadsafe(self.read_again(), self._loop)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return reading.result(LOOK)
            except (TimeoutError, CancelledError) as exc:
                if self._ended or time.monotonic() > end:
                    reading.cancel()
                    raise TransientError(Code.DISK, "what another worker changed cannot be read now") from exc

    async def read_again(self) -> None:
        """Read again what this worker has in memory, where somebody changed it since."""
        async with self._reading:
            _, pictures = await self._store.read(store.counters)
            if pictures != self._pictures:
                await self._refresh()
                self._pictures = pictures
                self.read.set()

    async def look(self) -> None:
        """Do the same where nobody waits for it: what cannot be read now is looked for again."""
        with suppress(GatewayError):
            await self.read_again()

    def end(self) -> None:
        """The event loop goes: wait for it no more."""
        self._ended = True

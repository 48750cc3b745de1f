"""Storage epochs: the keys that wrap every data key, changed in time and at once after an erasure (nrm1 13.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from sqlalchemy import Connection

from gateway.conversations.loader import ConversationLoader
from gateway.database import content, journal, meta
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.erasure.erased_receipts import ErasureReceipts
from gateway.errors import Code
from gateway.foundation.chores import DAY, HOUR, MINUTE, Chore
from gateway.foundation.logs import logger
from gateway.identity.machines import change_keys, record_generation
from gateway.identity.node_keys import NodeKeys
from gateway.peers.confirmed_time import ConfirmedTime
from gateway.ports import Clock
from keys.keystore.key_changes import BeginEpoch, FinishEpoch

REWRAP_BATCH = 1_000
ENDS = "epoch_ends"
"""The fact of the database that says which storage epoch was in force when people or a peer last had something erased.
It ends at once, and where a kill, a full disk or a key service that is away comes between, as soon as that is over.
"""


class _RowsLeftError(Exception):
    """Another machine has stored something under the epoch that was to go."""


class StorageEpochs:
    """Begins storage epochs and ends those before; one rotation at a time."""

    def __init__(
        self,
        *,
        store: Store,
        keys: NodeKeys,
        receipts: ErasureReceipts,
        loader: ConversationLoader,
        time: ConfirmedTime,
        epoch_days: int,
        clock: Clock,
    ) -> None:
        self._store = store
        self._keys = keys
        self._receipts = receipts
        self._loader = loader
        self._time = time
        self._epoch_days = epoch_days
        self._clock = clock
        self._log = logger()
        self._rotating = asyncio.Lock()

    @property
    def current(self) -> int:
        """The number of the epoch that wraps what is sealed now."""
        return self._keys.epoch

    def chores(self) -> Sequence[Chore]:
        """Begin a new epoch when it is due; end a rotation that was cut off."""
        return (
            Chore("storage epoch", HOUR, self.rotate_if_due),
            Chore("unfinished rotation", MINUTE, self.finish_rotation),
        )

    async def rotate_if_due(self) -> None:
        """A new storage epoch once a week or as often as is set (nrm1 13.2); at once for one that begins in a future
        that was taken back.
        """
        age = self._clock.now() - self._keys.epoch_made
        if age >= self._epoch_days * DAY or age < -DAY:
            await self.rotate()

    async def rotate(self) -> None:
        """New epoch key on disk beside the old one; every data key wrapped anew; the old epoch key destroyed.

        Raises:
            RefusedError: clock, while the time is not confirmed; no epoch was begun or destroyed.
        """
        await self._time.require("no key was destroyed")
        async with self._rotating:
            await self._rotate()

    async def end_erased(self) -> None:
        """Rotate where the epoch in which somebody had something erased has not ended since.

        Raises:
            RefusedError: as ``rotate``.
        """
        if await self._store.read(self._is_ending):
            await self._time.require("no key was destroyed")
            async with self._rotating:
                if await self._store.read(self._is_ending):  # another task may have ended it meanwhile
                    await self._rotate()

    def _is_ending(self, connection: Connection) -> bool:
        return _ending(connection) >= self._keys.epoch

    async def _rotate(self) -> None:
        await change_keys(self._store, self._keys, BeginEpoch(self._clock.now()), clock=self._clock)
        await self._finish_rotation()

    async def finish_rotation(self) -> None:
        """End a rotation that was cut off, by a full disk or a kill: restartable at every point. It destroys a key, so
        it waits for the time to be confirmed (nrm1 12.17).
        """
        if self._keys.old_epochs and await self._time.is_confirmed():
            async with self._rotating:
                await self._finish_rotation()

    async def _finish_rotation(self) -> None:
        """Wrap what still names an older epoch, in batches, then destroy that epoch. One at a time: a second one would
        destroy the epoch that the first has just begun to wrap anew.
        """
        if not self._keys.old_epochs:
            return
        epoch = self._keys.epoch
        for old in self._keys.old_epochs:
            await self._finish(old, epoch)
        self._loader.forget()  # what did not open to be wrapped anew is closed for ever
        now = self._clock.now()

        def move(connection: Connection) -> None:
            record_generation(connection, self._keys, at=now)
            journal.append_leaf(connection, leaf(now, "epoch.rotated", epoch=epoch))

        await self._store.move(move)
        await self._receipts.tell()

    async def _finish(self, old: int, epoch: int) -> None:
        """Wrap what still names epoch `old` under `epoch`, and destroy `old`. Another machine may have stored something
        under it since: then that is wrapped anew first. From the transaction that says so on, none does.
        """
        while True:
            while await self._rewrap(epoch):
                pass
            await self._store.checkpoint(truncate=True)
            with suppress(_RowsLeftError):
                change, within = FinishEpoch(old), partial(_close, epoch=old)
                return await change_keys(self._store, self._keys, change, clock=self._clock, within=within)

    def _rewrapped(self, connection: Connection, rows: Sequence[tuple[int, int, bytes]]) -> list[tuple[int, bytes]]:
        """Data keys under the newest epoch. One that does not open stays as it is, closed for ever, and is told to a
        person: the rotation and the node go on.
        """
        done = self._keys.rewrap([(ref.to_bytes(8, "big"), old, blob) for ref, old, blob in rows])
        for (ref, _, _), blob in zip(rows, done, strict=True):
            if blob is None:
                self._log.error("epoch.damaged", code=str(Code.UNDECRYPTABLE), ref=ref)
                journal.raise_alarm(connection, at=self._clock.now(), kind="content.damaged", ref=ref)
        return [(ref, old if new is None else new) for (ref, _, old), new in zip(rows, done, strict=True)]

    async def _rewrap(self, epoch: int) -> int:

        def move(connection: Connection) -> int:
            rows = content.keys_not_of(connection, epoch, REWRAP_BATCH)
            content.rewrap(connection, epoch, self._rewrapped(connection, rows))
            return len(rows)

        return await self._store.move(move)


def end_with(connection: Connection, epoch: int) -> None:
    """Note that the storage epoch has to end, whichever was noted before."""
    meta.set_meta(connection, ENDS, str(max(epoch, _ending(connection))).encode())


def _ending(connection: Connection) -> int:
    return int(meta.get_meta(connection, ENDS) or b"0")


def _close(connection: Connection, *, epoch: int) -> None:
    if not content.close_epoch(connection, epoch):
        raise _RowsLeftError

"""What erasure does again and again: what may be kept no longer goes, and what peers asked is followed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection

from gateway.database import journal, meta
from gateway.database.engine import Store
from gateway.erasure.case_system import CaseSystemEraser
from gateway.erasure.erase import Eraser
from gateway.erasure.erased_receipts import ErasureReceipts
from gateway.erasure.peer_requests.confirm import RequestConfirmer
from gateway.erasure.peer_requests.execute import RequestExecutor
from gateway.erasure.peer_requests.forward import RequestForwarder
from gateway.erasure.retention import RETAINED, Retention
from gateway.erasure.storage_epochs import StorageEpochs
from gateway.foundation.chores import DAY, HOUR, MINUTE, Chore
from gateway.peers.confirmed_time import ConfirmedTime
from gateway.peers.reset_rows import all_closed
from gateway.ports import Clock

WAITS_SINCE = "erasure_waits"
"""The fact of the database that says since when erasing waits, by the clock that is in doubt; empty for not."""


class ErasureChores:
    """Runs retention once a day, the steps by which requests of peers are followed, and what comes after an erasure."""

    def __init__(
        self,
        *,
        store: Store,
        eraser: Eraser,
        case_system: CaseSystemEraser,
        receipts: ErasureReceipts,
        retention: Retention,
        forwarder: RequestForwarder,
        executor: RequestExecutor,
        confirmer: RequestConfirmer,
        epochs: StorageEpochs,
        time: ConfirmedTime,
        clock: Clock,
    ) -> None:
        self._store = store
        self._eraser = eraser
        self._case_system = case_system
        self._receipts = receipts
        self._retention = retention
        self._forwarder = forwarder
        self._executor = executor
        self._confirmer = confirmer
        self._epochs = epochs
        self._time = time
        self._clock = clock

    def chores(self) -> Sequence[Chore]:
        """Follow requests; follow the rules, which may take hours; go on with what was erased."""
        return (
            Chore("erasure requests", MINUTE, self.follow_requests),
            Chore("retention", HOUR, self.follow_rules),
            Chore("erase", HOUR, self.erase),
        )

    async def follow_rules(self) -> None:
        """Once a day what may be kept no longer goes.

        Nothing of it happens while the time is not confirmed; a day that was missed so is told to a person. By a rule
        nothing goes from a node that was put back before its first link is begun anew: holds that were placed since are
        not here, and people place them again before that.
        """
        now = self._clock.now()
        today = str(now // DAY).encode()
        if not await self._time.is_confirmed():
            await self._store.move(partial(_tell_waiting, now=now))
            return
        if await self._store.read(lambda c: meta.get_meta(c, RETAINED) != today and not all_closed(c)):
            await self._retention.run(rests=True)
            await self._store.move(partial(_tell_done, today=today, now=now))

    async def erase(self) -> None:
        """Go on with what was erased: names of local records are forgotten, also where the node ended before that; and
        once the time is confirmed the case system is asked, files without a key go, and the senders are told.
        """
        if not await self._time.is_confirmed():
            await self._eraser.forget_names()
            return
        await self._case_system.ask()
        await self._eraser.clean()
        await self._receipts.tell()

    async def follow_requests(self) -> None:
        """Tell on what peers asked, follow it at its time and answer it. By following one the storage epoch ends at
        once, as by a person's act: no copy of the data keys can be opened. Where it could not end then, it does now.
        None is followed or answered while the time is not confirmed; that somebody asked is told on all the same.
        """
        await self._forwarder.spread()
        if not await self._time.is_confirmed():
            return
        if await self._executor.follow():
            await self._epochs.rotate()
        await self._confirmer.answer()
        await self._epochs.end_erased()  # the last: what fails here keeps nobody from being answered


def _tell_waiting(connection: Connection, *, now: int) -> None:
    """Erasing waits for the clock: a person hears of it after a day."""
    since = meta.get_meta(connection, WAITS_SINCE) or b""
    if not since:
        meta.set_meta(connection, WAITS_SINCE, str(now).encode())
    elif abs(now - int(since)) >= DAY:
        journal.raise_alarm(connection, at=now, kind="erasure.waits")


def _tell_done(connection: Connection, *, today: bytes, now: int) -> None:
    meta.set_meta(connection, RETAINED, today)
    meta.set_meta(connection, WAITS_SINCE, b"")
    journal.close_alarms(connection, "erasure.waits", at=now)

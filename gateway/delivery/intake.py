"""Collecting: records of the case system become drafts that wait for a person. Nothing is sent from here
(nrm1 12.9).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from gateway.database import journal
from gateway.database.engine import Store
from gateway.delivery.record_drafts import RecordDrafter
from gateway.errors import RefusedError, TransientError
from gateway.foundation.logs import logger
from gateway.maintenance.mode import MaintenanceMode
from gateway.messages.store import local
from gateway.ports import Adapter, BulkSettler, Clock, LocalRecord, Notice

WAITING = local.WAITING
REPLACED = local.REPLACED
RELEASED = "released"
DISCARDED = "discarded"

PATIENCE = 600
"""Seconds for which nothing could be collected until a person is told."""
AT_ONCE = 64
"""Records of one transaction: what a kill takes back, and what others who write wait for."""
TELL_EVERY = 5.0
"""Seconds between two lines in the log about a long collection."""


class Intake:
    """The loop that looks into the case system."""

    def __init__(
        self,
        *,
        store: Store,
        maintenance: MaintenanceMode,
        clock: Clock,
        adapter: Adapter,
        drafter: RecordDrafter,
        seconds: int,
    ) -> None:
        self._store = store
        self._maintenance = maintenance
        self._clock = clock
        self._adapter = adapter
        self._drafter = drafter
        self._seconds = seconds
        self._failing: float | None = None
        self._told = False
        self._done, self._said = 0, clock.monotonic()
        self._log = logger()

    async def run(self) -> None:
        """Look every so many seconds until cancelled."""
        while True:
            if pause := self._maintenance.seconds_left():
                await self._clock.sleep(min(pause, self._seconds))
                continue  # the records lie where they are
            self._done, self._said = 0, self._clock.monotonic()
            try:
                while await self.once():
                    pass
                self._failing = None
            except (TransientError, RefusedError) as error:
                self._log.warning("collect.failed", code=str(error.code))
                with suppress(TransientError):
                    await self._failed()
            await self._clock.sleep(self._seconds)

    async def _failed(self) -> None:
        """A case system that shows nothing for long is told to a person, once until it is there again."""
        tick = self._clock.monotonic()
        if self._failing is None:
            self._failing, self._told = tick, False
        if not self._told and tick - self._failing >= PATIENCE:
            now = self._clock.now()
            await self._store.move(lambda c: journal.raise_alarm(c, at=now, kind="adapter.busy"))
            self._told = True

    async def once(self) -> int:
        """Take the records that are ready, some at a time; returns how many.

        Raises TransientError, at the end, where files of one of them could not be read now, or it was erased or taken
        meanwhile: the others are taken.
        """
        records = await self._adapter.pull()
        kind = self._adapter.describe().kind
        later: TransientError | None = None
        for some in _in_turn(records):
            taken: list[tuple[LocalRecord, Notice]] = []
            for record, outcome in zip(some, await self._drafter.take(kind, some), strict=True):
                if isinstance(outcome, TransientError):
                    later = outcome
                else:
                    taken.append((record, outcome))
            await settle_all(self._adapter, taken)
            self._tell_progress(len(taken))
        if later is not None:
            raise later
        return len(records)

    def _tell_progress(self, more: int) -> None:
        self._done += more
        tick = self._clock.monotonic()
        if tick - self._said >= TELL_EVERY:
            self._log.info("collect.progress", n=self._done)
            self._said = tick


async def settle_all(adapter: Adapter, outcomes: Sequence[tuple[LocalRecord, Notice]]) -> None:
    """Settle each of these, at once where the adapter can."""
    if isinstance(adapter, BulkSettler):
        await adapter.settle_all(outcomes)
        return
    for record, notice in outcomes:
        await adapter.settle(record, notice)


def _in_turn(records: Iterable[LocalRecord]) -> Iterator[list[LocalRecord]]:
    """Divide records into batches, in their order; a record that stands there twice is not twice in one batch."""
    some: dict[str, LocalRecord] = {}
    for record in records:
        if len(some) == AT_ONCE or record.ref in some:
            yield list(some.values())
            some = {}
        some[record.ref] = record
    if some:
        yield list(some.values())

"""Which duties this worker does now: it takes leases, keeps them by a sign every two seconds, and stops when one is
lost.

A duty that was lost is cancelled here as soon as this worker notices. That it has not noticed yet harms nothing: what
it still writes is compared with its lease in the transaction (`gateway.database.writing.leading`).
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from gateway.cluster import rules, store
from gateway.database.engine import Store
from gateway.database.writing.leading import LEADING, Lease, LeaseLostError
from gateway.errors import GatewayError
from gateway.foundation.logs import logger

Work = Callable[[], Coroutine[Any, Any, None]]
WATCH = 0.25
"""Seconds between looks at whether the leases of this worker still count."""


class Duties(Protocol):
    """Who does what one worker of a node does for all."""

    async def lead(self, what: str, work: Work) -> None:
        """Do `work`, which goes on until it is cancelled, whenever this worker leads `what`. Raises what it raises."""
        ...


class OnlyWorker:
    """Implements `Duties` for a node that is one process."""

    async def lead(self, what: str, work: Work) -> None:
        """See `Duties`: always."""
        await work()


class _Duty:
    """A duty of which this worker knows."""

    def __init__(self) -> None:
        self.lease: Lease | None = None
        self.changed = asyncio.Event()

    def lead(self, lease: Lease | None) -> None:
        self.lease = lease
        self.changed.set()


class Leadership:
    """Implements `Duties` for one worker among several."""

    def __init__(self, rows: Store, id: str, now: Callable[[], int], another_went: Callable[[], None]) -> None:
        """`now` is the clock of this machine, Unix milliseconds; `another_went` is called when another worker is there
        no more, however it went.
        """
        self._store = rows
        self._id = id
        self._now = now
        self._another_went = another_went
        self._alive = frozenset[str]()
        self._duties: dict[str, _Duty] = {}
        self._until = 0.0
        self._log = logger()

    @property
    def leads(self) -> list[str]:
        """What this worker leads now, as far as it knows."""
        return sorted(what for what, duty in self._duties.items() if duty.lease is not None)

    async def lead(self, what: str, work: Work) -> None:
        """See `Duties`."""
        duty = self._duties[what] = _Duty()
        try:
            while True:
                await duty.changed.wait()
                duty.changed.clear()
                if duty.lease is not None:
                    await self._work(duty, duty.lease, work)
        finally:
            del self._duties[what]

    async def _work(self, duty: _Duty, lease: Lease, work: Work) -> None:
        """Do it under this lease until it is lost or left; then another may have it."""
        context = contextvars.copy_context()
        context.run(LEADING.set, lease)
        task = asyncio.get_running_loop().create_task(work(), name=lease.what, context=context)
        try:
            while duty.lease == lease and not task.done():
                changed = asyncio.ensure_future(duty.changed.wait())
                await asyncio.wait({task, changed}, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
                duty.changed.clear()
        finally:
            ended = task.done()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if ended:
            with suppress(LeaseLostError):
                task.result()
                return
        self._log.info("duty.left", kind=lease.what.partition(" ")[0], n=lease.fence)
        if duty.lease == lease:
            duty.lead(None)
        with suppress(GatewayError):  # what is not given up runs out
            await self._store.move(lambda c: store.give_up(c, lease, self._id))
        duty.changed.set()  # what is led by now is looked at once more

    async def run(self) -> None:
        """Keep and take leases until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch(), name="leases watched")
            while True:
                try:
                    await self.beat()
                except GatewayError as error:
                    self._log.warning("worker.unseen", code=str(error.code))
                await asyncio.sleep(rules.BEAT)

    async def beat(self) -> None:
        """Give a sign, keep what is led, take what is free, leave what is another's share. Raises TransientError."""
        sent = time.monotonic()
        leads = self.leads
        off, kept = await self._store.move(lambda c: store.beat(c, self._id, self._now(), leads))
        self._until = sent + (rules.LIFE - rules.MARGIN) / 1_000
        for what, duty in self._duties.items():
            if duty.lease is not None and kept.get(what) != duty.lease.fence:
                duty.lead(None)
        may = rules.may_lead(off)
        if not may:
            self._log.error("worker.clock", seconds=off // 1_000)
        before, self._alive = self._alive, await self._store.read(store.find_alive)
        if before - self._alive:
            self._another_went()
        alive = len(self._alive)
        held = self.leads
        for what in held if not may else rules.to_give_up(self._duties, held, alive):
            self._duties[what].lead(None)  # who does it ends it, and gives the lease up
        if may:
            await self._take(sorted(set(self._duties) - set(held)), rules.fair_share(len(self._duties), alive))

    async def _take(self, wanted: list[str], share: int) -> None:
        for what in wanted:
            patient = len(self.leads) >= share
            lease = await self._store.move(partial(store.claim, what=what, id=self._id, patient=patient))
            duty = self._duties.get(what)
            if lease is not None and duty is not None:
                self._log.info("duty.taken", kind=what.partition(" ")[0], n=lease.fence)
                duty.lead(lease)

    async def _watch(self) -> None:
        """Stop by itself what may be another's by now, also while the database does not answer."""
        while True:
            await asyncio.sleep(WATCH)
            if time.monotonic() > self._until:
                for duty in self._duties.values():
                    if duty.lease is not None:
                        duty.lead(None)

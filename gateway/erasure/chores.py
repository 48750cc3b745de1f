"""What erasure does again and again: what may be kept no longer goes, and what peers asked is followed."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.database import meta
from gateway.database.engine import Store
from gateway.erasure.erase import Eraser
from gateway.erasure.peer_requests.confirm import RequestConfirmer
from gateway.erasure.peer_requests.execute import RequestExecutor
from gateway.erasure.peer_requests.forward import RequestForwarder
from gateway.erasure.retention import RETAINED, Retention
from gateway.erasure.storage_epochs import StorageEpochs
from gateway.foundation.chores import DAY, HOUR, MINUTE, Chore
from gateway.ports import Clock


class ErasureChores:
    """Runs retention once a day, and the steps by which requests of peers are followed."""

    def __init__(
        self,
        *,
        store: Store,
        eraser: Eraser,
        retention: Retention,
        forwarder: RequestForwarder,
        executor: RequestExecutor,
        confirmer: RequestConfirmer,
        epochs: StorageEpochs,
        clock: Clock,
    ) -> None:
        self._store = store
        self._eraser = eraser
        self._retention = retention
        self._forwarder = forwarder
        self._executor = executor
        self._confirmer = confirmer
        self._epochs = epochs
        self._clock = clock

    def chores(self) -> Sequence[Chore]:
        """Follow requests; erase."""
        return Chore("erasure requests", MINUTE, self.follow_requests), Chore("erase", HOUR, self.erase)

    async def erase(self) -> None:
        """Once a day what may be kept no longer goes; what a case system or a sender has not heard yet is told on."""
        today = str(self._clock.now() // DAY).encode()
        if await self._store.read(lambda c: meta.get_meta(c, RETAINED)) != today:
            await self._retention.run()
            await self._store.move(lambda c: meta.set_meta(c, RETAINED, today))
        await self._eraser.ask()
        await self._eraser.clean()
        await self._eraser.tell()

    async def follow_requests(self) -> None:
        """Tell on what peers asked, follow it at its time and answer it. By following one the storage epoch ends at
        once, as by a person's act: no copy of the data keys can be opened.
        """
        await self._forwarder.spread()
        if await self._executor.follow():
            await self._epochs.rotate()
        await self._confirmer.answer()

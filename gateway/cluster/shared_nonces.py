"""The nonces of signed requests that any worker of a node has seen (nrm1 9.13)."""

from __future__ import annotations

from gateway.cluster import store
from gateway.database.engine import Store
from gateway.federation.nonces import HELD
from gateway.federation.signatures import VerifiedRequest
from gateway.foundation.chores import MINUTE, Chore
from gateway.ports import Clock


class NoncesOfWorkers:
    """Implements `gateway.federation.nonces.SharedNonces`."""

    def __init__(self, rows: Store, began: int, clock: Clock) -> None:
        self.began = began
        self._store = rows
        self._clock = clock

    async def admit(self, request: VerifiedRequest, now: int) -> bool:
        """See `SharedNonces`."""
        key = f"{request.node}:{request.kid}:{request.nonce}"
        return await self._store.move_together(store.admit, (key, now + HELD))

    def chores(self) -> tuple[Chore, ...]:
        """Forget what would be refused as late."""
        return (Chore("nonces", MINUTE, self._forget),)

    async def _forget(self) -> None:
        now = self._clock.now()
        await self._store.move(lambda c: store.forget_nonces(c, now))

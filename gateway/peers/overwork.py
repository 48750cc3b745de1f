"""Telling people of a peer that uses up its budget of work (threat 101): once per peer and hour, with numbers only.

The listener counts what it turned away; a chore tells of it. The alarm ends by itself an hour after the last of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.engine import Store
from gateway.foundation.chores import HOUR, MINUTE, Chore
from gateway.foundation.ids import NodeId
from gateway.foundation.logs import logger
from gateway.ports import Clock


class Overwork:
    """Counts the requests of each peer that found its budget used up, and tells of them."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._refused: Counter[NodeId] = Counter()
        self._last: dict[NodeId, float] = {}
        self._told: dict[NodeId, float] = {}

    def chores(self) -> Sequence[Chore]:
        """Tell what was counted."""
        return (Chore("overwork", MINUTE, self.tell, leader=False),)

    def refused(self, peer: NodeId) -> None:
        """Count a request of a proven peer that was turned away because its budget is used up."""
        self._refused[peer] += 1
        self._last[peer] = self._clock.monotonic()

    async def tell(self) -> None:
        """Raise the alarm about each peer of which nobody was told within the hour; end those that are over."""
        now = self._clock.monotonic()
        for peer in [peer for peer in self._refused if now - self._told.get(peer, now - HOUR) >= HOUR]:
            logger().warning("peer.overworked", peer=peer, count=self._refused.pop(peer))
            self._told[peer] = now
            await self._store.move(partial(self._raise, peer=peer))
        for peer in [peer for peer in self._told if now - self._last[peer] >= HOUR]:
            del self._told[peer], self._last[peer]
            await self._store.move(partial(self._end, peer=peer))

    def _raise(self, connection: Connection, *, peer: NodeId) -> None:
        journal.raise_alarm(connection, at=self._clock.now(), kind="peer.overworked", peer=peer)

    def _end(self, connection: Connection, *, peer: NodeId) -> None:
        journal.close_alarms(connection, "peer.overworked", at=self._clock.now(), peer=peer)

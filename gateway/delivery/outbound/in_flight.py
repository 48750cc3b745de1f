"""Requests to one peer: how many are in flight, what waits for them (nrm1 12.19), and which messages come next.

A message gets its local number before it is stored, and another worker of this node numbers by a clock of its own. So
one with a lower number may be stored after one with a higher number was taken. Whoever was woken looks for those too:
where the pass went on by the highest number alone, such a message waited until the pass was over, which under a load
that does not stop took seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.database.engine import Store
from gateway.delivery.outbound.departure import TRIES, Departure, Ready
from gateway.delivery.outbound.exchange import Exchange, requests
from gateway.delivery.outbound.reach import Reach
from gateway.foundation.ids import NodeId
from gateway.messages.store import messages
from keys.documents.envelope import MOST_ENVELOPES

IN_FLIGHT = 3
"""Requests to one peer at a time: enough to keep both sides busy over real round-trip times."""

PARTIAL = 2
"""Of them, those behind which one that is not full waits: while the peer works on one, the next is made here. What
gathers meanwhile shares its signature, its commit and its round trip."""

ROUND_TRIP = 5.0
"""Seconds at most in which a withdrawal waits for what is in flight and may rely on its consent (nrm1 12.19)."""


async def answered(flying: set[asyncio.Future[None]]) -> set[asyncio.Future[None]]:
    """Wait for all of them, one round trip at most; raises what one of them raised; returns those that are left."""
    done, rest = await asyncio.wait(flying, timeout=ROUND_TRIP)
    for task in done:
        task.result()
    return rest


async def first_of(flying: set[asyncio.Future[None]]) -> set[asyncio.Future[None]]:
    """Wait for one to end; raises what it raised; returns the others."""
    done, rest = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    return rest


class OutboxPass:
    """One pass through the outbox of a peer: each message that waits is taken once, those with lower numbers first.
    `full` says that the last ones were as many as go in one request, so that others may be behind them.
    """

    def __init__(self, store: Store, node: NodeId) -> None:
        self.full = False
        self._store = store
        self._node = node
        self._after = 0
        self._taken: set[int] = set()

    def take(self, refs: Sequence[int]) -> None:
        """Take these messages, in the order of their numbers: they do not come again in this pass."""
        self.full = len(refs) == MOST_ENVELOPES
        self._after = max(self._after, refs[-1])
        self._taken.update(refs)

    async def find_next(self, *, late: bool = False) -> list[int]:
        """Find the numbers of the next messages, as many as go in one request; with `late` also of those that were
        stored behind one that was taken.
        """
        after = self._store.numbers.lowest_stored_behind(self._after) if late else self._after
        most = MOST_ENVELOPES + (len(self._taken) if late else 0)
        found = await self._store.read(lambda c: messages.due(c, self._node, after, most))
        new = [ref for ref in found if ref not in self._taken][:MOST_ENVELOPES]
        if late:  # what was taken and has left the outbox does not come again
            last, waits = found[-1] if found else self._after, {*found}
            self._taken = {ref for ref in self._taken if ref in waits or ref > last}
        self.full = len(new) == MOST_ENVELOPES
        return new


class Requests:
    """Makes messages ready and shows them to one peer. `numbering` is held while numbers are looked up and used."""

    def __init__(self, *, departure: Departure, exchange: Exchange, reach: Reach, numbering: asyncio.Lock) -> None:
        self._departure = departure
        self._exchange = exchange
        self._reach = reach
        self._numbering = numbering

    async def depart(self, refs: Sequence[int]) -> list[Ready]:
        """These, ready to go; one that may go no longer is asked about in the next round."""
        async with self._numbering:
            ready = await self._departure.depart(await self._reach.told(), refs)
        if not ready:  # the peer is there, and nothing that waits may go
            await self._exchange.recovered()
        self._exchange.again = self._exchange.again or (len(ready) < len(refs) and self._reach.held() is None)
        return ready

    async def show(self, request: Sequence[Ready], *, tries: int = TRIES) -> None:
        """Show the peer one request. Where people have decided something meanwhile it is judged anew, at once; the next
        round does that where they decide each time.
        """
        if await self._exchange.ask(request):
            return
        if not tries:
            self._exchange.again = True
            return
        for again in requests(await self.depart([item.row.ref for item in request])):
            await self.show(again, tries=tries - 1)

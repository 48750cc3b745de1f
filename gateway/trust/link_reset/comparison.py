"""Whether this database is as new as what each peer has seen of it, asked once in each life of the node (nrm1 5.15).

A disk that lost its last writes, a machine that was put back: the node does not know what it forgot, and a number that
it gave away again would be taken for fraud. A peer knows which of our numbers it holds, and for which of its own it
holds our receipts. So nothing is numbered for a peer, and nothing of it is judged where it can be asked, before the two
have compared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from sqlalchemy import Connection

from gateway.database.engine import Store
from gateway.errors import Code, GatewayError, TransientError
from gateway.foundation.chores import MINUTE, Chore
from gateway.foundation.ids import NodeId
from gateway.foundation.logs import logger
from gateway.messages.store import links
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.peers.link import PeerLink
from gateway.peers.link_reset_state import ResetState, Standing, begins_anew, is_older
from gateway.peers.registry import Peer, address
from gateway.peers.scope import listens
from gateway.ports import Clock
from gateway.trust.link_reset.decisions import mark_link_older
from keys.documents.link_reset import LinkRecord
from keys.primitives.encoding import parse

PACE: Final = 15
"""Seconds between looks which peers were not asked yet."""
TO_ASK: Final = 10 * MINUTE
"""Seconds in which a peer that begins a link anew asks for it; it does so every few seconds while this node is there.
"""
PATIENCE: Final = 2.0
"""Seconds for which what a peer sends waits for the peer's own answer."""


class LinkComparison:
    """Compares each link with what its peer holds of it, until that was done once.

    `since` is the time of the last entry of the database when it was opened: what it forgot is newer.
    """

    def __init__(self, *, store: Store, link: PeerLink, wakeups: Wakeups, events: EventStream, clock: Clock) -> None:
        self._store = store
        self._link = link
        self._wakeups = wakeups
        self._events = events
        self._clock = clock
        self.since = 0
        self._compared: set[NodeId] = set()
        self._tried: dict[NodeId, float] = {}
        self._anew: dict[NodeId, float] = {}
        self._asking: dict[NodeId, asyncio.Lock] = {}

    def chores(self) -> Sequence[Chore]:
        """Ask every peer that was not asked since the start."""
        return (Chore("link comparison", PACE, self.press),)

    async def press(self) -> None:
        """Ask those that were not asked yet; one that does not answer is asked again."""
        for peer in self._link.registry.all():
            with suppress(GatewayError):
                await self.require(peer)

    async def try_with(self, node: NodeId) -> None:
        """Compare before something of this peer is judged, as far as the peer can be asked: one that sends and does not
        answer is not kept out, since a hole in its numbers is told anyway (nrm1 5.3).
        """
        peer = self._link.registry.get(node)
        if peer is None or peer.node in self._compared:
            return
        if self._clock.monotonic() - self._tried.get(peer.node, -MINUTE) < MINUTE:
            return
        self._tried[peer.node] = self._clock.monotonic()
        with suppress(GatewayError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self.require(peer)

    async def require(self, peer: Peer) -> None:
        """Compare if that was not done in this life of the node.

        Raises:
            TransientError, RemoteError: the peer does not say what it holds; nothing was compared.
        """
        if not listens(peer.state):
            return
        async with self._asking.setdefault(peer.node, asyncio.Lock()):
            row = self._link.registry.reset(peer.node)
            if peer.node in self._compared or (row is not None and (row.state != ResetState.OPEN or row.offer)):
                return  # people decide about this link already
            answered = await self._link.client.get_link(address(peer.descriptor))
            if answered.status != 200:
                raise TransientError(Code.UNREACHABLE, "the peer does not say what it holds of the link")
            told = LinkRecord.from_json(parse(answered.body, limit=4_096))
            # Read after its answer: what the peer can have seen was written here before it left.
            here = await self._store.read(lambda c: _standing(c, peer.node, told.view.high))
            if begins_anew(here, told) and not self._has_waited(peer.node):
                raise TransientError(Code.LINK_RESET_REQUIRED, "the peer begins the link anew, and has yet to ask")
            if is_older(here, told):
                await self._stop(peer.node)
            self._compared.add(peer.node)
            self._anew.pop(peer.node, None)

    def _has_waited(self, node: NodeId) -> bool:
        """Whether a peer that begins a link anew had the time to ask for it."""
        return self._clock.monotonic() - self._anew.setdefault(node, self._clock.monotonic()) >= TO_ASK

    async def _stop(self, node: NodeId) -> None:
        now = self._clock.now()
        await self._store.move(lambda c: mark_link_older(c, node, made=self.since, at=now))
        logger().error("link.older", peer=node)
        await self._link.registry.refresh()
        self._wakeups.peer_called(node)
        await self._events.happened()


def _standing(connection: Connection, node: NodeId, n: int) -> Standing:
    out, incoming = (links.position(connection, node, way) for way in (links.OUT, links.IN))
    held = links.numbers(connection, node, links.OUT, out.epoch, [n]).get(n)
    return Standing(
        epoch_out=out.epoch,
        high_out=out.high,
        held=None if held is None else held.link,
        epoch_in=incoming.epoch,
        high_in=incoming.high,
        missing=tuple((gap.first, gap.last) for gap in links.gaps(connection, node, incoming.epoch)),
    )

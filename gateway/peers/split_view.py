"""Self-monitoring: each peer says which descriptor of this node it holds (nrm1 2.25).

A peer that was shown another document under a version of ours holds the proof that somebody made our roots sign twice.
What it says is believed only as far as our own roots signed it: a peer that lies is told apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.engine import Store
from gateway.errors import GatewayError
from gateway.foundation.chores import HOUR, Chore
from gateway.foundation.ids import NodeId
from gateway.identity.own_identity import OwnIdentity
from gateway.peers.link import PeerLink
from gateway.peers.registry import Peer, address
from gateway.peers.scope import PeerState
from gateway.peers.split_view_rules import SplitView, judge_held, read_held
from gateway.ports import Clock

_ASKED = (PeerState.ACTIVE, PeerState.SUSPENDED, PeerState.SUSPENDED_FOR_CAUSE)


class SplitViewCheck:
    """Compares what peers hold of each other with what is held here."""

    def __init__(self, *, store: Store, own: OwnIdentity, link: PeerLink, clock: Clock) -> None:
        self._store = store
        self._own = own
        self._link = link
        self._clock = clock

    def chores(self) -> Sequence[Chore]:
        """Compare what peers hold."""
        return (Chore("split view", HOUR, self.compare),)

    async def compare(self) -> None:
        """Ask every peer that was active once, also one that is suspended; what does not fit is told to a person."""
        asked = [peer for peer in self._link.registry.all() if peer.state in _ASKED]
        await asyncio.gather(*(self._compare_with(peer) for peer in asked))

    async def _compare_with(self, peer: Peer) -> None:
        try:
            answered = await self._link.client.get_held(address(peer.descriptor))
            split = (
                judge_held(self._own.chain, read_held(answered.body), self._clock.now())
                if answered.status == 200
                else None
            )
        except GatewayError:
            return  # away, or of an older release: it is asked again in an hour
        if split is not None:
            await self._store.move(partial(_tell, split=split, peer=peer.node, now=self._clock.now()))


def _tell(connection: Connection, split: SplitView, peer: NodeId, now: int) -> None:
    journal.raise_alarm(connection, at=now, kind=split.kind, peer=peer, proof=split.proof)

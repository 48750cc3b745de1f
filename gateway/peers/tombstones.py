"""The end of a node id: a peer's, that somebody published, and this node's own (nrm1 2.24)."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection

from gateway.database import journal, meta
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.errors import GatewayError
from gateway.identity.own_identity import OwnIdentity
from gateway.peers import store as peer_rows
from gateway.peers.link import PeerLink
from gateway.peers.registry import Peer, address
from gateway.peers.scope import PeerState
from gateway.ports import Clock
from keys.documents.tombstone import accept_tombstone
from keys.primitives.sign import SignedDocument

CAUSE = "tombstone"
OWN = "tombstone"
"""The fact of the database that holds this node's own tombstone once it was published."""


class Tombstones:
    """The end of node ids: those of peers, and our own."""

    def __init__(self, *, store: Store, own: OwnIdentity, link: PeerLink, clock: Clock) -> None:
        self._store = store
        self._own = own
        self._link = link
        self._clock = clock

    async def bury(self, peer: Peer, document: SignedDocument) -> bool:
        """Revoke a peer for ever by its tombstone; whether that is new.

        Raises RemoteError for one that proves nothing.
        """
        accept_tombstone(peer.chain, document, self._clock.now())
        if peer.state is PeerState.REVOKED and peer.cause == CAUSE:
            return False
        now = self._clock.now()

        def move(connection: Connection) -> None:
            peer_rows.change(connection, peer.node, state=str(PeerState.REVOKED), cause=CAUSE)
            journal.append_leaf(connection, leaf(now, "peer.tombstone", peer=peer.node))
            journal.raise_alarm(connection, at=now, kind="peer.tombstone", peer=peer.node, proof=document.encode())

        await self._store.move(move)
        await self._link.registry.refresh()
        await self._link.client.forget(peer.node)
        return True

    async def publish_own(self, document: SignedDocument) -> dict[str, bool]:
        """Tell every peer that this node id has ended; who took it, by name. It may be repeated until all have.

        Raises RemoteError for a document that peers would refuse; then nothing was told to anybody.
        """
        accept_tombstone(self._own.chain, document, self._clock.now())
        data, now = document.encode(), self._clock.now()

        def move(connection: Connection) -> None:
            if meta.get_meta(connection, OWN) is None:
                meta.set_meta(connection, OWN, data)
                journal.append_leaf(connection, leaf(now, "node.ended", node=self._own.node))

        await self._store.move(move)
        told = [peer for peer in self._link.registry.all() if peer.state is not PeerState.REVOKED]
        took = await asyncio.gather(*(self._tell(peer, data) for peer in told))
        return dict(zip((peer.name for peer in told), took, strict=True))

    async def _tell(self, peer: Peer, data: bytes) -> bool:
        try:
            await self._link.client.push_tombstone(address(peer.descriptor), data)
        except GatewayError:
            return False
        return True

"""The end of a node id: a peer's, that somebody published, and this node's own (PROTOCOL B3)."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection

from gateway.database import journal, meta
from gateway.database.audit_entries import leaf
from gateway.errors import GatewayError
from gateway.node.parts import Parts
from gateway.peers import store as peer_rows
from gateway.peers.registry import Peer, address
from gateway.peers.scope import PeerState
from keys.documents.tombstone import accept_tombstone
from keys.primitives.sign import SignedDocument

CAUSE = "tombstone"
OWN = "tombstone"
"""The fact of the database that holds this node's own tombstone once it was published."""


async def bury(parts: Parts, peer: Peer, document: SignedDocument) -> bool:
    """Revoke a peer for ever by its tombstone; whether that is new. Raises RemoteError for one that proves nothing."""
    accept_tombstone(peer.chain, document, parts.clock.now())
    if peer.state is PeerState.REVOKED and peer.cause == CAUSE:
        return False
    now = parts.clock.now()

    def move(connection: Connection) -> None:
        peer_rows.change(connection, peer.node, state=str(PeerState.REVOKED), cause=CAUSE)
        journal.append_leaf(connection, leaf(now, "peer.tombstone", peer=peer.node))
        journal.raise_alarm(connection, at=now, kind="peer.tombstone", peer=peer.node, proof=document.encode())

    await parts.store.move(move)
    await parts.book.refresh()
    await parts.client.forget(peer.node)
    return True


async def publish_own(parts: Parts, document: SignedDocument) -> dict[str, bool]:
    """Tell every peer that this node id has ended; who took it, by name. It may be repeated until all have.

    Raises RemoteError for a document that peers would refuse; then nothing was told to anybody.
    """
    accept_tombstone(parts.own.chain, document, parts.clock.now())
    data, now = document.encode(), parts.clock.now()

    def move(connection: Connection) -> None:
        if meta.get_meta(connection, OWN) is None:
            meta.set_meta(connection, OWN, data)
            journal.append_leaf(connection, leaf(now, "node.ended", node=parts.own.node))

    await parts.store.move(move)
    told = [peer for peer in parts.book.all() if peer.state is not PeerState.REVOKED]
    took = await asyncio.gather(*(_tell(parts, peer, data) for peer in told))
    return dict(zip((peer.name for peer in told), took, strict=True))


async def _tell(parts: Parts, peer: Peer, data: bytes) -> bool:
    try:
        await parts.client.push_tombstone(address(peer.descriptor), data)
    except GatewayError:
        return False
    return True

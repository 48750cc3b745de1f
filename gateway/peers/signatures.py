"""Who is at the other end of a request: the node whose http key signed it (nrm1 9)."""

from __future__ import annotations

from gateway.errors import RemoteError
from gateway.foundation.ids import KeyId, NodeId
from gateway.peers.registry import PeerRegistry
from gateway.peers.scope import PeerState, hears_trust, listens
from gateway.ports import Clock
from keys.documents.key_records import Use
from keys.primitives.hybrid_keys import PublicKey
from keys.primitives.raw_signatures import verify_raw


class PeerSignatures:
    """Verifies http signatures by the keys that peers have now."""

    def __init__(self, peers: PeerRegistry, clock: Clock) -> None:
        self._peers = peers
        self._clock = clock

    async def admits(self, node: NodeId, kid: KeyId, base: bytes, signature: bytes) -> bool:
        """Receive step 2: the peer is active or suspended by a person, and this is a signature of its http key."""
        peer = self._peers.get(node)
        return peer is not None and listens(peer.state) and await self.signed_by(node, kid, base, signature)

    async def admits_paired(self, node: NodeId, kid: KeyId, base: bytes, signature: bytes) -> bool:
        """The same for a peer whose trust records are taken: also one that is not active yet (nrm1 8)."""
        peer = self._peers.get(node)
        return peer is not None and hears_trust(peer.state) and await self.signed_by(node, kid, base, signature)

    async def admits_known(self, node: NodeId, kid: KeyId, base: bytes, signature: bytes) -> bool:
        """The same for every peer that is not revoked: what is held of it, it may always ask."""
        peer = self._peers.get(node)
        return (
            peer is not None
            and peer.state is not PeerState.REVOKED
            and await self.signed_by(node, kid, base, signature)
        )

    async def listed_by(self, node: NodeId, kid: KeyId, base: bytes, signature: bytes) -> bool:
        """Whether an active or suspended peer signed `base` by an http key that it lists for any time and has not
        revoked: enough to compare clocks, and for nothing else (nrm1 12.17).
        """
        peer = self._peers.get(node)
        if peer is None or not listens(peer.state):
            return False
        try:
            key = peer.descriptor.key(kid, Use.HTTP).public
        except RemoteError:
            return False
        return _verifies(key, base, signature)

    async def signed_by(self, node: NodeId, kid: KeyId, base: bytes, signature: bytes) -> bool:
        """Whether `kid` is an http key that the peer has now, and signed `base`."""
        peer = self._peers.get(node)
        if peer is None:
            return False
        try:
            key = peer.descriptor.signing_key(kid, at=self._clock.now(), use=Use.HTTP)
        except RemoteError:
            return False
        return _verifies(key, base, signature)


def _verifies(key: PublicKey, base: bytes, signature: bytes) -> bool:
    try:
        verify_raw(key.ed25519, base, signature)
    except RemoteError:
        return False
    return True

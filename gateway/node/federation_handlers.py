"""What stands behind the federation listener: the bytes of proven peers to the right procedure (PROTOCOL B8a)."""

from __future__ import annotations

from sqlalchemy import Connection

import schemas
from gateway.attachments.receiver import Uploads
from gateway.delivery.inbound.receiver import Receiver
from gateway.delivery.outbound import receipts
from gateway.errors import Code, RemoteError, TransientError
from gateway.federation.endpoints import Segment
from gateway.federation.handlers import Reply
from gateway.messages import answers
from gateway.node.parts import Parts
from gateway.peers.scope import PeerState, hears_trust, listens
from gateway.trust.link_reset import decisions
from keys.documents.descriptor import parse_descriptor
from keys.documents.key_records import Use
from keys.documents.keyset import parse_keyset
from keys.documents.tombstone import parse_tombstone
from keys.primitives.encoding import canon
from keys.primitives.sign import DESCRIPTOR, KEYSET, TOMBSTONE, SignedDocument, verify_raw

JSON = "application/json"
_EMPTY = Reply(200, JSON, b"{}")


class FederationHandlers:
    """Implements `FederationHandlers` for one node."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._receiver = Receiver(parts)
        self._uploads = Uploads(parts.store, parts.files, parts.clock, self._receiver.messages)

    async def admits(self, node: str, kid: str, base: bytes, signature: bytes) -> bool:
        """Receive step 2: the peer is active or suspended by a person, and this is a signature of its http key."""
        peer = self._parts.book.get(node)
        return peer is not None and listens(peer.state) and await self.signed_by(node, kid, base, signature)

    async def admits_paired(self, node: str, kid: str, base: bytes, signature: bytes) -> bool:
        """The same for a peer whose trust records are taken: also one that is not active yet (B4)."""
        peer = self._parts.book.get(node)
        return peer is not None and hears_trust(peer.state) and await self.signed_by(node, kid, base, signature)

    async def admits_known(self, node: str, kid: str, base: bytes, signature: bytes) -> bool:
        """The same for every peer that is not revoked: what is held of it, it may always ask."""
        peer = self._parts.book.get(node)
        return (
            peer is not None
            and peer.state is not PeerState.REVOKED
            and await self.signed_by(node, kid, base, signature)
        )

    async def signed_by(self, node: str, kid: str, base: bytes, signature: bytes) -> bool:
        """Whether `kid` is an http key that the peer has now, and signed `base`."""
        peer = self._parts.book.get(node)
        if peer is None:
            return False
        try:
            key = peer.descriptor.signing_key(kid, at=self._parts.clock.now(), use=Use.HTTP)
            verify_raw(key.ed25519, base, signature)
        except RemoteError:
            return False
        return True

    async def get_descriptor(self, from_version: int) -> Reply:
        """This node's chain from a version on."""
        return Reply(200, JSON, self._parts.own.chain_from(from_version))

    async def get_keyset(self) -> Reply:
        """This node's newest keyset."""
        if not self._parts.own.has_keyset:
            raise TransientError(Code.NO_KEY, "no keyset was issued yet: there is no key to sign it with")
        return Reply(200, JSON, self._parts.own.keyset.document.encode())

    async def post_descriptor(self, body: bytes) -> Reply:
        """A known node pushes its newest descriptor; a missing step before it is fetched."""
        document = SignedDocument.decode(body, DESCRIPTOR)
        new = parse_descriptor(document)
        peer = self._parts.book.get(new.node)
        if peer is None or peer.state is PeerState.REVOKED:
            raise RemoteError(Code.UNKNOWN_SENDER, "a descriptor of an unknown node")
        if new.version > peer.descriptor.version + 1:
            peer = await self._parts.sync.fetch_chain(peer)
        await self._parts.sync.take_chain(peer, [document])
        self._parts.signals.peer_called(new.node)
        return _EMPTY

    async def post_keyset(self, body: bytes) -> Reply:
        """A known node pushes its newest keyset: it is there, so its queue wakes (DESIGN 3b.1)."""
        keyset = parse_keyset(SignedDocument.decode(body, KEYSET))
        peer = self._parts.book.get(keyset.node)
        if peer is None or peer.state is PeerState.REVOKED:
            raise RemoteError(Code.UNKNOWN_SENDER, "a keyset of an unknown node")
        await self._parts.sync.take_keyset(peer, body)
        self._parts.signals.peer_called(keyset.node)
        return _EMPTY

    async def post_tombstone(self, body: bytes) -> Reply:
        """The end of a known node, from whoever publishes it; the same again changes nothing (B3)."""
        document = SignedDocument.decode(body, TOMBSTONE)
        peer = self._parts.book.get(parse_tombstone(document).node)
        if peer is None:
            raise RemoteError(Code.UNKNOWN_SENDER, "a tombstone of an unknown node")
        await self._parts.tombstones.bury(peer, document)
        return _EMPTY

    async def post_messages(self, peer: str, body: bytes) -> Reply:
        """Envelopes, judged one by one."""
        self._heard(peer)
        self._hear(peer)
        return Reply(200, JSON, await self._receiver.messages(peer, body))

    async def put_part(self, peer: str, segment: Segment, body: bytes) -> Reply:
        """A segment of an attachment."""
        self._heard(peer)
        self._hear(peer)
        return await self._uploads.put(peer, segment, body)

    async def get_part(self, peer: str, segment: Segment) -> Reply:
        """Which segment is wanted next."""
        self._heard(peer)
        self._hear(peer)
        return await self._uploads.wanted(peer, segment)

    async def post_void(self, peer: str, body: bytes) -> Reply:
        """A void question."""
        self._heard(peer)
        self._hear(peer)
        return Reply(200, JSON, await self._receiver.void(peer, body))

    async def post_receipts(self, peer: str, body: bytes) -> Reply:
        """A batch of receipts for messages of ours; unknown and repeated ones are answered 200 too (B14.3)."""
        parts, now = self._parts, self._parts.clock.now()
        found = parts.book.get(peer)
        if found is None:
            raise RemoteError(Code.UNKNOWN_SENDER, "receipts of an unknown node")
        self._heard(peer)
        batch = await parts.workers.off_loop(
            lambda: answers.read_receipts(body, issuer=found.descriptor, me=parts.own.node, now=now)
        )
        ref = parts.store.new_ref()

        def move(connection: Connection) -> None:
            receipts.apply(connection, peer, batch, body, ref, at=now)

        await parts.store.move(move)
        parts.signals.handover.set()
        await parts.signals.happened()
        return _EMPTY

    async def post_trust(self, peer: str, body: bytes) -> Reply:
        """What the peer permits us from now on."""
        found = self._parts.book.get(peer)
        if found is None:
            raise RemoteError(Code.UNKNOWN_SENDER, "a trust record of an unknown node")
        await self._parts.record_exchange.take(found, body)
        return _EMPTY

    def _hear(self, node: str) -> None:
        """A restored node does not know what it accepted: until people approved the reset, nothing is judged (B3)."""
        if not self._parts.book.hears(node):
            raise RemoteError(Code.LINK_RESET_REQUIRED, "this node was restored and the link was not reset yet")

    def _heard(self, node: str) -> None:
        """A proven peer asks us something: it is there, so what waits for it need not wait for the end of a backoff."""
        peer = self._parts.book.get(node)
        if peer is not None and peer.next_try > self._parts.clock.now():
            self._parts.signals.peer_called(node)

    async def get_schemas(self, peer: str) -> Reply:
        """The hashes of the schemas held here."""
        return Reply(200, JSON, canon({"schemas": [*sorted(schemas.catalogue().hashes)]}))

    async def post_checkpoint(self, peer: str, body: bytes) -> Reply:
        """A peer's log asks this node to witness it."""
        self._heard(peer)
        return await self._parts.witness.witness(peer, body)

    async def get_checkpoint(self, peer: str) -> Reply:
        """What was witnessed of the asker's log."""
        return await self._parts.witness.shown(peer)

    async def get_link(self, peer: str) -> Reply:
        """What is held of the peer's numbering: a restored node asks before it numbers anything (B14.14)."""
        view = await self._parts.store.read(lambda c: decisions.view_of(c, peer))
        return Reply(200, JSON, canon(view.to_json()))

    async def post_link(self, peer: str, body: bytes) -> Reply:
        """A restored peer asks to begin the link anew; a person decides (B3)."""
        found = self._parts.book.get(peer)
        if found is None:
            raise RemoteError(Code.UNKNOWN_SENDER, "a reset of an unknown node")
        view = await self._parts.link_reset.take_offer(found, body)
        return Reply(200, JSON, canon(view.to_json()))

    async def get_held(self, peer: str) -> Reply:
        """Which descriptor of the peer is held here, so that it can see whether somebody shows another one (B4 c)."""
        found = self._parts.book.get(peer)
        if found is None:
            raise RemoteError(Code.UNKNOWN_SENDER, "a question of an unknown node")
        held = found.descriptor
        return Reply(
            200, JSON, canon({"version": held.version, "hash": held.hash, "document": held.document.to_json()})
        )

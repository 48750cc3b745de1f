"""What stands behind the federation listener: the bytes of proven peers to the right procedure (nrm1 9.2)."""

from __future__ import annotations

import schemas
from gateway.attachments.uploads import Uploads
from gateway.audit.witness import LogWitness
from gateway.delivery.inbound.receiver import Receiver
from gateway.delivery.outbound.receipts import ReceivedReceipts
from gateway.errors import Code, RemoteError, TransientError
from gateway.federation.endpoints import Segment
from gateway.federation.handlers import Reply
from gateway.foundation.ids import NodeId
from gateway.identity.own_identity import OwnIdentity
from gateway.messages.wakeups import Wakeups
from gateway.peers.registry import Peer, PeerRegistry
from gateway.peers.scope import PeerState
from gateway.peers.tombstones import Tombstones
from gateway.ports import Clock
from gateway.trust.link_reset.comparison import LinkComparison
from gateway.trust.link_reset.protocol import LinkReset
from gateway.trust.link_reset.taken_lists import TakenLists
from gateway.trust.peer_sync import PeerSync
from gateway.trust.record_exchange import RecordExchange
from keys.documents.descriptor import parse_descriptor
from keys.documents.keyset import parse_keyset
from keys.documents.tombstone import parse_tombstone
from keys.primitives.domains import DESCRIPTOR, KEYSET, TAKEN, TOMBSTONE
from keys.primitives.encoding import canon
from keys.primitives.sign import SignedDocument

JSON = "application/json"
_EMPTY = Reply(200, JSON, b"{}")


class FederationHandlers:
    """Implements `FederationHandlers` for one node."""

    def __init__(
        self,
        *,
        own: OwnIdentity,
        peers: PeerRegistry,
        receiver: Receiver,
        uploads: Uploads,
        receipts: ReceivedReceipts,
        sync: PeerSync,
        tombstones: Tombstones,
        witness: LogWitness,
        record_exchange: RecordExchange,
        link_reset: LinkReset,
        comparison: LinkComparison,
        taken_lists: TakenLists,
        wakeups: Wakeups,
        clock: Clock,
    ) -> None:
        self._own = own
        self._peers = peers
        self._receiver = receiver
        self._uploads = uploads
        self._receipts = receipts
        self._sync = sync
        self._tombstones = tombstones
        self._witness = witness
        self._record_exchange = record_exchange
        self._link_reset = link_reset
        self._comparison = comparison
        self._taken_lists = taken_lists
        self._wakeups = wakeups
        self._clock = clock

    async def get_descriptor(self, from_version: int) -> Reply:
        """This node's chain from a version on."""
        return Reply(200, JSON, self._own.chain_from(from_version))

    async def get_keyset(self) -> Reply:
        """This node's newest keyset."""
        if not self._own.has_keyset:
            raise TransientError(Code.NO_KEY, "no keyset was issued yet: there is no key to sign it with")
        return Reply(200, JSON, self._own.keyset.document.encode())

    async def post_descriptor(self, body: bytes) -> None:
        """A known node pushes its newest descriptor; a missing step before it is fetched."""
        document = SignedDocument.decode(body, DESCRIPTOR)
        new = parse_descriptor(document)
        peer = self._peers.get(new.node)
        if peer is None or peer.state is PeerState.REVOKED:
            raise RemoteError(Code.UNKNOWN_SENDER, "a descriptor of an unknown node")
        if new.version > peer.descriptor.version + 1:
            peer = await self._sync.fetch_chain(peer)
        self._wake(await self._sync.take_chain(peer, [document]))

    async def post_keyset(self, body: bytes) -> None:
        """A known node pushes its newest keyset: it is there, so its queue wakes (nrm1 12.14)."""
        keyset = parse_keyset(SignedDocument.decode(body, KEYSET))
        peer = self._peers.get(keyset.node)
        if peer is None or peer.state is PeerState.REVOKED:
            raise RemoteError(Code.UNKNOWN_SENDER, "a keyset of an unknown node")
        self._wake(await self._sync.take_keyset(peer, body))

    def _wake(self, peer: Peer) -> None:
        """Wake what waits for a peer now that it has called, if anything may go to it."""
        if peer.state is PeerState.ACTIVE:
            self._wakeups.peer_called(peer.node)

    async def post_tombstone(self, body: bytes) -> None:
        """The end of a known node, from whoever publishes it; the same again changes nothing (nrm1 2.24)."""
        document = SignedDocument.decode(body, TOMBSTONE)
        peer = self._peers.get(parse_tombstone(document).node)
        if peer is None:
            raise RemoteError(Code.UNKNOWN_SENDER, "a tombstone of an unknown node")
        await self._tombstones.bury(peer, document)

    async def post_messages(self, peer: NodeId, body: bytes) -> Reply:
        """Envelopes, judged one by one."""
        self._heard(peer)
        await self._hear(peer)
        return Reply(200, JSON, await self._receiver.answer_messages(peer, body))

    async def put_part(self, peer: NodeId, segment: Segment, body: bytes) -> Reply:
        """A segment of an attachment."""
        self._heard(peer)
        await self._hear(peer)
        return await self._uploads.put(peer, segment, body)

    async def get_part(self, peer: NodeId, segment: Segment) -> Reply:
        """Answer which segment is wanted next."""
        self._heard(peer)
        await self._hear(peer)
        return await self._uploads.wanted(peer, segment)

    async def post_void(self, peer: NodeId, body: bytes) -> Reply:
        """A void question."""
        self._heard(peer)
        await self._hear(peer)
        return Reply(200, JSON, await self._receiver.answer_void(peer, body))

    async def post_receipts(self, peer: NodeId, body: bytes) -> Reply:
        """Receipts for messages of ours; unknown and repeated ones are answered 200 too (nrm1 6.4)."""
        found = self._peers.get(peer)
        if found is None:
            raise RemoteError(Code.UNKNOWN_SENDER, "receipts of an unknown node")
        self._heard(peer)
        await self._receipts.take(found, body)
        return _EMPTY

    async def post_trust(self, peer: NodeId, body: bytes) -> Reply:
        """Take what the peer permits us from now on."""
        found = self._peers.get(peer)
        if found is None:
            raise RemoteError(Code.UNKNOWN_SENDER, "a trust record of an unknown node")
        await self._record_exchange.take(found, body)
        return _EMPTY

    async def _hear(self, node: NodeId) -> None:
        """Refuse what a restored node cannot judge, until people approved the reset of the link (nrm1 5.8). Before the
        first number of this life of the node it is compared with what the peer has seen (nrm1 5.15).
        """
        await self._comparison.try_with(node)
        if not self._peers.hears(node):
            raise RemoteError(Code.LINK_RESET_REQUIRED, "this node was restored and the link was not reset yet")

    def _heard(self, node: NodeId) -> None:
        """A proven peer asks us something: it is there, so what waits for it need not wait for the end of a backoff."""
        peer = self._peers.get(node)
        if peer is not None and peer.next_try > self._clock.now():
            self._wakeups.peer_called(node)

    async def get_schemas(self, peer: NodeId) -> Reply:
        """The hashes of the schemas held here."""
        return Reply(200, JSON, canon({"schemas": [*sorted(schemas.load_catalogue().hashes)]}))

    async def post_checkpoint(self, peer: NodeId, body: bytes) -> Reply:
        """A peer's log asks this node to witness it."""
        self._heard(peer)
        return await self._witness.witness(peer, body)

    async def get_checkpoint(self, peer: NodeId) -> Reply:
        """Answer what was witnessed of the asker's log."""
        return await self._witness.shown(peer)

    async def get_link(self, peer: NodeId) -> Reply:
        """Answer what is held of the peer's numbering: a restored node asks before it numbers anything (nrm1 5.8)."""
        record = await self._link_reset.record(peer)
        return Reply(200, JSON, canon(record.to_json()))

    async def post_link(self, peer: NodeId, body: bytes) -> Reply:
        """A restored peer asks to begin the link anew; a person decides (nrm1 5.10)."""
        found = self._peers.get(peer)
        if found is None:
            raise RemoteError(Code.UNKNOWN_SENDER, "a reset of an unknown node")
        view = await self._link_reset.take_offer(found, body)
        return Reply(200, JSON, canon(view.to_json()))

    async def post_taken(self, peer: NodeId, body: bytes) -> Reply:
        """A restored peer, whose reset was accepted, asks what was taken away since its backup (nrm1 5.16)."""
        found = self._peers.get(peer)
        if found is None:
            raise RemoteError(Code.UNKNOWN_SENDER, "a question of an unknown node")
        return Reply(200, TAKEN, await self._taken_lists.answer(found, body))

    async def get_held(self, peer: NodeId) -> Reply:
        """Answer which descriptor of the peer is held here, so that it can see whether somebody shows another one
        (nrm1 2.25).
        """
        found = self._peers.get(peer)
        if found is None:
            raise RemoteError(Code.UNKNOWN_SENDER, "a question of an unknown node")
        held = found.descriptor
        return Reply(
            200, JSON, canon({"version": held.version, "hash": held.hash, "document": held.document.to_json()})
        )

"""Keeping what peers say about themselves fresh: chains, keysets, catalogues (nrm1 9.4). Nothing here widens
trust.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError, RemoteError, TransientError
from gateway.foundation.chores import DAY, HOUR, Chore
from gateway.foundation.ids import NodeId
from gateway.peers import store as peer_rows
from gateway.peers.link import PeerLink
from gateway.peers.registry import Peer, address
from gateway.peers.scope import PeerState
from gateway.ports import Clock, Json
from gateway.trust.compromise_review import CompromiseReview, revoked_by
from gateway.trust.effects import roots_changed
from keys.documents.descriptor import DESCRIPTORS, Descriptor, parse_descriptor
from keys.documents.descriptor_chain import accept_chain, require_second_form
from keys.documents.equivocation import build_proof
from keys.documents.keyset import accept_keyset
from keys.primitives.domains import KEYSET
from keys.primitives.encoding import parse
from keys.primitives.sign import SignedDocument

CHAIN_LIMIT = 4 * 1024 * 1024
MOST_SCHEMAS = 1_000


def read_chain(data: bytes) -> list[SignedDocument]:
    """The documents of an answer to GET /v1/descriptor, or of a pairing file; unverified."""
    value = parse(data, limit=CHAIN_LIMIT)
    if not isinstance(value, list):
        raise RemoteError(Code.MALFORMED, "a chain is an array of documents")
    return [SignedDocument.from_json(item, *DESCRIPTORS) for item in value]


def require_reached(newest: Descriptor, lowest: Mapping[str, int]) -> None:
    """Check that a chain that ends with `newest` reaches the version that its node is known to have published; `lowest`
    has those by node id (nrm1 2.18). Raises RefusedError(rollback).
    """
    if newest.version < lowest.get(newest.node, 1):
        raise RefusedError(
            Code.ROLLBACK,
            "the chain ends before the version that the region pack says this node has reached; nothing was changed",
            hint="ask for the pairing file again; if it still ends there, somebody holds back what they published",
        )


class PeerSync:
    """Keeps chains, keysets and catalogues of peers fresh."""

    def __init__(self, *, store: Store, link: PeerLink, review: CompromiseReview, clock: Clock) -> None:
        self._store = store
        self._link = link
        self._review = review
        self._clock = clock
        self._keysets: dict[NodeId, asyncio.Lock] = {}

    def chores(self) -> Sequence[Chore]:
        """Ask the peers for what is new."""
        return (Chore("pull", HOUR, self.pull),)

    async def take_chain(self, peer: Peer, documents: Sequence[SignedDocument]) -> Peer:
        """Judge documents that continue a peer's chain, and keep what is new.

        Raises:
            RemoteError: `equivocation` has suspended the peer with both documents as proof; other codes changed
            nothing.
        """
        now = self._clock.now()
        try:
            chain = accept_chain(documents, now, held=peer.chain)
        except RemoteError as error:
            if error.code is Code.EQUIVOCATION:
                await self.suspend_for_cause(peer.node, Code.EQUIVOCATION, _proof(peer.chain, documents))
            raise
        new = chain[len(peer.chain) :]
        if not new:
            return peer

        def move(connection: Connection) -> None:
            newest = peer_rows.newest_version(connection, peer.node)
            rest = [descriptor for descriptor in new if descriptor.version > newest]
            if rest:  # else a push and a fetch brought the same, and the other was faster
                peer_rows.extend_chain(connection, peer.node, rest[0].version, tuple(d.document.encode() for d in rest))
                roots_changed(connection, chain, at=now)
                journal.append_leaf(connection, leaf(now, "peer.descriptor", peer=peer.node, version=rest[-1].version))
                if not rest[-1].is_first_form:
                    journal.close_alarms(connection, "peer.first_form", at=now, peer=peer.node)

        await self._store.move(move)
        await self._link.registry.refresh()
        await self._review.doubt(peer.node, revoked_by(peer.chain, new[-1]))
        held = self._link.registry.find(peer.node)
        if any(descriptor.hash not in {known.hash for known in held.chain} for descriptor in new):
            return await self.take_chain(held, documents)  # the faster one had another document: equivocation
        return held

    async def fetch_chain(self, peer: Peer) -> Peer:
        """Ask the peer for what follows its newest descriptor held here."""
        data = await self._link.client.get_descriptor(address(peer.descriptor), peer.descriptor.version + 1)
        return await self.take_chain(peer, read_chain(data))

    async def take_keyset(self, peer: Peer, data: bytes) -> Peer:
        """Judge a keyset document and keep it; a missing step of the chain is fetched first and the keyset judged
        again.
        """
        document = SignedDocument.decode(data, KEYSET)
        now = self._clock.now()
        async with self._keysets.setdefault(peer.node, asyncio.Lock()):
            peer = self._link.registry.find(peer.node)  # another one may have come meanwhile
            try:
                keyset = accept_keyset(peer.descriptor, peer.keyset, document, now)
            except RemoteError as error:
                if error.code is not Code.NEWER_DESCRIPTOR:
                    raise
                peer = await self.fetch_chain(peer)
                keyset = accept_keyset(peer.descriptor, peer.keyset, document, now)
            kept = document if peer.keyset is None or keyset.pair != peer.keyset.pair else peer.keyset.document
            before = None if peer.keyset is None else peer.keyset.document.encode()

            def move(connection: Connection) -> bool:
                held = peer_rows.keyset(connection, peer.node)
                if held not in (before, kept.encode()):
                    return False
                peer_rows.change(connection, peer.node, keyset=kept.encode(), keyset_seen=now)
                return True

            written = await self._store.move(move)
            await self._link.registry.refresh()
        # Another worker of this node has kept one meanwhile, by which this one was not judged.
        return self._link.registry.find(peer.node) if written else await self.take_keyset(peer, data)

    async def refresh(self, peer: Peer) -> Peer:
        """Fetch the keyset over a pinned connection; the connection is then known to work. A person is told of a peer
        whose roots have not met since release 0.1.0.

        Raises:
            RefusedError: first_form.
        """
        try:
            require_second_form(peer.descriptor)
        except RefusedError:
            now = self._clock.now()
            await self._store.move(lambda c: journal.raise_alarm(c, at=now, kind="peer.first_form", peer=peer.node))
            raise
        return await self.take_keyset(peer, await self._link.client.get_keyset(address(peer.descriptor)))

    async def pull(self) -> None:
        """Ask every active peer for its newest chain and keyset; silence for a day is told to a person."""
        await asyncio.gather(
            *(self._pull_from(p.node) for p in self._link.registry.all() if p.state is PeerState.ACTIVE)
        )

    async def _pull_from(self, node: NodeId) -> None:
        now = self._clock.now()
        peer = self._link.registry.find(node)
        try:
            await self.refresh(await self.fetch_chain(peer))
            await self._store.move(lambda c: journal.close_alarms(c, "peer.silent", at=now, peer=node))
        except RefusedError:
            pass  # of the first form: a person was told
        except (TransientError, RemoteError):
            if peer.keyset_seen is not None and now - peer.keyset_seen > DAY:
                await self._store.move(lambda c: journal.raise_alarm(c, at=now, kind="peer.silent", peer=node))

    async def refresh_schemas(self, peer: Peer) -> Peer:
        """Fetch the peer's catalogue: the hashes of the schemas it holds. The answer is signed by the response."""
        answered = await self._link.client.get_schemas(address(peer.descriptor))
        value = parse(answered.body, limit=200_000)
        if answered.status != 200 or not isinstance(value, dict) or set(value) != {"schemas"}:
            raise TransientError(Code.REJECTED, "the peer gave no catalogue")
        listed: Json = value["schemas"]
        if not isinstance(listed, list) or len(listed) > MOST_SCHEMAS:
            raise TransientError(Code.MALFORMED, "the peer's catalogue has another shape")
        hashes = sorted({item for item in listed if isinstance(item, str)})
        await self._store.move(lambda c: peer_rows.change(c, peer.node, schemas=json.dumps(hashes)))
        await self._link.registry.refresh()
        return self._link.registry.find(peer.node)

    async def suspend_for_cause(self, node: NodeId, code: Code, proof: bytes | None) -> None:
        """A proof of misbehaviour stops a peer at once; two people would have to resume it (nrm1 8.9)."""
        now = self._clock.now()

        def move(connection: Connection) -> None:
            stop(connection, node, code, at=now)
            journal.raise_alarm(connection, at=now, kind=f"peer.{code}", peer=node, proof=proof)

        await self._store.move(move)
        await self._link.registry.refresh()
        await self._link.client.forget(node)


def _proof(held: Sequence[Descriptor], documents: Sequence[SignedDocument]) -> bytes:
    """Both documents under one version, in the form that anybody can check (`trm keys proof verify`)."""
    payloads = {descriptor.version: descriptor.document.payload for descriptor in held}
    other = next(d for d in documents if payloads.get(parse_descriptor(d).version, d.payload) != d.payload)
    return build_proof(held, other)


def stop(connection: Connection, node: NodeId, code: Code, *, at: int) -> None:
    """Suspend a peer for a cause, in the caller's transaction; one that a person revoked meanwhile stays revoked."""
    if peer_rows.state_of(connection, node) != PeerState.REVOKED:
        peer_rows.change(connection, node, state=str(PeerState.SUSPENDED_FOR_CAUSE), cause=str(code))
        journal.append_leaf(connection, leaf(at, "peer.suspended", peer=node, code=str(code)))

"""The peers as the loops see them: a read-only picture in memory, rebuilt from the store after every change.

Chains are verified when a document is first seen by this process; the accepted descriptor is then remembered by its
bytes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.database.engine import Store
from gateway.errors import Code, GatewayError, RefusedError, RemoteError
from gateway.federation.address import PeerAddress
from gateway.foundation.ids import NodeId
from gateway.identity.own_identity import OwnIdentity
from gateway.peers import reset_rows, trust_record_store
from gateway.peers import store as peer_rows
from gateway.peers.link_reset_state import ResetState
from gateway.peers.reset_rows import ResetRow
from gateway.peers.scope import NOTHING, Agreed, Corridor, PeerScope, PeerState, Scope, intersect
from gateway.peers.store import PeerRow
from keys.documents.descriptor import DESCRIPTORS, Descriptor
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.keyset import KEYSETS, Keyset, parse_keyset
from keys.documents.trust_record import TrustRecord, TrustState, read_trust
from keys.primitives.sign import SignedDocument

BEHIND = "their root holders have not signed since release 0.1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The newest trust records of both sides, and what they permit together while both are in force."""

    mine: TrustRecord | None
    theirs: TrustRecord | None
    agreed: Agreed

    def missing(self, now: int) -> str | None:
        """What is not in force at `now`, None when both are."""
        for record, whose in ((self.mine, "our"), (self.theirs, "their")):
            if record is None:
                return f"{whose} administrators have not approved it yet"
            if record.state is not TrustState.ACTIVE:
                return f"{whose} side has {record.state} it"
            if now < record.not_before:
                return f"{whose} approval is not in force yet"
            if now >= record.expires:
                return f"{whose} approval has run out and must be renewed"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A peer with its verified chain; `chain[-1]` is the newest descriptor held, `owed` says that it has not taken our
    newest trust record. Times are Unix seconds.
    """

    node: NodeId
    name: str
    state: PeerState
    cause: str | None
    trust: Trust
    owed: bool
    corridor: Corridor
    demo: bool
    chain: tuple[Descriptor, ...]
    keyset: Keyset | None
    keyset_seen: int | None
    schemas: tuple[str, ...] | None
    attempts: int
    next_try: int
    failing_since: int | None
    added: int
    verified: int | None

    @property
    def descriptor(self) -> Descriptor:
        """The newest descriptor held."""
        return self.chain[-1]

    @property
    def behind(self) -> str | None:
        """Why nothing can be sealed for it whatever is agreed, None where it can (nrm1 1.20)."""
        return BEHIND if self.descriptor.is_first_form else None

    def missing(self, now: int) -> str | None:
        """What keeps messages from passing at `now`, None when they may."""
        return self.trust.missing(now) or self.behind

    def standing(self, now: int) -> PeerScope:
        """What decides whether something may go there or come from there: state, and the effective scope at `now`."""
        missing = self.trust.missing(now)
        agreed = self.trust.agreed if missing is None else NOTHING
        return PeerScope(state=self.state, agreed=agreed, corridor=self.corridor, missing=missing, behind=self.behind)


class PeerRegistry:
    """All peers by node id; `refresh` after every move that touched one."""

    def __init__(self, store: Store, own: OwnIdentity) -> None:
        self._store = store
        self._own = own
        self._reading = asyncio.Lock()
        self._peers: Mapping[str, Peer] = {}
        self._damaged: Mapping[NodeId, Code] = {}
        self._resets: Mapping[str, ResetRow] = {}
        self._seen: dict[bytes, Descriptor] = {}
        self._keysets: dict[bytes, Keyset] = {}
        self._trusts: dict[tuple[bytes | None, bytes | None], Trust] = {}

    async def refresh(self) -> None:
        """Read every peer again; one after the other, so that a read from before a decision does not undo it here."""
        async with self._reading:
            await self._read()

    async def _read(self) -> None:
        rows, records, owed = await self._store.read(
            lambda c: (peer_rows.load(c), trust_record_store.newest_records(c), {*trust_record_store.owed(c)})
        )
        self._resets = await self._store.read(reset_rows.load)
        pairs = {
            n: (records.get((n, trust_record_store.OUT)), records.get((n, trust_record_store.IN)))
            for n in (r.node for r in rows)
        }
        peers: dict[str, Peer] = {}
        damaged: dict[NodeId, Code] = {}
        trusts: dict[tuple[bytes | None, bytes | None], Trust] = {}
        for row in rows:
            pair = pairs[row.node]
            try:  # the documents of one peer, damaged on our disk, must not stop the others
                chain = self.verified_chain(row.chain)
                trusts[pair] = self._trusts.get(pair) or _trust(*pair, self._own.chain, chain)
                peers[row.node] = self._peer(row, chain, trusts[pair], owed=row.node in owed)
            except (GatewayError, ValueError, LookupError) as error:
                damaged[row.node] = error.code if isinstance(error, GatewayError) else Code.MALFORMED
        self._trusts, self._peers, self._damaged = trusts, peers, damaged

    @property
    def damaged(self) -> Mapping[NodeId, Code]:
        """Peers whose stored documents do not verify any more, with the fault: they are treated as unknown."""
        return self._damaged

    def _peer(self, row: PeerRow, chain: tuple[Descriptor, ...], trust: Trust, *, owed: bool) -> Peer:
        return Peer(
            node=row.node,
            name=row.name,
            state=PeerState(row.state),
            cause=row.cause,
            trust=trust,
            owed=owed,
            corridor=(self._own.descriptor.country, chain[-1].country),
            demo=row.demo,
            chain=chain,
            keyset=None if row.keyset is None else self._keyset(row.keyset),
            keyset_seen=row.keyset_seen,
            schemas=None if row.schemas is None else tuple(json.loads(row.schemas)),
            attempts=row.attempts,
            next_try=row.next_try,
            failing_since=row.failing_since,
            added=row.added,
            verified=row.verified,
        )

    def verified_chain(self, documents: Iterable[bytes]) -> tuple[Descriptor, ...]:
        """Descriptors of a stored chain; each was accepted when it came, and is judged again once per process."""
        chain: list[Descriptor] = []
        for data in documents:
            found = self._seen.get(data)
            if found is None:
                document = SignedDocument.decode(data, *DESCRIPTORS)
                previous = chain[-1] if chain else None
                found = accept_descriptor(previous, document, now=_issued(document), earlier=chain[:-1])
                self._seen[data] = found
            chain.append(found)
        return tuple(chain)

    def _keyset(self, data: bytes) -> Keyset:
        """A stored keyset: it was accepted when it came; whether it may still be used is asked at each departure."""
        found = self._keysets.get(data)
        if found is None:
            found = parse_keyset(SignedDocument.decode(data, *KEYSETS))
            self._keysets = {k: v for k, v in self._keysets.items() if v.node != found.node} | {data: found}
        return found

    def reset(self, node: NodeId) -> ResetRow | None:
        """Where the reset of the link to a peer stands, None where there never was one."""
        return self._resets.get(node)

    def hears(self, node: NodeId) -> bool:
        """Whether what this peer numbered may be judged (`gateway.peers.link_reset_state`)."""
        row = self._resets.get(node)
        return row is None or row.state != ResetState.REQUIRED

    def speaks(self, node: NodeId) -> bool:
        """Whether anything may be numbered or sent for this peer (`gateway.peers.link_reset_state`)."""
        row = self._resets.get(node)
        return row is None or (row.state == ResetState.OPEN and row.offer is None)

    def only_urgent(self, node: NodeId) -> bool:
        """Whether alerts and withdrawals alone may go to this peer, until it has said what was taken away."""
        row = self._resets.get(node)
        return row is not None and row.only_urgent and row.offer is None

    def all(self) -> tuple[Peer, ...]:
        """Every peer, by name."""
        return tuple(self._peers.values())

    def get(self, node: NodeId) -> Peer | None:
        """The peer with this node id."""
        return self._peers.get(node)

    def find(self, name: str) -> Peer:
        """The peer with this node id or name; raises RefusedError not_found."""
        for peer in self._peers.values():
            if name in (peer.node, peer.name):
                return peer
        raise RefusedError(Code.NOT_FOUND, "no such peer", hint="trm peer list shows the names")


def _trust(mine: bytes | None, theirs: bytes | None, own: Sequence[Descriptor], chain: Sequence[Descriptor]) -> Trust:
    """Two stored records. One that does not verify any more counts as missing: nothing passes (nrm1 12.11)."""
    ours, their = _record(mine, own), _record(theirs, chain)
    if ours is None or their is None:
        return Trust(mine=ours, theirs=their, agreed=NOTHING)
    agreed = intersect(Scope.from_json(ours.scope), Scope.from_json(their.scope))
    return Trust(mine=ours, theirs=their, agreed=agreed)


def _record(data: bytes | None, chain: Sequence[Descriptor]) -> TrustRecord | None:
    try:
        return None if data is None else read_trust(data, chain)
    except GatewayError:
        return None


def _issued(document: SignedDocument) -> int:
    """The issue time inside a stored document: it was fresh when it was accepted, and is not judged by the clock
    again.
    """
    value = json.loads(document.payload)
    return int(value["issued"])


def address(descriptor: Descriptor) -> PeerAddress:
    """Where a peer is reached and which server keys it may show.

    Raises:
        RemoteError: malformed, for an endpoint without a port: it may stand there, nobody reaches it (nrm1 2.12).
    """
    try:
        return PeerAddress.at(descriptor.node, descriptor.endpoints[0], frozenset(descriptor.tls_spki))
    except RefusedError as exc:
        raise RemoteError(Code.MALFORMED, "the peer's first endpoint is not https://host:port") from exc

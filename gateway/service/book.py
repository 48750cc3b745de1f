"""The peers as the loops see them: a read-only picture in memory, rebuilt from the store after every change.

Chains are verified when a document is first seen by this process; the accepted descriptor is then remembered by its
bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.core.scope import PeerState, Scope
from gateway.errors import Code, RefusedError
from gateway.exchange.outbound import PeerStanding
from gateway.store import Store
from gateway.store import peers as peer_rows
from gateway.store.peers import PeerRow
from keys.descriptor import Descriptor, accept_descriptor
from keys.keyset import Keyset, parse_keyset
from keys.sign import DESCRIPTOR, KEYSET, SignedDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A peer with its verified chain; `chain[-1]` is the newest descriptor held. Times are Unix seconds."""

    node: str
    name: str
    state: PeerState
    cause: str | None
    scope: Scope
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
    def standing(self) -> PeerStanding:
        """What decides whether something may go there."""
        return PeerStanding(state=self.state, scope=self.scope)


class Book:
    """All peers by node id; `refresh` after every move that touched one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._peers: Mapping[str, Peer] = {}
        self._seen: dict[bytes, Descriptor] = {}
        self._keysets: dict[bytes, Keyset] = {}

    async def refresh(self) -> None:
        """Read every peer again."""
        rows = await self._store.read(peer_rows.load)
        self._peers = {row.node: self._peer(row) for row in rows}

    def _peer(self, row: PeerRow) -> Peer:
        chain = self.verified_chain(row.chain)
        return Peer(
            node=row.node,
            name=row.name,
            state=PeerState(row.state),
            cause=row.cause,
            scope=Scope.from_json(json.loads(row.scope)),
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
                document = SignedDocument.decode(data, DESCRIPTOR)
                previous = chain[-1] if chain else None
                found = accept_descriptor(previous, document, now=_issued(document))
                self._seen[data] = found
            chain.append(found)
        return tuple(chain)

    def _keyset(self, data: bytes) -> Keyset:
        """A stored keyset: it was accepted when it came; whether it may still be used is asked at each departure."""
        found = self._keysets.get(data)
        if found is None:
            found = parse_keyset(SignedDocument.decode(data, KEYSET))
            self._keysets = {k: v for k, v in self._keysets.items() if v.node != found.node} | {data: found}
        return found

    def all(self) -> tuple[Peer, ...]:
        """Every peer, by name."""
        return tuple(self._peers.values())

    def get(self, node: str) -> Peer | None:
        """The peer with this node id."""
        return self._peers.get(node)

    def find(self, name: str) -> Peer:
        """The peer with this node id or name; raises RefusedError not_found."""
        for peer in self._peers.values():
            if name in (peer.node, peer.name):
                return peer
        raise RefusedError(Code.NOT_FOUND, "no such peer", hint="trm peer list shows the names")


def _issued(document: SignedDocument) -> int:
    """The issue time inside a stored document: it was fresh when it was accepted, and is not judged by the clock
    again.
    """
    value = json.loads(document.payload)
    return int(value["issued"])

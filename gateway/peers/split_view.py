"""Self-monitoring: each peer says which descriptor of this node it holds (PROTOCOL B4, split view (c)).

A peer that was shown another document under a version of ours holds the proof that somebody made our roots sign twice.
What it says is believed only as far as our own roots signed it: a peer that lies is told apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.engine import Store
from gateway.errors import Code, GatewayError, RemoteError
from gateway.foundation.chores import HOUR, Chore
from gateway.identity.own_identity import OwnIdentity
from gateway.peers.link import PeerLink
from gateway.peers.registry import Peer, address
from gateway.peers.scope import PeerState
from gateway.ports import Clock, Json
from keys.documents.descriptor import Descriptor, accept_chain, parse_descriptor
from keys.documents.equivocation import build_proof
from keys.primitives.encoding import parse
from keys.primitives.sign import DESCRIPTOR, SignedDocument

LIMIT = 500_000
KINDS = ("own.split_view", "own.unknown_descriptor", "peer.held_false")
_ASKED = (PeerState.ACTIVE, PeerState.SUSPENDED, PeerState.SUSPENDED_FOR_CAUSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A person has to look: `kind` of alarm, and the document or proof that goes with it."""

    kind: str
    proof: bytes


def judge(own: tuple[Descriptor, ...], document: SignedDocument, now: int) -> Split | None:
    """What it means that a peer holds `document` of us; None when it is one of ours."""
    version = parse_descriptor(document).version
    if version <= len(own) and own[version - 1].document.payload == document.payload:
        return None
    try:
        accept_chain([document], now, held=own)
    except RemoteError as error:
        if error.code is Code.EQUIVOCATION:
            return Split(kind="own.split_view", proof=build_proof(own, document))
        return Split(kind="peer.held_false", proof=document.encode())
    return Split(kind="own.unknown_descriptor", proof=document.encode())


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
                judge(self._own.chain, read_held(answered.body), self._clock.now()) if answered.status == 200 else None
            )
        except GatewayError:
            return  # away, or of an older release: it is asked again in an hour
        if split is not None:
            await self._store.move(partial(_tell, split=split, peer=peer.node, now=self._clock.now()))


def _tell(connection: Connection, split: Split, peer: str, now: int) -> None:
    journal.raise_alarm(connection, at=now, kind=split.kind, peer=peer, proof=split.proof)


def read_held(data: bytes) -> SignedDocument:
    """The document in an answer to `GET /v1/held`. Raises RemoteError(malformed) where it is not what it says."""
    value: Json = parse(data, limit=LIMIT)
    if not isinstance(value, dict) or set(value) != {"version", "hash", "document"}:
        raise RemoteError(Code.MALFORMED, "the answer has another shape")
    document = SignedDocument.from_json(value["document"], DESCRIPTOR)
    found = parse_descriptor(document)
    if (found.version, found.hash) != (value["version"], value["hash"]):
        raise RemoteError(Code.MALFORMED, "the document is another than the answer says")
    return document

"""Peers as administrators see them: proposed from a verified chain, the digits to compare, and where trust stands with
its whole verified history. What changes trust is in `changes`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from gateway.changes import store as trust_rows
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.engine import Store
from gateway.errors import Code, Finding, RefusedError, RemoteError, TransientError
from gateway.foundation.config import Config
from gateway.foundation.ids import NodeId
from gateway.identity.own_identity import OwnIdentity
from gateway.messages.store import messages
from gateway.operations.actors import pseudonym
from gateway.operations.models import Nothing
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import EVERYBODY, LOOKS, TRUST, Caller
from gateway.peers import store as peer_rows
from gateway.peers.link import PeerLink
from gateway.peers.link_reset_state import ResetState
from gateway.peers.registry import Peer
from gateway.peers.scope import Agreed, PeerState
from gateway.peers.store import PeerRow
from gateway.ports import Clock, Json, OperationResult
from gateway.trust import history as trust_history
from gateway.trust.operations.changes import everything, shown
from gateway.trust.operations.models import AddPeer, Code60, OnePeer, PeerLine, Peers, Scope, WholePeer
from gateway.trust.peer_sync import read_chain, require_reached
from keys.documents.descriptor_chain import accept_chain, require_second_form
from keys.documents.fingerprint import Party, pair_code, pair_text
from keys.documents.link_reset import Reset, reset_hash
from keys.documents.trust_record import TrustRecord
from keys.primitives.domains import RESET
from keys.primitives.encoding import canon, is_line, is_node
from keys.primitives.sign import SignedDocument

_is_name = is_line(1, 100)


def summary(peer: Peer, now: int) -> dict[str, Json]:
    """One peer in a line; `missing` says what keeps messages from passing."""
    return {
        "name": peer.name,
        "node": peer.node,
        "country": peer.descriptor.country,
        "state": str(peer.state),
        "cause": peer.cause,
        "missing": peer.missing(now),
        "demo": peer.demo,
        "first_form": peer.descriptor.is_first_form,
        "descriptor_version": peer.descriptor.version,
        "keyset_seen": peer.keyset_seen,
        "failing_since": peer.failing_since,
        "attempts": peer.attempts,
        "next_try": peer.next_try or None,
    }


class PeerOperations:
    """Operations on peers."""

    def __init__(
        self,
        *,
        store: Store,
        own: OwnIdentity,
        link: PeerLink,
        config: Config,
        lowest: Mapping[str, int],
        clock: Clock,
        actor: Actor,
    ) -> None:
        """`lowest` has the versions that known nodes have reached, by their ids."""
        self._store = store
        self._own = own
        self._link = link
        self._config = config
        self._lowest = lowest
        self._clock = clock
        self._actor = actor

    @operation("peer.list", "peers", roles=EVERYBODY, about=About.PEER, answer=Peers, units=Units.FREE)
    async def list_peers(self, _asked: Nothing) -> OperationResult:
        """Every peer."""
        now = self._clock.now()
        return OperationResult(value={"peers": [summary(peer, now) for peer in self._link.registry.all()]})

    @operation(
        "peer.add",
        "propose a peer from its descriptor chain",
        roles=TRUST,
        about=About.PEER,
        answer=PeerLine,
        creates=True,
        example={"url": "https://trm.example.al:8443"},
    )
    async def add(self, asked: AddPeer, caller: Caller) -> OperationResult:
        """Propose a peer from its chain: a pairing file's content, or an address to fetch it from. The digits decide
        later; a `fingerprint` and a `version` that were scanned are compared now.
        """
        if asked.chain is not None:
            data = canon(asked.chain)
        elif asked.url is not None:
            data = await self._fetched(asked.url)
        else:
            raise RefusedError(
                Code.INVALID,
                "the argument url is missing or wrong; nothing was changed",
                findings=[Finding(place="/url", rule="type", hint="the chain, or an address to fetch it from")],
            )
        try:
            chain = accept_chain(read_chain(data), self._clock.now())
        except RemoteError as error:
            raise RefusedError(
                error.code, f"this is not a valid descriptor chain: {error.what}", hint="ask for the pairing file again"
            ) from error
        newest = chain[-1]
        if newest.node == self._own.node:
            raise RefusedError(Code.WRONG_NODE, "this is the descriptor of this node itself")
        if asked.fingerprint not in (None, newest.fingerprint):
            raise RefusedError(
                Code.WRONG_NODE,
                "the node at this address is not the one that was scanned; nothing was changed",
                hint="scan its code again; if it still differs, somebody is between you: stop",
            )
        require_second_form(newest)
        require_reached(newest, self._lowest)
        if newest.version < (asked.version or 1):
            raise RefusedError(
                Code.ROLLBACK,
                "the chain at this address ends before the version that was scanned; nothing was changed",
                hint="ask for the pairing file again; if it still ends there, somebody holds back what they published",
            )
        name = asked.name or newest.name
        if not _is_name(name) or is_node(name):
            raise RefusedError(
                Code.INVALID,
                "the name of a peer is one line of 1 to 100 characters, and no node id; nothing was changed",
                hint="choose another one with --name",
            )
        now = self._clock.now()
        row = PeerRow(
            node=newest.node,
            name=name,
            state=str(PeerState.PROPOSED),
            cause=None,
            demo=len(newest.roots) == 1,
            keyset=None,
            keyset_seen=None,
            schemas=None,
            attempts=0,
            next_try=0,
            failing_since=None,
            added=now,
            verified=None,
            chain=tuple(descriptor.document.encode() for descriptor in chain),
        )

        actor = pseudonym(caller.actor, self._actor)

        def move(connection: Connection) -> None:
            if any(row.name == held.name or row.node == held.node for held in peer_rows.load(connection)):
                raise RefusedError(
                    Code.EXISTS,
                    "there is a peer with this name or node id already; nothing was changed",
                    hint="choose another name with --name, or see trm peer show",
                )
            peer_rows.add(connection, row)
            journal.append_leaf(connection, leaf(now, "peer.proposed", peer=row.node, actor=actor))

        await self._store.move(move)
        await self._link.registry.refresh()
        return OperationResult(value=summary(self._link.registry.find(row.node), now), created=True)

    async def _fetched(self, url: str) -> bytes:
        try:
            return await self._link.client.fetch_descriptor_unpinned(url)
        except TransientError as error:
            raise TransientError(
                error.code, f"{error.what}; nothing was changed", hint="check the address, or ask for the pairing file"
            ) from error

    @operation("peer.show", "one peer", roles=EVERYBODY, about=About.PEER, answer=WholePeer, units=Units.FREE)
    async def show(self, asked: OnePeer) -> OperationResult:
        """One peer: its units, endpoint, what waits for it, what both sides permit, and the verified history of
        that.
        """
        peer, now = self._link.registry.find(asked.id), self._clock.now()

        def query(c: Connection) -> tuple[int, tuple[list[Json], list[str]], list[str], list[Json]]:
            return (
                messages.count_queued(c, peer.node),
                trust_history.verified(self._own.node, c, peer.node),
                [
                    *trust_history.records(c, peer.node, ours=self._own.chain, theirs=peer.chain),
                    *trust_history.position(c, peer.node),
                ],
                [shown(self._link.registry, c, row) for row in trust_rows.in_state(c, trust_rows.PENDING, peer.node)],
            )

        waiting, (history, faults), more_faults, pending = await self._store.read(query)
        standing = peer.standing(now)
        return OperationResult(
            value=summary(peer, now)
            | {
                "endpoint": peer.descriptor.endpoints[0],
                "expires": peer.descriptor.expires,
                "contact": peer.descriptor.contact,
                "units": [
                    {"id": u.id, "name": u.name, "kind": u.kind, "roles": [*u.roles]} for u in peer.descriptor.units
                ],
                "fingerprint": peer.descriptor.fingerprint,
                "scope": None if standing.missing is not None else _agreed(standing.agreed),
                "ours": _record(peer.trust.mine),
                "theirs": _record(peer.trust.theirs),
                "history": history,
                "faults": [*faults, *more_faults],
                "pending": pending,
                "schemas": None if peer.schemas is None else [*peer.schemas],
                "queued": waiting,
                "link": self._reset_of(peer.node),
                "verified": peer.verified,
            }
        )

    def _reset_of(self, node: NodeId) -> Json:
        """Show where the reset of one link stands; None where it never was reset and needs none."""
        row = self._link.registry.reset(node)
        if row is None:
            return None
        offer: Json = None
        if row.offer is not None:
            payload = SignedDocument.decode(row.offer, RESET).payload
            asked = Reset.parse(payload)
            offer = {"reset": reset_hash(payload), "epoch": asked.epoch, "backup": asked.backup, "at": asked.created}
        waits = row.state != ResetState.OPEN or row.offer is not None
        return {"state": row.state, "waits": waits, "since": row.at, "backup": row.backup, "offer": offer}

    @operation("peer.scope", "what we permit the peer", roles=LOOKS, about=About.PEER, answer=Scope)
    async def scope(self, asked: OnePeer) -> OperationResult:
        """Show what this node permits the peer, as a scope file; the widest one for a peer that has none yet."""
        peer = self._link.registry.find(asked.id)
        mine = peer.trust.mine
        return OperationResult(
            value=everything(self._own, self._config, peer).to_json() if mine is None else mine.scope
        )

    @operation("peer.code", "the 60 digits and two versions to compare", roles=TRUST, about=About.PEER, answer=Code60)
    async def code(self, asked: OnePeer) -> OperationResult:
        """The 60 digits, and the versions behind them, that two people compare over a channel they trust."""
        peer = self._link.registry.find(asked.id)
        own, theirs = self._own.descriptor, peer.descriptor
        return OperationResult(
            value={
                "name": peer.name,
                "node": peer.node,
                "code": pair_code(*(Party(side.fingerprint, side.version) for side in (own, theirs))),
                "scanned": pair_text(*((side.fingerprint_hash, side.version) for side in (own, theirs))),
                "demo": peer.demo,
            }
        )


def _record(record: TrustRecord | None) -> Json:
    if record is None:
        return None
    return {
        "state": str(record.state),
        "not_before": record.not_before,
        "expires": record.expires,
        "hash": record.hash,
        "scope": record.scope,
    }


def _agreed(agreed: Agreed) -> Json:
    """The effective scope: what both sides permit now."""
    return {
        "types": [*sorted(agreed.types)],
        "directions": [str(direction) for direction in sorted(agreed.directions)],
        "corridors": [[*pair] for pair in sorted(agreed.corridors)],
        "units": [*sorted(agreed.units)],
        "peer_units": [*sorted(agreed.peer_units)],
        "roles": [*sorted(agreed.roles)],
        "purposes": [*sorted(agreed.purposes)],
        "max_bytes": agreed.max_bytes,
        "max_file_bytes": agreed.max_file_bytes,
    }

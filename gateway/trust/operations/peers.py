"""Peers as administrators see them: proposed from a verified chain, the digits to compare, and where trust stands with
its whole verified history. What changes trust is in `changes`.
"""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.administration.operations.backup import link
from gateway.changes import store as trust_rows
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.errors import Code, RefusedError, RemoteError, TransientError
from gateway.messages.store import messages
from gateway.node.parts import Parts
from gateway.operations.arguments import Arguments, maybe_text, only, text
from gateway.peers import store as peer_rows
from gateway.peers.registry import Peer
from gateway.peers.scope import Agreed, PeerState
from gateway.peers.store import PeerRow
from gateway.ports import Json, OperationResult
from gateway.trust import history as trust_history
from gateway.trust.operations.changes import everything, shown
from gateway.trust.peer_sync import read_chain
from keys.documents.descriptor import accept_chain
from keys.documents.fingerprint import pair_code
from keys.documents.pairing_qr import pair_text
from keys.documents.trust_record import TrustRecord
from keys.primitives.encoding import canon, is_line, is_node

_is_name = is_line(1, 100)


def summary(peer: Peer, now: int) -> dict[str, Json]:
    """One peer in a line; `missing` says what keeps messages from passing."""
    return {
        "name": peer.name,
        "node": peer.node,
        "country": peer.descriptor.country,
        "state": str(peer.state),
        "cause": peer.cause,
        "missing": peer.trust.missing(now),
        "demo": peer.demo,
        "descriptor_version": peer.descriptor.version,
        "keyset_seen": peer.keyset_seen,
        "failing_since": peer.failing_since,
        "attempts": peer.attempts,
        "next_try": peer.next_try or None,
    }


async def list_peers(parts: Parts, arguments: Arguments) -> OperationResult:
    """Every peer."""
    only(arguments)
    now = parts.clock.now()
    return OperationResult(value={"peers": [summary(peer, now) for peer in parts.book.all()]})


async def add(parts: Parts, arguments: Arguments) -> OperationResult:
    """Propose a peer from its chain: a pairing file's content, or an address to fetch it from. The digits decide
    later; a `fingerprint` that was scanned is compared now.
    """
    only(arguments, "name", "chain", "url", "by", "fingerprint")
    by = text(arguments, "by", longest=64)
    if "chain" in arguments:
        data = canon(arguments["chain"])
    else:
        data = await _fetched(parts, text(arguments, "url"))
    try:
        chain = accept_chain(read_chain(data), parts.clock.now())
    except RemoteError as error:
        raise RefusedError(
            error.code, f"this is not a valid descriptor chain: {error.what}", hint="ask for the pairing file again"
        ) from error
    newest = chain[-1]
    if newest.node == parts.own.node:
        raise RefusedError(Code.WRONG_NODE, "this is the descriptor of this node itself")
    if maybe_text(arguments, "fingerprint") not in (None, newest.fingerprint):
        raise RefusedError(
            Code.WRONG_NODE,
            "at this address is another node than the one that was scanned; nothing was changed",
            hint="scan its code again; if it still differs, somebody is between you: do not go on",
        )
    name = maybe_text(arguments, "name") or newest.name
    if not _is_name(name) or is_node(name):
        raise RefusedError(
            Code.INVALID,
            "the name of a peer is one line of 1 to 100 characters, and no node id; nothing was changed",
            hint="choose another one with --name",
        )
    if any(name in (peer.name, peer.node) or peer.node == newest.node for peer in parts.book.all()):
        raise RefusedError(
            Code.EXISTS,
            "there is a peer with this name or node id already; nothing was changed",
            hint="choose another name with --name, or see trm peer show",
        )
    now = parts.clock.now()
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

    def move(connection: Connection) -> None:
        peer_rows.add(connection, row)
        journal.append_leaf(connection, leaf(now, "peer.proposed", peer=row.node, actor=_actor(parts, by)))

    await parts.store.move(move)
    await parts.book.refresh()
    return OperationResult(value=summary(parts.book.find(row.node), now), created=True)


async def _fetched(parts: Parts, url: str) -> bytes:
    try:
        return await parts.client.fetch_descriptor_unpinned(url)
    except TransientError as error:
        raise TransientError(
            error.code, f"{error.what}; nothing was changed", hint="check the address, or ask for the pairing file"
        ) from error


def _actor(parts: Parts, by: str) -> str:
    return parts.keys.actor(by.encode()).hex()


async def show(parts: Parts, arguments: Arguments) -> OperationResult:
    """One peer: its units, endpoint, what waits for it, what both sides permit, and the verified history of that."""
    only(arguments, "id")
    peer, now = parts.book.find(text(arguments, "id")), parts.clock.now()

    def query(c: Connection) -> tuple[int, tuple[list[Json], list[str]], list[str], list[Json]]:
        return (
            messages.count_queued(c, peer.node),
            trust_history.verified(parts.own, c, peer.node),
            [*trust_history.records(parts.own, parts.book, c, peer.node), *trust_history.position(c, peer.node)],
            [shown(parts, c, row) for row in trust_rows.in_state(c, trust_rows.PENDING, peer.node)],
        )

    waiting, (history, faults), more_faults, pending = await parts.store.read(query)
    standing = peer.standing(now)
    return OperationResult(
        value=summary(peer, now)
        | {
            "endpoint": peer.descriptor.endpoints[0],
            "expires": peer.descriptor.expires,
            "contact": peer.descriptor.contact,
            "units": [{"id": u.id, "name": u.name, "roles": [*u.roles]} for u in peer.descriptor.units],
            "fingerprint": peer.descriptor.fingerprint,
            "scope": None if standing.missing is not None else _agreed(standing.agreed),
            "ours": _record(peer.trust.mine),
            "theirs": _record(peer.trust.theirs),
            "history": history,
            "faults": [*faults, *more_faults],
            "pending": pending,
            "schemas": None if peer.schemas is None else [*peer.schemas],
            "queued": waiting,
            "link": link(parts, peer.node),
            "verified": peer.verified,
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


async def scope(parts: Parts, arguments: Arguments) -> OperationResult:
    """What this node permits the peer, in the form of a scope file; the widest one for a peer that has none yet."""
    only(arguments, "id")
    peer = parts.book.find(text(arguments, "id"))
    mine = peer.trust.mine
    return OperationResult(value=everything(parts, peer).to_json() if mine is None else mine.scope)


async def code(parts: Parts, arguments: Arguments) -> OperationResult:
    """The 60 digits that two people compare over a channel they trust."""
    only(arguments, "id")
    peer = parts.book.find(text(arguments, "id"))
    own, theirs = parts.own.descriptor, peer.descriptor
    return OperationResult(
        value={
            "name": peer.name,
            "node": peer.node,
            "code": pair_code(own.fingerprint, theirs.fingerprint),
            "scanned": pair_text(own.fingerprint_hash, theirs.fingerprint_hash),
            "demo": peer.demo,
        }
    )

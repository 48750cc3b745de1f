"""Peers as administrators see them: proposed from a verified chain, made active by 60 typed digits, narrowed at once
(DESIGN 3c).
"""

from __future__ import annotations

import json

from sqlalchemy import Connection

import schemas
from gateway.core.scope import Direction, PeerState, Scope, listens, type_name
from gateway.errors import Code, GatewayError, RefusedError, RemoteError
from gateway.ports import Done, Json
from gateway.service.book import Peer
from gateway.service.desk.arguments import Arguments, maybe_text, only, text
from gateway.service.leaves import leaf
from gateway.service.parts import Parts
from gateway.service.peering import address, fetch_chain, read_chain, refresh, refresh_schemas
from gateway.store import log, messages
from gateway.store import peers as peer_rows
from gateway.store.peers import PeerRow
from keys.descriptor import accept_chain, common_suite
from keys.descriptor import usable as descriptor_usable
from keys.encoding import canon, parse
from keys.identity import pair_code

CHANNELS = ("in_person", "video", "known_phone")


def summary(peer: Peer) -> dict[str, Json]:
    """One peer in a line."""
    return {
        "name": peer.name,
        "node": peer.node,
        "country": peer.descriptor.country,
        "state": str(peer.state),
        "cause": peer.cause,
        "demo": peer.demo,
        "descriptor_version": peer.descriptor.version,
        "keyset_seen": peer.keyset_seen,
        "failing_since": peer.failing_since,
        "attempts": peer.attempts,
        "next_try": peer.next_try or None,
    }


async def list_peers(parts: Parts, arguments: Arguments) -> Done:
    """Every peer."""
    only(arguments)
    return Done(value={"peers": [summary(peer) for peer in parts.book.all()]})


async def add(parts: Parts, arguments: Arguments) -> Done:
    """Propose a peer from its chain: a pairing file's content, or an address to fetch it from. The digits decide
    later.
    """
    only(arguments, "name", "chain", "url", "by")
    by = text(arguments, "by", longest=64)
    if "chain" in arguments:
        data = canon(arguments["chain"])
    else:
        data = await parts.client.fetch_descriptor_unpinned(text(arguments, "url"))
    try:
        chain = accept_chain(read_chain(data), parts.clock.now())
    except RemoteError as error:
        raise RefusedError(
            error.code, f"this is not a valid descriptor chain: {error.what}", hint="ask for the pairing file again"
        ) from error
    newest = chain[-1]
    if newest.node == parts.own.node:
        raise RefusedError(Code.WRONG_NODE, "this is the descriptor of this node itself")
    name = maybe_text(arguments, "name") or newest.name
    if any(name in (peer.name, peer.node) or peer.node == newest.node for peer in parts.book.all()):
        raise RefusedError(
            Code.EXISTS, "there is a peer with this name or node id already; nothing was changed",
            hint="choose another name with --name, or see trm peer show",
        )  # fmt: skip
    now = parts.clock.now()
    row = PeerRow(
        node=newest.node, name=name, state=str(PeerState.PROPOSED), cause=None,
        scope=json.dumps(Scope(types={}).to_json()), demo=len(newest.roots) == 1, keyset=None, keyset_seen=None,
        schemas=None, attempts=0, next_try=0, failing_since=None, added=now, verified=None,
        chain=tuple(descriptor.document.encode() for descriptor in chain),
    )  # fmt: skip

    def move(connection: Connection) -> None:
        peer_rows.add(connection, row)
        log.append_leaf(connection, leaf(now, "peer.proposed", peer=row.node, actor=_actor(parts, by)))

    await parts.store.move(move)
    await parts.book.refresh()
    return Done(value=summary(parts.book.find(row.node)), created=True)


def _actor(parts: Parts, by: str) -> str:
    return parts.keys.actor(by.encode()).hex()


async def show(parts: Parts, arguments: Arguments) -> Done:
    """One peer with its units, endpoint, scope and what waits for it."""
    only(arguments, "id")
    peer = parts.book.find(text(arguments, "id"))
    waiting = await parts.store.read(lambda c: messages.count_queued(c, peer.node))
    return Done(
        value=summary(peer)
        | {
            "endpoint": peer.descriptor.endpoints[0],
            "expires": peer.descriptor.expires,
            "contact": peer.descriptor.contact,
            "units": [{"id": u.id, "name": u.name, "roles": [*u.roles]} for u in peer.descriptor.units],
            "fingerprint": peer.descriptor.fingerprint,
            "scope": peer.scope.to_json(),
            "schemas": None if peer.schemas is None else [*peer.schemas],
            "queued": waiting,
            "verified": peer.verified,
        }
    )


async def code(parts: Parts, arguments: Arguments) -> Done:
    """The 60 digits that two people compare over a channel they trust."""
    only(arguments, "id")
    peer = parts.book.find(text(arguments, "id"))
    digits = pair_code(parts.own.descriptor.fingerprint, peer.descriptor.fingerprint)
    return Done(value={"name": peer.name, "node": peer.node, "code": digits, "demo": peer.demo})


async def verify(parts: Parts, arguments: Arguments) -> Done:
    """The digits as they were read out, typed: right ones make the peer active with the scope of this release."""
    only(arguments, "id", "digits", "channel", "by")
    peer = parts.book.find(text(arguments, "id"))
    by, channel = text(arguments, "by", longest=64), text(arguments, "channel")
    if channel not in CHANNELS:
        raise RefusedError(Code.INVALID, "the channel is one of " + ", ".join(CHANNELS))
    if peer.state is not PeerState.PROPOSED:
        raise RefusedError(Code.CONFLICT, f"the peer is {peer.state}; nothing was changed")
    typed = "".join(character for character in text(arguments, "digits") if character.isdigit())
    expected = pair_code(parts.own.descriptor.fingerprint, peer.descriptor.fingerprint).replace(" ", "")
    if typed != expected:
        raise RefusedError(
            Code.WRONG_NODE, "the digits are not those of this pair; the peer stays proposed",
            hint="read them out again; if they still differ, somebody is between you: do not go on",
        )  # fmt: skip
    now = parts.clock.now()
    both = frozenset(Direction)
    scope = Scope(types={type_name(entry.body_type): both for entry in schemas.catalogue().types})

    def move(connection: Connection) -> None:
        _still(connection, peer.node, (PeerState.PROPOSED,))
        peer_rows.change(
            connection, peer.node, state=str(PeerState.ACTIVE), scope=json.dumps(scope.to_json()), verified=now
        )
        log.append_leaf(
            connection, leaf(now, "peer.verified", peer=peer.node, actor=_actor(parts, by), channel=channel)
        )

    await parts.store.move(move)
    await parts.book.refresh()
    parts.signals.peer_called(peer.node)
    return Done(value=summary(parts.book.find(peer.node)))


async def suspend(parts: Parts, arguments: Arguments) -> Done:
    """One person may stop a peer at once; withdrawals and safety alerts still pass (PROTOCOL B4)."""
    return await _change(parts, arguments, (PeerState.ACTIVE,), PeerState.SUSPENDED, "peer.suspended")


async def resume(parts: Parts, arguments: Arguments) -> Done:
    """Undo a person's suspension; one that had a cause needs the trust procedure of two people."""
    return await _change(parts, arguments, (PeerState.SUSPENDED,), PeerState.ACTIVE, "peer.resumed")


async def revoke(parts: Parts, arguments: Arguments) -> Done:
    """End the trust for ever; the peer would have to be paired anew under a new node id."""
    every = tuple(state for state in PeerState if state is not PeerState.REVOKED)
    return await _change(parts, arguments, every, PeerState.REVOKED, "peer.revoked")


async def _change(parts: Parts, arguments: Arguments, was: tuple[PeerState, ...], to: PeerState, event: str) -> Done:
    only(arguments, "id", "by")
    peer, by = parts.book.find(text(arguments, "id")), text(arguments, "by", longest=64)
    if peer.state not in was:
        raise RefusedError(Code.CONFLICT, f"the peer is {peer.state}; nothing was changed")
    now = parts.clock.now()

    def move(connection: Connection) -> None:
        _still(connection, peer.node, was)
        peer_rows.change(connection, peer.node, state=str(to))
        log.append_leaf(connection, leaf(now, event, peer=peer.node, actor=_actor(parts, by)))

    await parts.store.move(move)
    await parts.book.refresh()
    if not listens(to):
        await parts.client.forget(peer.node)
    parts.signals.peer_called(peer.node)
    return Done(value=summary(parts.book.find(peer.node)))


def _still(connection: Connection, node: str, states: tuple[PeerState, ...]) -> None:
    """The state inside the transaction: another person or a proof of misbehaviour may have changed it meanwhile."""
    state = peer_rows.state_of(connection, node)
    if state not in states:
        raise RefusedError(Code.CONFLICT, f"the peer is {state} meanwhile; nothing was changed")


async def ping(parts: Parts, arguments: Arguments) -> Done:
    """The way to a peer step by step: descriptor, connection with its pinned key, keyset, suite, schemas, signed
    question.
    """
    only(arguments, "id")
    peer = parts.book.find(text(arguments, "id"))
    steps: list[Json] = []
    for name, step in _STEPS:
        try:
            steps.append({"step": name, "ok": True, "detail": await step(parts, parts.book.find(peer.node))})
        except GatewayError as error:
            steps.append({"step": name, "ok": False, "detail": error.what, "hint": error.hint, "code": str(error.code)})
            break
    done = len(steps) == len(_STEPS) and all(isinstance(s, dict) and s["ok"] is True for s in steps)
    return Done(value={"name": peer.name, "ok": done, "steps": steps})


async def _descriptor(parts: Parts, peer: Peer) -> str:
    descriptor_usable(peer.descriptor, parts.clock.now())
    return f"version {peer.descriptor.version}, valid"


async def _connection(parts: Parts, peer: Peer) -> str:
    await fetch_chain(parts, peer)
    return "TLS 1.3, the server key is the pinned one"


async def _keyset(parts: Parts, peer: Peer) -> str:
    found = await refresh(parts, peer)
    if found.keyset is None:
        raise RuntimeError("a refreshed peer has a keyset")
    return f"version {found.keyset.version}, fresh"


async def _suite(parts: Parts, peer: Peer) -> str:
    return common_suite(parts.own.descriptor, peer.descriptor)


async def _schemas(parts: Parts, peer: Peer) -> str:
    found = await refresh_schemas(parts, peer)
    common = schemas.catalogue().hashes & set(found.schemas or ())
    if not common:
        raise RefusedError(Code.NO_COMMON_SCHEMA, "no message type in common", hint="one node has to be upgraded")
    return f"{len(common)} message types in common; our signature was accepted"


async def _link(parts: Parts, peer: Peer) -> str:
    answered = await parts.client.get_link(address(peer.descriptor))
    value = parse(answered.body, limit=10_000)
    if answered.status != 200 or not isinstance(value, dict):
        raise RefusedError(
            Code.NOT_ACTIVE, "the peer does not answer signed questions", hint="is this node active there?"
        )
    return f"it has seen our messages up to number {value.get('high')}"


_STEPS = (
    ("descriptor", _descriptor),
    ("connection", _connection),
    ("keyset", _keyset),
    ("suite", _suite),
    ("schemas", _schemas),
    ("signed round trip", _link),
)

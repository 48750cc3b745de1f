"""What a node that was restored from a backup and its peer say to each other about their link (PROTOCOL B3, last row;
`gateway.peers.link_reset_state` has the rules, `gateway.trust.link_reset.decisions` what people decide about it).

A reset is asked for by a signed document that is repeated until the peer's own view of the link shows the new epoch.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.errors import Code, RefusedError, RemoteError, TransientError
from gateway.messages.machines.numbering import FIRST_EPOCH
from gateway.messages.store import links
from gateway.node.parts import Parts
from gateway.peers.link_reset_state import ResetState, check_offer, new_epoch
from gateway.peers.registry import Peer, address
from gateway.peers.reset_rows import ResetRow
from gateway.peers.scope import listens
from gateway.ports import Json
from gateway.trust.link_reset import store
from gateway.trust.link_reset.decisions import positions, read_reset, view_of
from keys.documents.link_reset import Reset, View, reset_hash
from keys.primitives.encoding import SKEW, parse
from keys.primitives.sign import RESET, SignedDocument


async def ask_view(parts: Parts, peer: Peer) -> View:
    """What the peer holds of our numbers, signed by its answer. Raises TransientError, or RemoteError for nonsense."""
    answered = await parts.client.get_link(address(peer.descriptor))
    if answered.status != 200:
        raise TransientError(Code.UNREACHABLE, "the peer does not say what it holds of the link")
    return View.from_json(parse(answered.body, limit=4_096))


async def propose(parts: Parts, peer: Peer) -> dict[str, Json]:
    """The body of `link.reset`: what the peer says, and the new epoch.

    Raises RefusedError(conflict) where the link needs no reset; else as ``ask_view``.
    """
    row = parts.book.reset(peer.node)
    if row is None or row.backup is None or row.state == ResetState.OPEN:
        raise RefusedError(
            Code.CONFLICT, "this link needs no reset", hint="only a node that was restored from a backup asks for one"
        )
    view = await ask_view(parts, peer)
    ours = await parts.store.read(lambda c: positions(c, peer.node))
    return {
        "view": view.to_json(),
        "epoch": new_epoch(view.epoch, *ours),
        "backup": row.backup,
    }


async def press(parts: Parts) -> None:
    """Chore: ask every peer whose reset two people approved, until its view shows the new epoch."""
    for peer in parts.book.all():
        row = parts.book.reset(peer.node)
        if row is None or not listens(peer.state) or row.state == ResetState.OPEN:
            continue
        try:
            if row.state == ResetState.ASKED:
                await _press_one(parts, peer, row)
            else:
                await _open_unused(parts, peer)
        except (TransientError, RemoteError):
            continue  # told by its own alarms; the chore comes again


async def _press_one(parts: Parts, peer: Peer, row: ResetRow) -> None:
    if row.ours is None:
        row = await _signed(parts, peer.node, row)
    if row.ours is None:
        return
    answered = await parts.client.post_link(address(peer.descriptor), row.ours)
    if answered.status != 200:  # its view of the link is another one meanwhile: people look and approve again
        now = parts.clock.now()
        await parts.store.move(lambda c: journal.raise_alarm(c, at=now, kind="peer.reset_refused", peer=peer.node))
    elif View.from_json(parse(answered.body, limit=4_096)).epoch == row.epoch:
        await _opened(parts, peer.node, row.epoch)


async def _signed(parts: Parts, node: str, row: ResetRow) -> ResetRow:
    """The row with the request in it, signed once, so that repeats have the same bytes."""
    if row.epoch is None or row.view is None or row.change is None or row.backup is None:
        raise RuntimeError("an approved reset has all its parts")
    now = parts.clock.now()
    payload = Reset(
        from_=parts.own.node,
        to=node,
        view=View.from_json(parse(row.view, limit=4_096)),
        epoch=row.epoch,
        backup=row.backup,
        change=row.change,
        created=now,
    ).encode()
    document = SignedDocument(payload=payload, payload_type=RESET, signatures=(parts.keys.sign(RESET, payload),))
    new = replace(row, ours=document.encode())

    def move(connection: Connection) -> ResetRow:
        if store.get(connection, node) == row:
            store.put(connection, new)
        return store.get(connection, node) or row

    held = await parts.store.move(move)
    await parts.book.refresh()
    return held


async def _open_unused(parts: Parts, peer: Peer) -> None:
    """A peer that the backup does not know, and on whose link neither side knows of a number: a new pairing as any
    other, for which nobody has to decide anything.
    """
    if await parts.store.read(lambda c: store.known(c, peer.node) or _used(c, peer.node)):
        return
    if await ask_view(parts, peer) == View(epoch=FIRST_EPOCH, high=0, hash=None):
        await _opened(parts, peer.node, FIRST_EPOCH)


async def _opened(parts: Parts, node: str, epoch: int | None) -> None:
    now = parts.clock.now()

    def move(connection: Connection) -> None:
        row = store.get(connection, node)
        if row is None or row.state == ResetState.OPEN:
            return
        store.put(connection, replace(row, state=str(ResetState.OPEN), at=now, accepted=row.ours, ours=None))
        journal.append_leaf(connection, leaf(now, "link.opened", peer=node, epoch=epoch))

    await parts.store.move(move)
    await told(parts, node)


# --- its peer ----------------------------------------------------------------------------------------------------


async def take_offer(parts: Parts, peer: Peer, data: bytes) -> View:
    """A peer says that it was restored: laid before a person, unless it is an old request or about another link.

    Raises RemoteError; nothing was changed.
    """
    document = SignedDocument.decode(data, RESET)
    reset, now = Reset.parse(document.payload), parts.clock.now()
    if reset.from_ != peer.node:
        raise RemoteError(Code.UNKNOWN_SENDER, "the reset was made by another node")
    if reset.to != parts.own.node:
        raise RemoteError(Code.MISDIRECTED, "the reset is addressed to another node")
    key = peer.descriptor.signing_key(document.signature.kid, at=reset.created)
    await parts.workers.off_loop(lambda: document.verify(key))
    if reset.created > now + SKEW:
        raise RemoteError(Code.NOT_YET_VALID, "the reset was made in the future")
    of = reset_hash(document.payload)

    def move(connection: Connection) -> View:
        row = store.get(connection, peer.node) or ResetRow(peer=peer.node, state=str(ResetState.OPEN), at=now)
        held = view_of(connection, peer.node)
        incoming, outgoing = positions(connection, peer.node)
        if data in (row.offer, row.accepted) or (row.state == ResetState.ASKED and reset.epoch == row.epoch):
            return held  # a repeat, or both sides were restored and chose alike
        check_offer(epoch=reset.epoch, view_fits=reset.view == held, incoming=incoming, outgoing=outgoing)
        store.put(connection, replace(row, offer=data))
        journal.append_leaf(connection, leaf(now, "link.reset_offered", peer=peer.node, of=of, epoch=reset.epoch))
        journal.raise_alarm(connection, at=now, kind="peer.link_reset", peer=peer.node)
        return held

    view = await parts.store.move(move)
    await told(parts, peer.node)
    return view


def offered(parts: Parts, peer: Peer) -> dict[str, Json]:
    """The body of `link.accept_reset`: which request, and what it says. Raises RefusedError(not_found)."""
    row = parts.book.reset(peer.node)
    if row is None or row.offer is None:
        raise RefusedError(Code.NOT_FOUND, "this peer does not ask for a reset of the link")
    reset, of = read_reset(row.offer)
    return {"reset": of, "epoch": reset.epoch, "backup": reset.backup}


async def told(parts: Parts, node: str) -> None:
    """What changed about a link is known to every loop."""
    await parts.book.refresh()
    parts.signals.peer_called(node)
    parts.signals.handover.set()
    await parts.signals.happened()


def _used(connection: Connection, node: str) -> bool:
    return any(
        links.position(connection, node, way) != links.LinkRow(epoch=FIRST_EPOCH, high=0, last=None)
        for way in (links.IN, links.OUT)
    )

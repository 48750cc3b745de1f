"""What a node that was restored from a backup and its peer say to each other about their link (nrm1 5.9;
`gateway.peers.link_reset_state` has the rules, `gateway.trust.link_reset.decisions` what people decide about it).

A reset is asked for by a signed document that is repeated until the peer's own view of the link shows the new epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError, RemoteError, TransientError
from gateway.foundation.chores import Chore
from gateway.foundation.ids import NodeId
from gateway.foundation.workers import Workers
from gateway.identity.identity import Identity
from gateway.messages.machines.numbering import FIRST_EPOCH
from gateway.messages.store import links
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.peers import reset_rows
from gateway.peers.link import PeerLink
from gateway.peers.link_reset_state import ResetState, check_offer, new_epoch
from gateway.peers.registry import Peer, address
from gateway.peers.reset_rows import ResetRow
from gateway.peers.scope import listens
from gateway.ports import Clock, Json
from gateway.trust.link_reset import store
from gateway.trust.link_reset.decisions import positions, read_reset, view_of
from gateway.trust.link_reset.taken_lists import TakenLists
from keys.documents.link_reset import Answered, LinkRecord, Reset, View, reset_hash
from keys.primitives.domains import RESET
from keys.primitives.encoding import SKEW, parse
from keys.primitives.sign import SignedDocument

RESET_PACE = 15
"""Seconds between looks whether a peer has accepted that a link begins anew."""


class LinkReset:
    """Begins links anew after a restore, as people on both sides approved."""

    def __init__(
        self,
        *,
        store: Store,
        identity: Identity,
        link: PeerLink,
        taken_lists: TakenLists,
        workers: Workers,
        wakeups: Wakeups,
        events: EventStream,
        clock: Clock,
    ) -> None:
        self._store = store
        self._identity = identity
        self._link = link
        self._taken_lists = taken_lists
        self._workers = workers
        self._wakeups = wakeups
        self._events = events
        self._clock = clock

    def chores(self) -> Sequence[Chore]:
        """Ask whether peers have accepted that a link begins anew."""
        return (Chore("link reset", RESET_PACE, self.press),)

    async def record(self, node: NodeId) -> LinkRecord:
        """Read what is held here of the link with a peer."""
        return await self._store.read(lambda c: record_of(c, node))

    async def ask_view(self, peer: Peer) -> View:
        """Ask what the peer holds of our numbers; its answer is signed. Raises TransientError, or RemoteError for
        nonsense.
        """
        answered = await self._link.client.get_link(address(peer.descriptor))
        if answered.status != 200:
            raise TransientError(Code.UNREACHABLE, "the peer does not say what it holds of the link")
        return LinkRecord.from_json(parse(answered.body, limit=4_096)).view

    async def propose(self, peer: Peer) -> dict[str, Json]:
        """The body of `link.reset`: what the peer says, and the new epoch.

        Raises RefusedError(conflict) where the link needs no reset; else as ``ask_view``.
        """
        row = self._link.registry.reset(peer.node)
        if row is None or row.backup is None or row.state == ResetState.OPEN:
            raise RefusedError(
                Code.CONFLICT,
                "this link needs no reset",
                hint="only a node that was restored from a backup asks for one",
            )
        view = await self.ask_view(peer)
        ours = await self._store.read(lambda c: positions(c, peer.node))
        return {
            "view": view.to_json(),
            "epoch": new_epoch(view.epoch, *ours),
            "backup": row.backup,
        }

    async def press(self) -> None:
        """Chore: ask every peer whose reset two people approved, until its view shows the new epoch."""
        for peer in self._link.registry.all():
            row = self._link.registry.reset(peer.node)
            if row is None or not listens(peer.state) or row.state == ResetState.OPEN:
                continue
            try:
                if row.state == ResetState.ASKED:
                    await self._press_one(peer, row)
                else:
                    await self._open_unused(peer)
            except (TransientError, RemoteError):
                continue  # told by its own alarms; the chore comes again

    async def _press_one(self, peer: Peer, row: ResetRow) -> None:
        if row.ours is None:
            row = await self._signed(peer.node, row)
        if row.ours is None:
            return
        answered = await self._link.client.post_link(address(peer.descriptor), row.ours)
        if answered.status != 200:
            if row.offer is None:  # its view of the link is another one meanwhile: people look and approve again
                await self._store.move(partial(_tell_refused, node=peer.node, now=self._clock.now()))
        elif View.from_json(parse(answered.body, limit=4_096)).epoch == row.epoch:
            await self._finish(peer, await self._accepted(peer.node, row))

    async def _accepted(self, node: NodeId, row: ResetRow) -> ResetRow:
        """Alerts and withdrawals may go from now on."""
        if row.only_urgent:
            return row
        new = replace(row, accepted=row.ours)

        def move(connection: Connection) -> None:
            if store.get(connection, node) == row:
                store.put(connection, new)

        await self._store.move(move)
        await self.told(node)
        return new

    async def _finish(self, peer: Peer, row: ResetRow) -> None:
        """The peer has accepted: what it knows to have been taken away goes before everything else."""
        if row.ours is None:
            raise RuntimeError("a reset that was accepted was asked for")
        await self._taken_lists.take(peer, read_reset(row.ours)[1])
        await self._opened(peer.node, row.epoch, row.ours)

    async def _signed(self, node: NodeId, row: ResetRow) -> ResetRow:
        """The row with the request in it, signed once, so that repeats have the same bytes."""
        if row.epoch is None or row.view is None or row.change is None or row.backup is None:
            raise RuntimeError("an approved reset has all its parts")
        now = self._clock.now()
        payload = Reset(
            from_=self._identity.own.node,
            to=node,
            view=View.from_json(parse(row.view, limit=4_096)),
            epoch=row.epoch,
            backup=row.backup,
            change=row.change,
            created=now,
        ).encode()
        document = SignedDocument(
            payload=payload, payload_type=RESET, signatures=(self._identity.keys.sign(RESET, payload),)
        )
        new = replace(row, ours=document.encode())

        def move(connection: Connection) -> ResetRow:
            if store.get(connection, node) == row:
                store.put(connection, new)
            return store.get(connection, node) or row

        held = await self._store.move(move)
        await self._link.registry.refresh()
        return held

    async def _open_unused(self, peer: Peer) -> None:
        """A peer that the backup does not know, and on whose link neither side knows of a number: a new pairing as any
        other, for which nobody has to decide anything.
        """
        if await self._store.read(lambda c: store.known(c, peer.node) or _used(c, peer.node)):
            return
        if await self.ask_view(peer) == View(epoch=FIRST_EPOCH, high=0, hash=None):
            await self._opened(peer.node, FIRST_EPOCH, None)

    async def _opened(self, node: NodeId, epoch: int | None, asked: bytes | None) -> None:
        """The link is open, unless people decided something else than what was `asked` meanwhile."""
        now = self._clock.now()

        def move(connection: Connection) -> None:
            row = store.get(connection, node)
            if row is None or row.state == ResetState.OPEN or row.ours != asked:
                return
            store.put(connection, replace(row, state=str(ResetState.OPEN), at=now, accepted=asked, ours=None))
            journal.append_leaf(connection, leaf(now, "link.opened", peer=node, epoch=epoch))
            for kind in ("node.older", "peer.reset_refused", "peer.link_reset_required"):
                journal.close_alarms(connection, kind, at=now, peer=node)
            if all(link.state == ResetState.OPEN for link in reset_rows.in_use(connection)):
                journal.close_alarms(connection, "node.restored", at=now)
                journal.close_alarms(connection, "node.older", at=now)

        await self._store.move(move)
        await self.told(node)

    async def take_offer(self, peer: Peer, data: bytes) -> View:
        """A peer says that it was restored: laid before a person, unless it is an old request or about another link.

        Raises RemoteError; nothing was changed.
        """
        document = SignedDocument.decode(data, RESET)
        reset, now = Reset.parse(document.payload), self._clock.now()
        if reset.from_ != peer.node:
            raise RemoteError(Code.UNKNOWN_SENDER, "the reset was made by another node")
        if reset.to != self._identity.own.node:
            raise RemoteError(Code.MISDIRECTED, "the reset is addressed to another node")
        key = peer.descriptor.signing_key(document.signature.kid, at=reset.created)
        await self._workers.off_loop(lambda: document.verify(key))
        if reset.created > now + SKEW:
            raise RemoteError(Code.NOT_YET_VALID, "the reset was made in the future")
        of = reset_hash(document.payload)

        def move(connection: Connection) -> View:
            row = store.get(connection, peer.node) or ResetRow(peer=peer.node, state=str(ResetState.OPEN), at=now)
            held = view_of(connection, peer.node)
            incoming, outgoing = positions(connection, peer.node)
            if data == row.accepted:  # it is told so also where this node asks for another epoch meanwhile
                return View(epoch=reset.epoch, high=0, hash=None) if held.epoch > reset.epoch else held
            if data == row.offer and reset.epoch > max(incoming, outgoing):
                return held
            check_offer(epoch=reset.epoch, view_fits=reset.view == held, incoming=incoming, outgoing=outgoing)
            store.put(connection, replace(row, offer=data))
            journal.append_leaf(connection, leaf(now, "link.reset_offered", peer=peer.node, of=of, epoch=reset.epoch))
            journal.raise_alarm(connection, at=now, kind="peer.link_reset", peer=peer.node)
            return held

        view = await self._store.move(move)
        await self.told(peer.node)
        return view

    def offered(self, peer: Peer) -> dict[str, Json]:
        """The body of `link.accept_reset`: which request, and what it says. Raises RefusedError(not_found)."""
        row = self._link.registry.reset(peer.node)
        if row is None or row.offer is None:
            raise RefusedError(Code.NOT_FOUND, "this peer does not ask for a reset of the link")
        reset, of = read_reset(row.offer)
        return {"reset": of, "epoch": reset.epoch, "backup": reset.backup}

    async def told(self, node: NodeId) -> None:
        """Tell every loop what changed about a link."""
        await self._link.registry.refresh()
        self._wakeups.peer_called(node)
        self._wakeups.handover.set()
        await self._events.happened()


def record_of(connection: Connection, node: NodeId) -> LinkRecord:
    """Read what is held of the numbers of a peer, and up to which of ours it has answered (`GET /v1/link`)."""
    epoch = links.position(connection, node, links.OUT).epoch
    answered = Answered(epoch=epoch, n=store.highest_answered(connection, node, epoch))
    return LinkRecord(view=view_of(connection, node), answered=answered)


def _tell_refused(connection: Connection, *, node: NodeId, now: int) -> None:
    journal.raise_alarm(connection, at=now, kind="peer.reset_refused", peer=node)


def _used(connection: Connection, node: NodeId) -> bool:
    return any(
        links.position(connection, node, way) != links.LinkRow(epoch=FIRST_EPOCH, high=0, last=None)
        for way in (links.IN, links.OUT)
    )

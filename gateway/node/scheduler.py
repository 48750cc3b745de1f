"""Housekeeping: keys that must be made, shown and destroyed in time, messages whose life is over, what is owed in
conversations, peers that must hear from us.

Every chore is one step that can be repeated after a crash at any point.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from sqlalchemy import Connection

from gateway.database import content, journal, meta
from gateway.database.audit_entries import leaf
from gateway.erasure import retention
from gateway.errors import Code, GatewayError, RefusedError, RemoteError, TransientError
from gateway.foundation.logs import logger
from gateway.messages import state_transitions
from gateway.messages.machines.delivery import Outgoing, OutgoingEvent, allows
from gateway.messages.machines.numbering import GAP_PATIENCE
from gateway.messages.state_transitions import Change
from gateway.messages.store import links, local, messages
from gateway.node.parts import Parts
from gateway.peers.expiry_warnings import tell
from gateway.peers.registry import address
from gateway.peers.scope import PeerState, listens
from keys.documents.descriptor import Descriptor
from keys.documents.succession import USES

MINUTE = 60
HOUR = 3_600
DAY = 24 * HOUR
PEERS_PATIENCE = DAY
"""How long a node waits for its peers to hold its new descriptor before it signs by it."""
REWRAP_BATCH = 1_000
EXPIRE_BATCH = 500
FIRST_PUSH_RETRY = 5
LONGEST_PUSH_RETRY = 15 * MINUTE
RESET_PACE = 15
"""Seconds between looks whether a peer has accepted that a link begins anew."""
UNDELIVERED_ALARM = 72 * HOUR
SUBMISSION_MEMORY = 30 * DAY
"""How long an idempotency key is remembered: longer than any message lives."""


class Scheduler:
    """The chores of one node."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._log = logger()
        self._rotating = asyncio.Lock()
        self._noted: bytes | None = None
        self._pushed: dict[str, tuple[int, int]] = {}
        self._push_failures: dict[str, tuple[int, float]] = {}

    async def start(self) -> None:
        """What must be true before anything is sent or answered: the clock, a finished rotation, current keys.

        Raises:
            RefusedError: clock; it is earlier than what this node has signed already, so nothing can be dated.
        """
        parts = self._parts
        if parts.own.clock_is_back(parts.clock.now()):
            raise RefusedError(
                Code.CLOCK,
                "the clock is earlier than what this node signed before; nothing was started",
                hint="set the clock of this machine (NTP), then start again",
            )
        await self.finish_rotation()
        await self.keys()

    async def run(self) -> None:
        """Do every chore at its pace until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._every(MINUTE, self.keys))
            group.create_task(self._every(MINUTE, self.expire))
            group.create_task(self._every(MINUTE, self.trust))
            group.create_task(self._every(MINUTE, self._parts.status_updates.keep))
            group.create_task(self._every(MINUTE, self.requests))
            group.create_task(self._every(FIRST_PUSH_RETRY, self.push))
            group.create_task(self._every(RESET_PACE, lambda: self._parts.link_reset.press()))
            group.create_task(self._every(HOUR, self.pull))
            group.create_task(self._every(HOUR, self.rotate_if_due))
            group.create_task(self._every(HOUR, self.erase))
            group.create_task(self._every(DAY, self._parts.review.catch_up))
            group.create_task(self._every(HOUR, self._parts.split_view.compare))
            group.create_task(
                self._every(
                    HOUR, partial(tell, self._parts.store, self._parts.own, self._parts.book, self._parts.clock)
                )
            )
            group.create_task(self._every(1, self._parts.store.checkpoint))

    async def _every(self, seconds: int, chore: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await chore()
            except GatewayError as error:
                self._log.info("chore.postponed", code=str(error.code))
            await self._parts.clock.sleep(seconds)

    # --- keys -----------------------------------------------------------------------------------------------------

    async def keys(self) -> None:
        """Current signing keys, a keyset not older than 12 hours, no encryption key older than 10 days."""
        parts = self._parts
        now = parts.clock.now()
        if parts.own.clock_is_back(now):
            await parts.store.move(lambda c: journal.raise_alarm(c, at=now, kind="clock.back"))
            return
        able = await self._activate(now)
        await parts.own.destroy_old_keys()
        await parts.own.retire_keys()
        if able and parts.own.keyset_due(now):
            await parts.own.issue_keyset()
        await self._note_generation()

    async def _note_generation(self) -> None:
        """The generation of the key store goes into the database, so that an older file of it is refused at a start."""
        gen = str(self._parts.keys.gen).encode()
        if self._noted != gen:
            await self._parts.store.move(lambda c: meta.set_meta(c, "keystore_gen", gen))
            self._noted = gen

    async def renew_enc(self) -> int:
        """Destroy every encryption key and show a new one to every peer now (B3, panic); how many were destroyed."""
        gone = await self._parts.own.destroy_all_keys()
        await self._parts.own.issue_keyset()
        await self._note_generation()
        await self.push()
        return gone

    async def _activate(self, now: int) -> bool:
        """Sign by the keys that the descriptor lists now; whether there is one for what this node says. A node without
        one runs on, refuses what needs it, and tells a person.
        """
        parts = self._parts
        try:
            parts.keys.activate(parts.own.chain[: self._spoken(now).version], now)
        except RefusedError as error:
            if error.code is not Code.NO_KEY:
                raise
            await parts.store.move(lambda c: journal.raise_alarm(c, at=now, kind="own.no_key"))
        return parts.keys.may_speak

    def _spoken(self, now: int) -> Descriptor:
        """The descriptor whose keys are used: the newest as soon as every active peer holds it, and after a day in any
        case. At once where it revokes a key: then the older one is not to be followed any more; and where that lists no
        key of some use that is valid now: then there is nothing to wait with.
        """
        *older, newest = self._parts.own.chain
        if not older or len(newest.revoked) > len(older[-1].revoked):
            return newest
        if not all(older[-1].keys_of(use, now) for use in USES):
            return newest
        if now >= self._parts.own.published + PEERS_PATIENCE:
            return newest
        active = [peer.node for peer in self._parts.book.all() if peer.state is PeerState.ACTIVE]
        held = all(self._pushed.get(node, (0, 0))[0] >= newest.version for node in active)
        return newest if held else older[-1]

    async def announce(self, *, revokes: bool) -> dict[str, bool]:
        """A new descriptor of this node is published: sign by it, issue a keyset, tell the peers now; who took it, by
        name. One that revokes a key is told to every peer that is not revoked, whatever its state.
        """
        parts, version = self._parts, self._parts.own.descriptor.version
        self._push_failures.clear()
        await self.keys()
        await self.push()
        if revokes:
            rest = [p for p in parts.book.all() if not listens(p.state) and p.state is not PeerState.REVOKED]
            await asyncio.gather(*(self._push_descriptor(peer.node) for peer in rest))
        await self.keys()  # whoever listens has it: the new keys may be used
        return {p.name: self._pushed.get(p.node, (0, 0))[0] >= version for p in parts.book.all() if listens(p.state)}

    async def _push_descriptor(self, node: str) -> None:
        parts = self._parts
        try:
            where = address(parts.book.find(node).descriptor)
            await parts.client.push_descriptor(where, parts.own.documents[-1])
        except GatewayError as error:
            self._log.debug("push.postponed", peer=node, code=str(error.code))

    async def push(self) -> None:
        """Descriptor and keyset to every active peer that has not taken this version from us yet (B8a)."""
        parts = self._parts
        if not parts.own.has_keyset:
            return  # without a key to sign with there was never one
        version = (parts.own.descriptor.version, parts.own.keyset.version)
        due = [p for p in parts.book.all() if listens(p.state) and self._pushed.get(p.node) != version]
        await asyncio.gather(*(self._push_to(peer.node, version) for peer in due))

    async def _push_to(self, node: str, version: tuple[int, int]) -> None:
        parts = self._parts
        peer = parts.book.find(node)
        failures, again = self._push_failures.get(node, (0, 0.0))
        if parts.clock.monotonic() < again:
            return
        before = self._pushed.get(node)
        try:
            where = address(peer.descriptor)  # a peer that nobody can reach must not keep the others uninformed
            if before is None or before[0] != version[0]:
                await parts.client.push_descriptor(where, parts.own.documents[-1])
            await parts.client.push_keyset(where, parts.own.keyset.document.encode())
        except (TransientError, RemoteError) as error:
            self._log.debug("push.postponed", peer=node, code=str(error.code))
            delay = min(LONGEST_PUSH_RETRY, FIRST_PUSH_RETRY << min(failures, 10))
            self._push_failures[node] = (failures + 1, parts.clock.monotonic() + delay)
            return
        self._push_failures.pop(node, None)
        self._pushed[node] = version

    async def pull(self) -> None:
        """Ask every active peer for its newest chain and keyset; silence for a day is told to a person."""
        await asyncio.gather(*(self._pull_from(p.node) for p in self._parts.book.all() if p.state is PeerState.ACTIVE))

    async def _pull_from(self, node: str) -> None:
        parts, now = self._parts, self._parts.clock.now()
        peer = parts.book.find(node)
        try:
            await parts.sync.refresh(await parts.sync.fetch_chain(peer))
        except (TransientError, RemoteError):
            if peer.keyset_seen is not None and now - peer.keyset_seen > DAY:
                await parts.store.move(lambda c: journal.raise_alarm(c, at=now, kind="peer.silent", peer=node))

    async def trust(self) -> None:
        """What people approved takes effect when its time has come; what too few approved is given up."""
        await self._parts.trust_effects.keep()

    # --- messages -------------------------------------------------------------------------------------------------

    async def expire(self) -> None:
        """Messages whose life is over, or whose peer was revoked before they departed, fail with a code that their
        sender is told; 72 hours undelivered tells a person.
        """
        parts, now = self._parts, self._parts.clock.now()
        since = {peer.node: peer.failing_since for peer in parts.book.all()}
        revoked = [peer.node for peer in parts.book.all() if peer.state is PeerState.REVOKED]
        late = [node for node, began in since.items() if began is not None and now - began >= UNDELIVERED_ALARM]

        def move(connection: Connection) -> set[str]:
            over = messages.expired(connection, now, EXPIRE_BATCH, but=str(Outgoing.VOIDING))
            rows = messages.get(connection, over)
            changes = [
                Change(row=row, event=OutgoingEvent.EXPIRE, reason=Code.EXPIRED)
                for row in rows.values()
                if allows(Outgoing(row.state), OutgoingEvent.EXPIRE)
            ]
            lost = messages.in_outbox(connection, revoked, str(Outgoing.QUEUED), EXPIRE_BATCH) if revoked else []
            changes += [
                Change(row=row, event=OutgoingEvent.REFUSE, reason=Code.NOT_ACTIVE)
                for ref, row in messages.get(connection, lost).items()
                if ref not in rows
            ]
            state_transitions.advance(connection, changes, at=now)
            for peer in late:
                if messages.queued_for(connection, peer):
                    journal.raise_alarm(connection, at=now, kind="peer.undelivered", peer=peer)
            for peer in links.peers_with_gaps(connection, now - GAP_PATIENCE):
                journal.raise_alarm(connection, at=now, kind="peer.gap", peer=peer)
            local.forget_submissions(connection, now - SUBMISSION_MEMORY)
            return {change.row.peer for change in changes}

        touched = await parts.store.move(move)
        for node in touched:
            parts.signals.outgoing(node).set()
        if touched:
            parts.signals.handover.set()
            await parts.signals.happened()

    # --- erasing --------------------------------------------------------------------------------------------------

    async def erase(self) -> None:
        """Once a day what may be kept no longer goes; what a case system or a sender has not heard yet is told on."""
        parts, today = self._parts, str(self._parts.clock.now() // DAY).encode()
        if await parts.store.read(lambda c: meta.get_meta(c, retention.RETAINED)) != today:
            await parts.retention.run()
            await parts.store.move(lambda c: meta.set_meta(c, retention.RETAINED, today))
        await parts.eraser.ask()
        await parts.eraser.clean()
        await parts.eraser.tell()

    async def requests(self) -> None:
        """What peers asked is told on, followed at its time and answered. By following one the storage epoch ends at
        once, as by a person's act: no copy of the data keys can be opened.
        """
        await self._parts.forwarder.spread()
        if await self._parts.executor.follow():
            await self.rotate()
        await self._parts.confirmer.answer()

    # --- storage epochs -------------------------------------------------------------------------------------------

    async def rotate_if_due(self) -> None:
        """A new storage epoch once a week or as often as is set (PROTOCOL B9)."""
        age = self._parts.clock.now() - self._parts.keys.epoch_made
        if age >= self._parts.config.storage.epoch_days * DAY:
            await self.rotate()
        else:
            await self.finish_rotation()  # one that a full disk stopped half-way

    async def rotate(self) -> None:
        """New epoch key on disk beside the old one; every data key wrapped anew; the old epoch key destroyed."""
        async with self._rotating:
            self._parts.keys.begin_epoch(self._parts.clock.now())
            await self._finish_rotation()

    async def finish_rotation(self) -> None:
        """Wrap what still names an older epoch, in batches, then destroy that epoch; restartable at every point."""
        async with self._rotating:
            await self._finish_rotation()

    async def _finish_rotation(self) -> None:
        """One at a time: a second one would destroy the epoch that the first has just begun to wrap anew."""
        parts = self._parts
        if not parts.keys.old_epochs:
            return
        epoch = parts.keys.epoch
        while await self._rewrap(epoch):
            pass
        await parts.store.checkpoint(truncate=True)
        for old in parts.keys.old_epochs:
            parts.keys.finish_epoch(old)
        now = parts.clock.now()

        def move(connection: Connection) -> None:
            meta.set_meta(connection, "keystore_gen", str(parts.keys.gen).encode())
            journal.append_leaf(connection, leaf(now, "epoch.rotated", epoch=epoch))

        await parts.store.move(move)
        await parts.eraser.tell()

    def _rewrapped(self, connection: Connection, rows: Sequence[tuple[int, int, bytes]]) -> list[tuple[int, bytes]]:
        """Data keys under the newest epoch. One that does not open stays as it is, closed for ever, and is told to a
        person: the rotation and the node go on.
        """
        done = self._parts.keys.rewrap([(ref.to_bytes(8, "big"), old, blob) for ref, old, blob in rows])
        for (ref, _, _), blob in zip(rows, done, strict=True):
            if blob is None:
                self._log.error("epoch.damaged", code=str(Code.UNDECRYPTABLE), ref=ref)
                journal.raise_alarm(connection, at=self._parts.clock.now(), kind="content.damaged", ref=ref)
        return [(ref, old if new is None else new) for (ref, _, old), new in zip(rows, done, strict=True)]

    async def _rewrap(self, epoch: int) -> int:
        parts = self._parts

        def move(connection: Connection) -> int:
            rows = content.keys_not_of(connection, epoch, REWRAP_BATCH)
            content.rewrap(connection, epoch, self._rewrapped(connection, rows))
            if not rows:
                content.close_epochs(connection, epoch)
            return len(rows)

        return await parts.store.move(move)

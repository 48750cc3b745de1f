"""The keys of this node in time: made, shown to the peers, used as soon as they hold them, destroyed (nrm1 2)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.engine import Store
from gateway.errors import Code, GatewayError, RefusedError, TransientError
from gateway.federation.address import PeerAddress
from gateway.foundation.chores import DAY, MINUTE, Chore
from gateway.foundation.ids import NodeId
from gateway.foundation.logs import logger
from gateway.identity.identity import Identity
from gateway.identity.machines import follow_steps, note_generation
from gateway.peers.confirmed_time import ConfirmedTime
from gateway.peers.link import PeerLink
from gateway.peers.registry import address
from gateway.peers.scope import PeerState, listens
from gateway.peers.split_view_rules import read_held
from gateway.ports import Clock
from keys.documents.descriptor import Descriptor
from keys.documents.succession import USES

PEERS_PATIENCE = DAY
"""How long a node waits for its peers to hold its new descriptor before it signs by it."""
SEEN_EVERY = 5 * MINUTE
"""Seconds after which a machine of several says again that it is there."""
FIRST_PUSH_RETRY = 5
LONGEST_PUSH_RETRY = 15 * MINUTE


class KeyUpkeep:
    """Keeps the keys, the keyset and the descriptor of this node current, here and at its peers."""

    def __init__(self, *, store: Store, identity: Identity, link: PeerLink, time: ConfirmedTime, clock: Clock) -> None:
        self._store = store
        self._time = time
        self._identity = identity
        self._link = link
        self._clock = clock
        self._log = logger()
        self._noted: int | None = None
        self._seen = 0
        self._silent = True
        self._pushed: dict[str, tuple[int, int]] = {}
        self._push_failures: dict[str, tuple[int, float]] = {}
        self._to_call: set[str] = set()

    def chores(self) -> Sequence[Chore]:
        """Keep the keys current, and tell the peers that have not heard yet."""
        return Chore("keys", MINUTE, self.keep), Chore("push", FIRST_PUSH_RETRY, self.push)

    async def keep(self) -> None:
        """Keep the keys current; where the time is in doubt, the peers are asked for it first."""
        await self._time.settle()
        await self.keys()

    async def keys(self) -> None:
        """Current signing keys, a keyset not older than 12 hours, no encryption key past its time.

        By a clock that something speaks against nothing is made, and by one that is not confirmed nothing is destroyed:
        a wrong keyset would keep peers away, and a destroyed key comes back no more (nrm1 12.17).
        """
        await follow_steps(self._store, self._identity.keys, self._clock)
        now, standing = self._clock.now(), self._time.standing()
        able = await self._activate(now)
        if not standing.steady:
            return
        if standing.confirmed:
            await self._identity.own.destroy_old_keys()
            await self._identity.own.retire_keys()
        if able and self._identity.own.keyset_due(now):
            await self._identity.own.issue_keyset()
        await self._note_generation()

    async def _note_generation(self) -> None:
        """The generation of the key store goes into the database, so that an older file of it is refused at a start;
        where the node has several machines also that this one is there.
        """
        keys, now = self._identity.keys, self._clock.now()
        if self._noted != keys.gen or (keys.step and now >= self._seen + SEEN_EVERY):
            await note_generation(self._store, keys, self._clock)
            self._noted, self._seen = keys.gen, now

    async def renew_enc(self) -> int:
        """Destroy every encryption key and show a new one to every peer now (nrm1 2.27); how many were destroyed.

        Raises:
            RefusedError: clock, while the time is not confirmed.
        """
        await self._time.require("no key was destroyed")
        gone = await self._identity.own.destroy_all_keys()
        if self._identity.keys.may_speak:  # else the keyset follows with the next descriptor
            await self._identity.own.issue_keyset()
        await self._note_generation()
        await self.push()
        return gone

    async def _activate(self, now: int) -> bool:
        """Sign by the keys that the descriptor lists now; whether there is one for what this node says. A node without
        one runs on, refuses what needs it, and tells a person.
        """
        try:
            self._identity.keys.activate(self._identity.own.chain[: self._spoken(now).version], now)
        except RefusedError as error:
            if error.code not in (Code.NO_KEY, Code.ROOTS_DUE):
                raise
            due = error.code is Code.ROOTS_DUE
            await self._store.move(lambda c: _tell_silence(c, now, roots_due=due))
            self._silent = True
        else:
            if self._silent:
                await self._store.move(lambda c: _end_silence(c, now))
            self._silent = False
        return self._identity.keys.may_speak

    def silent_uses(self) -> list[str]:
        """Uses of keys for which this node signs nothing now."""
        signing = {key.use for key in self._identity.keys.listing() if key.current}
        return [str(use) for use in USES if str(use) not in signing]

    def _spoken(self, now: int) -> Descriptor:
        """The descriptor whose keys are used: the newest as soon as every active peer holds it, and after a day in any
        case. At once where it revokes a key, or the older one is of the first form: then that is not to be followed any
        more; and where this node has none of the keys of some use that are valid now: then there is nothing to wait
        with.
        """
        *older, newest = self._identity.own.chain
        if not older or older[-1].is_first_form or len(newest.revoked) > len(older[-1].revoked):
            return newest
        if now >= self._identity.own.published + PEERS_PATIENCE:
            return newest
        active = [peer.node for peer in self._link.registry.all() if peer.state is PeerState.ACTIVE]
        if all(self._pushed.get(node, (0, 0))[0] >= newest.version for node in active):
            return newest
        return older[-1] if self._signs_by(older[-1], now) else newest

    def _signs_by(self, descriptor: Descriptor, now: int) -> bool:
        """Whether a descriptor lists, for each use, a key that is valid now and that this node has."""
        held = {key.kid for use in USES for key in self._identity.keys.public(use)}
        return all(any(record.kid in held for record in descriptor.keys_of(use, now)) for use in USES)

    async def announce(self, *, revokes: bool) -> dict[str, bool]:
        """A new descriptor of this node is published: sign by it, issue a keyset, tell the peers now; who took it, by
        name. One that revokes a key is told to every peer that is not revoked, whatever its state.
        """
        version = self._identity.own.descriptor.version
        self._push_failures.clear()
        await self.keys()
        await self.push()
        if revokes:
            rest = [p for p in self._link.registry.all() if not listens(p.state) and p.state is not PeerState.REVOKED]
            await asyncio.gather(*(self._push_descriptor(peer.node) for peer in rest))
        await self.keys()  # whoever listens has it: the new keys may be used
        return {
            p.name: self._pushed.get(p.node, (0, 0))[0] >= version
            for p in self._link.registry.all()
            if listens(p.state)
        }

    async def _push_descriptor(self, node: NodeId) -> None:
        try:
            where = address(self._link.registry.find(node).descriptor)
            await self._link.client.push_descriptor(where, self._identity.own.documents[-1])
        except GatewayError as error:
            self._log.debug("push.postponed", peer=node, code=str(error.code))

    def call_again(self) -> None:
        """Push the keyset once more to every peer: it tells them that this node is there again (nrm1 12.14)."""
        self._push_failures.clear()
        self._to_call.update(peer.node for peer in self._link.registry.all())

    async def push(self) -> None:
        """Descriptor and keyset to every active peer that does not hold this version of ours yet (nrm1 9.4), or that
        has to hear that this node is there again.
        """
        own = self._identity.own
        if not own.has_keyset or own.keyset.is_first_form:
            return  # without a key to sign with there was never one, or none that a peer takes
        version = (own.descriptor.version, own.keyset.version)
        called, self._to_call = self._to_call, set()
        due = [
            p
            for p in self._link.registry.all()
            if listens(p.state) and (self._pushed.get(p.node) != version or p.node in called)
        ]
        await asyncio.gather(*(self._push_to(peer.node, version) for peer in due))

    async def _push_to(self, node: NodeId, version: tuple[int, int]) -> None:
        peer = self._link.registry.find(node)
        failures, again = self._push_failures.get(node, (0, 0.0))
        if self._clock.monotonic() < again:
            return
        before = self._pushed.get(node)
        try:
            where = address(peer.descriptor)  # a peer that nobody can reach must not keep the others uninformed
            if before is None or before[0] != version[0]:
                await self._link.client.push_descriptor(where, self._identity.own.documents[-1])
            await self._link.client.push_keyset(where, self._identity.own.keyset.document.encode())
            await self._require_held(where)
        except GatewayError as error:  # one of ours, too: who has no http key now can not ask what the peer holds
            self._log.debug("push.postponed", peer=node, code=str(error.code))
            delay = min(LONGEST_PUSH_RETRY, FIRST_PUSH_RETRY << min(failures, 10))
            self._push_failures[node] = (failures + 1, self._clock.monotonic() + delay)
            return
        self._push_failures.pop(node, None)
        self._pushed[node] = version

    async def _require_held(self, where: PeerAddress) -> None:
        """Ask the peer whether it holds the newest descriptor: the answer to a push says nothing, this one is signed.

        Raises:
            TransientError: it holds another one. RemoteError: it answered something else.
        """
        answered = await self._link.client.get_held(where)
        newest = self._identity.own.descriptor.document
        if answered.status != 200 or read_held(answered.body).payload != newest.payload:
            raise TransientError(Code.REJECTED, "the peer does not hold the descriptor that was pushed")


def _tell_silence(connection: Connection, now: int, *, roots_due: bool) -> None:
    if roots_due:
        journal.raise_alarm(connection, at=now, kind="own.roots_due")
    else:
        journal.raise_alarm(connection, at=now, kind="own.no_key")


def _end_silence(connection: Connection, now: int) -> None:
    for kind in ("own.no_key", "own.roots_due"):
        journal.close_alarms(connection, kind, at=now)

"""The confirmed time of a node: who asks for it, what confirms it, and what is told to people (nrm1 12.17, ADR 0016).

Whatever can not be undone asks `require` or `is_confirmed` first: erasing, destroying keys, ending lives. What dates
something that lasts asks whether the time is `steady`; the senders ask whether they are `held`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from sqlalchemy import Connection

from gateway.database import journal, meta
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.errors import Code, GatewayError, RefusedError
from gateway.federation.signed_times import SignedTimes, read_clocks
from gateway.federation.time_rules import AGREES, SKEW, Doubt, Known, Reading, TimeStanding, judge_time
from gateway.foundation.chores import HOUR, MINUTE, Chore
from gateway.identity.own_identity import OwnIdentity
from gateway.messages.store import messages
from gateway.messages.wakeups import Wakeups
from gateway.peers.link import PeerLink
from gateway.peers.registry import Peer, address
from gateway.peers.scope import listens
from gateway.ports import Clock, Json

BELIEVED: Final = "clock_believed"
"""The fact of the database that holds the last time that was believed, Unix seconds; never one that was in doubt."""
SUPERSEDED: Final = "clock_superseded"
"""The fact that holds the version of the last keyset that a reset of the clock took back."""
PATIENCE: Final = 10.0
"""Real seconds for which one peer is waited for: the others have answered by then."""
ASKED: Final = 2.0
"""Seconds for which nobody is asked again: several parts of a node want to know at once."""

WHY = {
    Doubt.UNSEEN: "no peer has signed a time since the start",
    Doubt.MOVED: "the clock was set, or the machine slept",
    Doubt.CONTRADICTED: "peers sign another time",
    Doubt.BACK: "the clock is earlier than what this node has signed",
}


class ConfirmedTime:
    """Knows whether the clock of this node agrees with a signed time."""

    def __init__(
        self, *, store: Store, own: OwnIdentity, link: PeerLink, times: SignedTimes, wakeups: Wakeups, clock: Clock
    ) -> None:
        self._store = store
        self._own = own
        self._link = link
        self._times = times
        self._wakeups = wakeups
        self._clock = clock
        self._begun = read_clocks(clock)
        self._person: Reading | None = None
        self._believed: int | None = None
        self._superseded = 0
        self._asking = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._asked: float | None = None
        self._doubted = True
        self._holding = False

    async def load(self, last_dated: Callable[[], Awaitable[int]]) -> None:
        """Begin a life of the node: from now on a time has to be seen. `last_dated` is asked for the latest time in the
        log of a folder that remembers no time that was believed.
        """
        believed = await self.refresh()
        self._begun, self._person = read_clocks(self._clock), None
        if believed is None:
            self._believed = await last_dated() or None

    async def refresh(self) -> int | None:
        """Read again what is stored, as after a reset; returns the last time that was believed. One read after the
        other, so that one from before a reset does not undo it here.
        """
        async with self._reading:
            self._believed, self._superseded = await self._store.read(read_believed)
        return self._believed

    async def read_again(self) -> None:
        """Read again what another worker may have changed: what was taken back. What this one believes stays."""
        async with self._reading:
            believed, superseded = await self._store.read(read_believed)
            if superseded == self._superseded:
                believed = max(believed or 0, self._believed or 0) or None
            self._believed, self._superseded = believed, superseded

    # --- asking -----------------------------------------------------------------------------------------------------

    def standing(self) -> TimeStanding:
        """Judge the clock as it is now. A time that is confirmed is what later ones are measured by."""
        now = read_clocks(self._clock)
        known = Known(
            begun=self._begun,
            believed=self._believed,
            floor=max(self._signed_until(), self._believed or 0),
            signed=self._times.signed,
            person=self._person,
        )
        found = judge_time(known, now)
        if found.confirmed:
            self._begun, self._believed = now, now.wall
        return found

    def is_held(self) -> bool:
        """Whether ordinary sending waits: also for a moment after the doubt is gone, until `keep` has put right what
        was written meanwhile.
        """
        self._holding = self._holding or self.standing().held
        return self._holding

    def _signed_until(self) -> int:
        """When the newest keyset was issued that no reset took back: peers refuse what is dated before it."""
        if not self._own.has_keyset or self._own.keyset.version <= self._superseded:
            return 0
        return self._own.keyset.issued

    @property
    def floor(self) -> int:
        """The latest time by which this node has signed, or which it believed."""
        return max(self._signed_until(), self._believed or 0)

    async def is_confirmed(self) -> bool:
        """Whether what can not be undone may be done now; where that is open, the peers are asked first."""
        return (await self.settle()).confirmed

    async def require(self, left: str) -> None:
        """Return if what can not be undone may be done now. `left` says what was left unchanged.

        Raises:
            RefusedError: clock.
        """
        found = await self.settle()
        if found.doubt is not None:
            raise _doubted(found.doubt, left)

    async def require_steady(self, left: str) -> None:
        """Return if nothing speaks against this clock: what is dated by it lasts. Raises as `require`."""
        found = await self.settle()
        if found.doubt is not None and not found.steady:
            raise _doubted(found.doubt, left)

    async def settle(self) -> TimeStanding:
        """Judge the clock, after asking every peer where it is not confirmed."""
        found = self.standing()
        if not found.confirmed:
            await self.ask()
            found = self.standing()
        return found

    async def ask(self) -> None:
        """Ask each peer for a signed answer, all at once; one that does not answer keeps nobody waiting for long."""
        async with self._asking:
            if self.standing().confirmed or (self._asked and self._clock.monotonic() < self._asked + ASKED):
                return
            await asyncio.gather(*(self.ask_peer(p) for p in self._link.registry.all() if listens(p.state)))
            self._asked = self._clock.monotonic()

    async def ask_peer(self, peer: Peer) -> bool:
        """Ask one peer; whether its clock agrees with ours. A refusal as stale is an answer too: it is signed."""
        with suppress(GatewayError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._link.client.get_held(address(peer.descriptor))
        off = self.standing().off.get(peer.node)
        return off is not None and abs(off) <= AGREES

    def confirm(self) -> None:
        """Take the word of a person here for the clock as it is now, where no peer says otherwise.

        Raises:
            RefusedError: clock; a person can not be asked to overrule signed times, nor what this node has signed.
        """
        match self.standing().doubt:
            case Doubt.CONTRADICTED:
                raise RefusedError(
                    Code.CLOCK,
                    "peers sign another time; nothing was confirmed",
                    hint="set the clock of this machine (NTP); trm clock show tells by how much each differs",
                )
            case Doubt.BACK:
                raise RefusedError(
                    Code.CLOCK,
                    "the clock is earlier than what this node has signed; nothing was confirmed",
                    hint="set the clock of this machine (NTP); if it is right, two administrators: trm clock reset",
                )
            case _:
                self._person = read_clocks(self._clock)

    # --- taking back ------------------------------------------------------------------------------------------------

    def propose_reset(self) -> dict[str, Json]:
        """Write down what a reset takes back: the time up to which this node has signed, and its keyset of then."""
        return {"until": self.floor, "keyset": self._own.keyset.version if self._own.has_keyset else 1}

    def check_reset(self, body: Mapping[str, Json], now: int) -> None:
        """Return if a reset fits what this node has signed.

        Raises:
            RefusedError: conflict.
        """
        if self.floor <= now + SKEW:
            raise RefusedError(
                Code.CONFLICT,
                "this node has signed nothing of a later time; nothing was changed",
                hint="trm clock show tells what is in doubt",
            )
        if dict(body) != self.propose_reset():
            raise RefusedError(
                Code.CONFLICT, "something was signed meanwhile; nothing was changed", hint="propose the reset again"
            )

    async def take_reset(self) -> None:
        """Go on from a reset that two administrators completed: they vouch for the clock as it is now."""
        await self.refresh()
        self._begun = self._person = read_clocks(self._clock)
        await self.keep()

    # --- keeping ----------------------------------------------------------------------------------------------------

    def chores(self) -> Sequence[Chore]:
        """Look at the clock."""
        return (Chore("clock", MINUTE, self.keep, leader=False),)

    async def keep(self) -> None:
        """Ask the peers where the time is in doubt, tell people, and go on by itself when the doubt is gone."""
        before = self.standing()
        found = await self.settle()
        now = self._clock.now()

        def move(connection: Connection) -> None:
            _tell(connection, found, now)
            stored = int(meta.get_meta(connection, BELIEVED) or b"0")
            if found.steady and now >= stored + HOUR:
                meta.set_meta(connection, BELIEVED, str(now).encode())
            if found.steady and self._doubted:
                messages.redate(connection, now, now + SKEW)

        await self._store.move(move)
        self._doubted, self._holding = not found.steady, found.held
        if before.held and not found.held:
            await self._store.move(lambda c: journal.append_leaf(c, leaf(now, "clock.confirmed")))
            for peer in self._link.registry.all():
                self._wakeups.peer_called(peer.node)


def _doubted(doubt: Doubt, left: str) -> RefusedError:
    return RefusedError(
        Code.CLOCK,
        f"the time of this node is not confirmed: {WHY[doubt]}; {left}",
        hint="trm clock show says by whom it can be confirmed: docs/operations.md, The clock",
    )


def read_believed(connection: Connection) -> tuple[int | None, int]:
    """Read the last time that was believed, and the version of the last keyset that a reset took back; 0 for none."""
    believed = meta.get_meta(connection, BELIEVED)
    return None if believed is None else int(believed), int(meta.get_meta(connection, SUPERSEDED) or b"0")


def take_back(connection: Connection, body: Mapping[str, Json], now: int) -> None:
    """Forget a time that was wrongly believed, in the transaction that completes the change."""
    meta.set_meta(connection, BELIEVED, str(now).encode())
    meta.set_meta(connection, SUPERSEDED, str(body["keyset"]).encode())
    journal.append_leaf(connection, leaf(now, "clock.reset", until=body["until"]))


def _tell(connection: Connection, found: TimeStanding, now: int) -> None:
    """Alarms about the clock; each ends by itself with its cause."""
    back = found.doubt is Doubt.BACK
    if back:
        journal.raise_alarm(connection, at=now, kind="clock.back")
    else:
        journal.close_alarms(connection, "clock.back", at=now)
    if not back and not found.steady:
        journal.raise_alarm(connection, at=now, kind="clock.unconfirmed")
    else:
        journal.close_alarms(connection, "clock.unconfirmed", at=now)
    if not found.held:
        journal.close_alarms(connection, "message.telephone", at=now)

"""The clock of this node: by what it is confirmed, and a person's word for it (nrm1 12.17)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.engine import Store
from gateway.federation.time_rules import Doubt
from gateway.operations.actors import pseudonym
from gateway.operations.models import Answer, Nothing, OneOf, Time
from gateway.operations.registry import About, operation
from gateway.operations.roles import EVERYBODY, RUNS, Caller
from gateway.peers.confirmed_time import ConfirmedTime
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json, OperationResult


class PeerClock(Answer):
    """How a clock of another node stands to ours."""

    peer: str
    ahead: int = Field(description="seconds by which our clock is ahead of its own")


class ClockShown(Answer):
    """Whether the time of this node is confirmed."""

    now: Time
    confirmed: bool = Field(description="else nothing is erased and no key is destroyed")
    doubt: Annotated[str, OneOf(*Doubt)] | None
    held: bool = Field(description="whether ordinary messages wait for the time to be confirmed")
    signed_until: Time | None = Field(description="the latest time by which this node has signed")
    peers: list[PeerClock]


class ClockOperations:
    """Operations on the clock. What was wrongly believed is taken back by a change of two administrators."""

    def __init__(self, *, store: Store, peers: PeerRegistry, time: ConfirmedTime, clock: Clock, actor: Actor) -> None:
        self._store = store
        self._peers = peers
        self._time = time
        self._clock = clock
        self._actor = actor

    @operation(
        "clock.show", "whether the time of the node is confirmed", roles=EVERYBODY, about=About.NODE, answer=ClockShown
    )
    async def show(self, _asked: Nothing) -> OperationResult:
        """Show whether the time is confirmed, why not, and by how many seconds our clock is ahead of each peer's."""
        return OperationResult(value=await self._shown())

    @operation(
        "clock.confirm",
        "a named person has compared the clock",
        roles=RUNS,
        about=About.NODE,
        answer=ClockShown,
    )
    async def confirm(self, _asked: Nothing, caller: Caller) -> OperationResult:
        """A named person has compared the clock of this machine; it counts until the next start or jump."""
        await self._time.settle()
        self._time.confirm()
        now = self._clock.now()
        await self._store.move(
            lambda c: journal.append_leaf(c, leaf(now, "clock.confirmed", actor=pseudonym(caller.actor, self._actor)))
        )
        await self._time.keep()
        return OperationResult(value=await self._shown())

    async def _shown(self) -> dict[str, Json]:
        found = await self._time.settle()
        off: list[Json] = [
            {"peer": peer.name, "ahead": found.off[peer.node]} for peer in self._peers.all() if peer.node in found.off
        ]
        return {
            "now": self._clock.now(),
            "confirmed": found.confirmed,
            "doubt": None if found.doubt is None else str(found.doubt),
            "held": found.held,
            "signed_until": self._time.floor or None,
            "peers": off,
        }

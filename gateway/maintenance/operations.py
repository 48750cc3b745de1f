"""Maintenance, as people begin, see and end it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.database.audit_entries import Actor
from gateway.maintenance.mode import MaintenanceMode
from gateway.maintenance.rules import Reason, plan_maintenance
from gateway.operations.actors import pseudonym
from gateway.operations.models import DIGITS, Answer, Asked, Count, Nothing, OneOf, Time
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import EVERYBODY, RUNS, Caller
from gateway.ports import Clock, Json, OperationResult
from gateway.trust.key_upkeep import KeyUpkeep


class BeginMaintenance(Asked):
    """How long, in seconds, and why."""

    seconds: Annotated[int, Field(ge=1), DIGITS]
    reason: Annotated[str, OneOf(*Reason)] = str(Reason.PLANNED)


class MaintenanceShown(Answer):
    """Whether people work on the node: then nothing new is taken in, and nothing sent."""

    on: bool
    since: Time | None
    until: Time | None = Field(description="it ends by itself then")
    reason: Annotated[str, OneOf(*Reason)] | None
    seconds_left: Count


class MaintenanceOperations:
    """Operations on maintenance."""

    def __init__(self, *, mode: MaintenanceMode, upkeep: KeyUpkeep, clock: Clock, actor: Actor) -> None:
        self._mode = mode
        self._upkeep = upkeep
        self._clock = clock
        self._actor = actor

    @operation(
        "maintenance.show",
        "whether people work on this node, and until when",
        roles=EVERYBODY,
        about=About.NODE,
        answer=MaintenanceShown,
        units=Units.FREE,
    )
    async def show(self, _asked: Nothing) -> OperationResult:
        """Show whether maintenance lasts, and until when."""
        return OperationResult(value=self._shown())

    @operation(
        "maintenance.begin",
        "take nothing new in and send nothing for a while",
        roles=RUNS,
        about=About.NODE,
        answer=MaintenanceShown,
        example={"seconds": 1800, "reason": "upgrade"},
    )
    async def begin(self, asked: BeginMaintenance, caller: Caller) -> OperationResult:
        """Begin maintenance, or say anew how long it lasts from now. Reading works meanwhile, and what protects a
        person is taken: it goes when it is over.
        """
        planned = plan_maintenance(self._clock.now(), asked.seconds, Reason(asked.reason))
        await self._mode.begin(planned, actor=pseudonym(caller.actor, self._actor))
        return OperationResult(value=self._shown())

    @operation(
        "maintenance.end",
        "take in and send again, before the time that was said",
        roles=RUNS,
        about=About.NODE,
        answer=MaintenanceShown,
    )
    async def end(self, _asked: Nothing, caller: Caller) -> OperationResult:
        """End maintenance. Peers are told by a push (nrm1 12.14), so that what waits there need not wait longer."""
        if await self._mode.end(actor=pseudonym(caller.actor, self._actor)):
            self._upkeep.call_again()
        return OperationResult(value=self._shown())

    def _shown(self) -> dict[str, Json]:
        found = self._mode.current()
        if found is None:
            return {"on": False, "since": None, "until": None, "reason": None, "seconds_left": 0}
        left = self._mode.seconds_left()
        return {
            "on": True,
            "since": found.since,
            "until": found.until,
            "reason": str(found.reason),
            "seconds_left": left,
        }

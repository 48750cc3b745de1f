"""What makes a case stand out here: the person who looks after it, and flags. No other node learns of either."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from gateway.access import people_store
from gateway.cases import units
from gateway.cases.operations.finding_models import AssignCase, FlagCase
from gateway.cases.operations.models import HER, CaseDone
from gateway.cases.register import CaseRegister
from gateway.cases.rules import Card, Flag, assign
from gateway.database.audit_entries import Actor, leaf
from gateway.database.sealed_content import Content
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.ids import CaseId, UnitId
from gateway.operations.actors import pseudonym
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import CASES, Caller
from gateway.ports import Clock, OperationResult

MOST_FLAGS = 5


class CaseMarking:
    """Operations on who looks after a case and on its flags."""

    def __init__(self, *, content: Content, cases: CaseRegister, clock: Clock, actor: Actor) -> None:
        self._content = content
        self._cases = cases
        self._clock = clock
        self._actor = actor

    @operation(
        "case.assign",
        "a person here looks after it",
        roles=CASES,
        about=About.CASE,
        answer=CaseDone,
        units=Units.NARROWED,
        by_person=True,
        example={"worker": HER},
    )
    async def assign(self, asked: AssignCase, caller: Caller) -> OperationResult:
        """Say which person looks after a case; without one, nobody by name. It changes no right."""

        def change(connection: Connection, card: Card) -> Card:
            if asked.worker is not None:
                id = CaseId(asked.id)
                _check_worker(connection, asked.worker, units.of_cases(self._content.sealer, connection, [id])[id])
            return assign(card, asked.worker)

        entry = leaf(self._clock.now(), "case.assigned", actor=pseudonym(caller.actor, self._actor))
        await self._cases.change_card(asked.id, change, entry)
        return OperationResult(value={"id": asked.id})

    @operation(
        "case.flag",
        "make a case stand out in lists",
        roles=CASES,
        about=About.CASE,
        answer=CaseDone,
        units=Units.NARROWED,
        by_person=True,
        example={"text": "call before noon"},
    )
    async def flag(self, asked: FlagCase, caller: Caller) -> OperationResult:
        """Set a flag with a few words of your own, never a name. The other node does not learn of it."""
        now = self._clock.now()

        def change(_: Connection, card: Card) -> Card:
            others = [flag for flag in card.flags if flag.text != asked.text]
            if len(others) == MOST_FLAGS:
                raise RefusedError(
                    Code.CONFLICT,
                    f"a case has {MOST_FLAGS} flags at most; nothing was changed",
                    hint="take one off first: trm case unflag",
                )
            return replace(card, flags=(*others, Flag(text=asked.text, at=now)))

        entry = leaf(now, "case.flagged", actor=pseudonym(caller.actor, self._actor))
        await self._cases.change_card(asked.id, change, entry)
        return OperationResult(value={"id": asked.id})

    @operation(
        "case.unflag",
        "take a flag off a case",
        roles=CASES,
        about=About.CASE,
        answer=CaseDone,
        units=Units.NARROWED,
        by_person=True,
        example={"text": "call before noon"},
    )
    async def unflag(self, asked: FlagCase, caller: Caller) -> OperationResult:
        """Take a flag off by its words."""

        def change(_: Connection, card: Card) -> Card:
            left = tuple(flag for flag in card.flags if flag.text != asked.text)
            if len(left) == len(card.flags):
                raise RefusedError(
                    Code.CONFLICT,
                    "the case has no such flag; nothing was changed",
                    findings=[Finding(place="/text", rule="unknown_flag", hint="trm case find shows them")],
                )
            return replace(card, flags=left)

        entry = leaf(self._clock.now(), "case.unflagged", actor=pseudonym(caller.actor, self._actor))
        await self._cases.change_card(asked.id, change, entry)
        return OperationResult(value={"id": asked.id})


def _check_worker(connection: Connection, person: str, of: frozenset[UnitId]) -> None:
    """Return if a person may look after a case of these units. Raises RefusedError not_found."""
    row = people_store.find(connection, person)
    if row is None or row.ended is not None or not people_store.roles_of(row) & CASES:
        raise _refuse("no such person here who works on cases")
    if row.unit is not None and row.unit not in of:
        raise _refuse("this person is of a unit that does not look after the case")


def _refuse(why: str) -> RefusedError:
    return RefusedError(
        Code.NOT_FOUND,
        f"{why}; nothing was changed",
        hint="trm person list shows who is here; another unit takes a case over by trm case hand-over",
        findings=[Finding(place="/worker", rule="unknown_person", hint="trm person list")],
    )

"""Consents that a restore without a ledger may have brought back: confirmed by a worker, case by case (domain 7.19)."""

from __future__ import annotations

from collections import Counter

from pydantic import Field
from sqlalchemy import Connection

from gateway.cases import store as cases
from gateway.cases import units
from gateway.cases.operations.models import OfCase
from gateway.cases.register import cards_in, find_row
from gateway.consent import unconfirmed_store
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.sealed_content import Content
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import CaseId as Case
from gateway.operations.actors import pseudonym
from gateway.operations.ids import CaseId
from gateway.operations.models import UNSAID, Answer, Asked, Count, Nothing, Read
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import CASES, Caller
from gateway.ports import Clock, Json, OperationResult


class ConfirmConsents(Asked):
    """The case whose consents still hold."""

    case: CaseId


class Confirmed(Answer):
    """How many consents of the case may be relied on again."""

    case: Read[CaseId] = UNSAID
    confirmed: Count


class InDoubt(Answer):
    """A case, and how many of its consents nobody has confirmed."""

    of_case: OfCase = None
    consents: Count


class Unconfirmed(Answer):
    """Cases whose consents wait to be confirmed."""

    cases: list[InDoubt]
    consents: Count = Field(description="of these cases, and for who is bound to no unit those of none")


class ConfirmingOperations:
    """Operations on consents that are in doubt after a restore."""

    def __init__(self, *, content: Content, clock: Clock, actor: Actor) -> None:
        self._content = content
        self._clock = clock
        self._actor = actor

    @operation(
        "consent.unconfirmed",
        "cases whose consents wait to be confirmed after a restore",
        roles=CASES,
        about=About.CASE,
        answer=Unconfirmed,
        units=Units.NARROWED,
    )
    async def list_unconfirmed(self, _asked: Nothing, caller: Caller) -> OperationResult:
        """The cases with consents that may have been withdrawn since the backup that this node was restored from."""

        def query(c: Connection) -> dict[str, Json]:
            waiting = unconfirmed_store.waiting(c)
            held = Counter(cases.cases_of(c, waiting).values())
            looks_after = units.of_cases(self._content.sealer, c, held) if caller.unit is not None else {}
            rows = cases.get(c, [id for id in held if caller.unit is None or caller.unit in looks_after[id]])
            cards = cards_in(self._content.sealer, c, rows.values())
            lines: list[Json] = [{"of_case": {"id": id, "name": cards[id].name}, "consents": held[id]} for id in rows]
            count = len(waiting) if caller.unit is None else sum(held[id] for id in rows)
            return {"cases": lines, "consents": count}

        return OperationResult(value=await self._content.store.read(query))

    @operation(
        "consent.confirm",
        "the consents of a case still hold after a restore",
        roles=CASES,
        about=About.CASE,
        by_person=True,
        answer=Confirmed,
        units=Units.NARROWED,
    )
    async def confirm(self, asked: ConfirmConsents, caller: Caller) -> OperationResult:
        """A worker of the case has asked the person, or the file of the case: none of its consents was withdrawn since
        the backup. One that was is withdrawn instead.
        """
        now = self._clock.now()
        actor = pseudonym(caller.actor, self._actor)

        def move(connection: Connection) -> int:
            find_row(connection, asked.case)
            held = [index for _, index, _, _ in cases.consents_of(connection, [Case(asked.case)])]
            count = unconfirmed_store.end_doubt(connection, held, at=now)
            if not count:
                raise RefusedError(
                    Code.CONFLICT,
                    "no consent of this case waits to be confirmed; nothing was changed",
                    hint="trm consent unconfirmed lists the cases",
                )
            journal.append_leaf(connection, leaf(now, "consent.confirmed", actor=actor, count=count))
            return count

        return OperationResult(value={"case": asked.case, "confirmed": await self._content.store.move(move)})

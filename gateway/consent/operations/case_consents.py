"""All consents of one person: what rests on each, and all of them taken back in one step (domain 7.20)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from gateway.cases import store as cases
from gateway.cases.operations.models import OneCase
from gateway.cases.register import cards_in, find_row
from gateway.consent import register
from gateway.consent.operations.models import AllWithdrawn, ConsentsOfCase, WithdrawAll
from gateway.consent.operations.withdrawing import Withdrawer, take_back
from gateway.database import content as content_rows
from gateway.database.audit_entries import Actor
from gateway.database.sealed_content import Content
from gateway.delivery.operations.messages_shown import opened_rows
from gateway.foundation.ids import CaseId
from gateway.messages.store import messages
from gateway.operations.actors import name_actor, pseudonym
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import CASE_SYSTEMS, Caller
from gateway.ports import Clock, Json, OperationResult


class CaseConsentOperations:
    """Operations on the consents of one case."""

    def __init__(self, *, content: Content, withdrawer: Withdrawer, clock: Clock, actor: Actor) -> None:
        self._content = content
        self._withdrawer = withdrawer
        self._clock = clock
        self._actor = actor

    @operation(
        "consent.of_case",
        "what rests on the consents of a person",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=ConsentsOfCase,
        units=Units.NARROWED,
    )
    async def show_consents(self, asked: OneCase, caller: Caller) -> OperationResult:
        """The consents of a case that are in force: which conversations with which countries rely on each, what would
        stop and who would be told if the person took all of them back.
        """

        def query(c: Connection) -> dict[str, Json]:
            row = find_row(c, asked.id, place="/id")
            items: list[Json] = []
            tells: dict[Json, None] = {}
            for known, name in self._in_force(c, row.id):
                relied_on, told = self._withdrawer.find_relying(c, known, caller)
                items.append({"id": name, "state": known.state, "at": known.rows[0].at, "relied_on": relied_on})
                tells |= dict.fromkeys(told)
            name = cards_in(self._content.sealer, c, [row])[row.id].name
            return {"of_case": {"id": row.id, "name": name}, "consents": items, "tells": [*tells]}

        return OperationResult(value=await self._content.store.read(query))

    @operation(
        "consent.withdraw_all",
        "withdraw every consent of a person",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=AllWithdrawn,
        units=Units.NARROWED,
        attested=True,
        creates=True,
        example={"erase_wanted": True},
    )
    async def withdraw_all(self, asked: WithdrawAll, caller: Caller) -> OperationResult:
        """Take back every consent of a case in one transaction, also one that was recorded since the page was read:
        effective here at once, told to every peer that relies on one. Never blocked: where nothing is in force, nothing
        is taken back. `unnamed` are consents that do not open and that no message names; nothing is sent on them.
        """
        now, attested = self._clock.now(), asked.attested is not None
        actor = pseudonym(name_actor(caller, asked.attested, required=False), self._actor)

        def query(c: Connection) -> Sequence[tuple[register.Known, str | None]]:
            return self._in_force(c, find_row(c, asked.id, place="/id").id)

        found = await self._content.store.read(query)
        named = [(known, name) for known, name in found if name is not None]
        wanted = [(known, take_back(name, now=now, erase_wanted=asked.erase_wanted)) for known, name in named]
        states, told = await self._withdrawer.withdraw(wanted, actor, attested=attested, caller=caller)
        items: list[Json] = [{"id": name, "state": state} for (_, name), state in zip(named, states, strict=True)]
        value: dict[str, Json] = {"id": asked.id, "consents": items, "told": told, "unnamed": len(found) - len(named)}
        return OperationResult(value=value, created=bool(told))

    def _in_force(self, connection: Connection, id: CaseId) -> list[tuple[register.Known, str | None]]:
        """The consents of a case of which something is left, or nobody can tell that nothing is, with their ids."""
        found = []
        for index in dict.fromkeys(index for _, index, _, _ in cases.consents_of(connection, [id])):
            known = register.known_under(self._content.sealer, connection, index)
            if known.withdrawals is None or not known.withdrawn:
                found.append((known, self._name(connection, known)))
        return found

    def _name(self, connection: Connection, known: register.Known) -> str | None:
        """The id of a consent: of its record, else as a message names it that relies on it."""
        if known.held:
            return str(known.held[0].record["consent_id"])
        sealed = content_rows.get(connection, messages.under(connection, known.index))
        opened = opened_rows(self._content.sealer, sealed).values()
        return next((one.facts.consent_ref for one in opened if one.facts.consent_ref is not None), None)

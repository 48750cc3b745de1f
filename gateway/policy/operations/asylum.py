"""Asylum holds: what a person here knows of an asylum claim and no message said (gate G5, domain 9.11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import Field
from sqlalchemy import Connection

from gateway.database import content, journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.delivery.operations.messages import conversation_rows, opened_rows
from gateway.errors import Code, RefusedError
from gateway.foundation.workers import Workers
from gateway.operations.authors import person
from gateway.operations.ids import ConversationId
from gateway.operations.models import Answer, Asked, By, Nothing, Time
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import CASE_SYSTEMS, CASES
from gateway.policy import asylum_holds, store
from gateway.policy.asylum_holds import Named
from gateway.policy.store import AsylumHold
from gateway.ports import Clock, Json, OperationResult


class HoldBy(Asked):
    """A person, and the conversation of the hold."""

    id: ConversationId
    by: By


class Held(Answer):
    """Whether a hold applies to a conversation."""

    id: ConversationId
    held: bool = Field(description="false once a second, different person lifted it")


class Hold(Answer):
    """An asylum hold; without the id where it does not open."""

    id: ConversationId | None
    at: Time
    lift_wanted: bool


class Holds(Answer):
    """The asylum holds of this node."""

    holds: list[Hold]


class AsylumOperations:
    """Operations on asylum holds."""

    def __init__(self, *, content: Content, workers: Workers, clock: Clock, actor: Actor) -> None:
        self._content = content
        self._workers = workers
        self._clock = clock
        self._actor = actor

    @operation(
        "asylum.hold",
        "nothing of it goes to the State of nationality",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Held,
        units=Units.FREE,
        creates=True,
        example={"by": "Ana Doe"},
    )
    async def hold(self, asked: HoldBy) -> OperationResult:
        """A named person places a hold, at once: nothing of this conversation goes to the State of nationality any
        more, nor of others that rely on the same consents. What waits to go is judged again when it departs.
        """
        id, by, now = asked.id, asked.by, self._clock.now()
        _, sealed = await conversation_rows(self._content, id)
        opened = await self._workers.off_loop(lambda: opened_rows(self._content.sealer, sealed))
        consents = {one.facts.consent_ref for one in opened.values() if one.facts.consent_ref is not None}
        (label,) = self._content.sealer.hold_indexes(id, ())
        before, said = await self._content.store.read(lambda c: _over(c, label))
        consents.update(*(named.consents for named in asylum_holds.opened(self._content.sealer, said).values()))
        row = asylum_holds.sealed(self._content, Named(conversation=id, consents=tuple(sorted(consents))))
        labels = self._content.sealer.hold_indexes(id, sorted(consents))

        def move(connection: Connection) -> bool:
            known = store.get(connection, label)
            if known != before:
                raise RefusedError(
                    Code.CHANGED_MEANWHILE, "somebody changed this hold at the same moment", hint="repeat it"
                )
            content.put(connection, [row])
            if known is not None:
                store.replace(connection, known.ref, row.ref)
            placed = AsylumHold(ref=row.ref, at=now, lift=None) if known is None else replace(known, ref=row.ref)
            store.place(connection, placed, labels)
            journal.append_leaf(connection, leaf(now, "asylum.held", actor=self._actor(by.encode()).hex()))
            return known is None

        return OperationResult(value={"id": id, "held": True}, created=await self._content.store.move(move))

    @operation(
        "asylum.lift",
        "two people lift an asylum hold",
        roles=CASES,
        about=About.CASE,
        answer=Held,
        example={"by": "Ana Doe"},
    )
    async def lift(self, asked: HoldBy) -> OperationResult:
        """Two different people lift a hold, one after the other: after a decision, or on the person's written
        request.
        """
        id, by, now = asked.id, asked.by, self._clock.now()
        (label,), who = self._content.sealer.hold_indexes(id, ()), person(by, self._actor)

        def move(connection: Connection) -> bool:
            known = store.get(connection, label)
            if known is None:
                raise RefusedError(Code.NOT_FOUND, "no asylum hold applies to it", hint="trm asylum list shows them")
            if known.lift == who:
                raise RefusedError(
                    Code.CONFLICT, "the same person wanted this lifted already; it still waits for a different one"
                )
            actor = self._actor(by.encode()).hex()
            if known.lift is None:
                store.want_lift(connection, known.ref, who)
                journal.append_leaf(connection, leaf(now, "asylum.lift_wanted", actor=actor))
            else:
                store.lift(connection, known.ref)
                journal.append_leaf(connection, leaf(now, "asylum.lifted", actor=actor))
            return known.lift is None

        return OperationResult(value={"id": id, "held": await self._content.store.move(move)})

    @operation("asylum.list", "asylum holds", roles=CASES, about=About.CASE, answer=Holds)
    async def list_holds(self, _asked: Nothing) -> OperationResult:
        """Asylum holds, oldest first, and whether a first person wants one lifted; one that does not open has no id."""

        def query(c: Connection) -> tuple[Sequence[AsylumHold], dict[int, SealedRow]]:
            found = store.listed(c)
            return found, content.get(c, [one.ref for one in found])

        found, sealed = await self._content.store.read(query)
        named = asylum_holds.opened(self._content.sealer, list(sealed.values()))
        items: list[Json] = []
        for one in found:
            name = named[one.ref].conversation if one.ref in named else None
            items.append({"id": name, "at": one.at, "lift_wanted": one.lift is not None})
        return OperationResult(value={"holds": items})


def _over(connection: Connection, label: bytes) -> tuple[AsylumHold | None, list[SealedRow]]:
    known = store.get(connection, label)
    return known, [] if known is None else list(content.get(connection, [known.ref]).values())

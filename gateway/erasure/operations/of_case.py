"""Keeping and erasing everything of one person: legal holds on a case, and the erasure of all its messages."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from gateway.cases import kept, store
from gateway.cases.kept import CaseHold
from gateway.cases.operations.models import CaseDone, OneCase
from gateway.cases.register import find_row
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.sealed_content import Content
from gateway.erasure.operations.erasing import ErasureOperations, code, day
from gateway.erasure.operations.models import EraseCase, Erased, HoldCase, KeptCase
from gateway.erasure.peer_requests import store as requests
from gateway.errors import Code, RefusedError
from gateway.messages.store import messages
from gateway.messages.store.messages import MessageRow
from gateway.operations.actors import pseudonym
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import FOCAL_POINT, Caller
from gateway.ports import Clock, OperationResult


class CaseErasureOperations:
    """Operations that hold and erase a whole case."""

    def __init__(
        self,
        *,
        content: Content,
        erasing: ErasureOperations,
        clock: Clock,
        rand: Callable[[int], bytes],
        actor: Actor,
    ) -> None:
        self._content = content
        self._erasing = erasing
        self._clock = clock
        self._rand = rand
        self._actor = actor

    @operation(
        "case.hold",
        "nothing of a person is erased",
        roles=FOCAL_POINT,
        about=About.CASE,
        answer=KeptCase,
        units=Units.NARROWED,
        by_person=True,
        creates=True,
        example={"ground": "restriction_18", "until": "2027-06-30"},
    )
    async def hold(self, asked: HoldCase, caller: Caller) -> OperationResult:
        """A named person places a legal hold on a case: nothing of any of its conversations is erased, nor of one that
        begins later, until one lifts it. A hold that is there is replaced.
        """
        now, ground = self._clock.now(), code("ground", asked.ground)
        until = day(asked.until, now).isoformat()
        sealer = self._content.sealer
        held = CaseHold(conversation=b"case/" + self._rand(16), ground=ground, until=until, at=now)

        def move(connection: Connection) -> None:
            case = find_row(connection, asked.id, place="/id").id
            if before := kept.of_case(connection, case):
                kept.lift(sealer, connection, case, before, at=now)
            kept.place(sealer, connection, case, held, at=now)
            actor = pseudonym(caller.actor, self._actor)
            journal.append_leaf(connection, leaf(now, "retention.held", reason=ground, actor=actor))

        await self._content.store.move(move)
        return OperationResult(value={"id": asked.id, "ground": ground, "until": until}, created=True)

    @operation(
        "case.release",
        "lift the legal hold of a person",
        roles=FOCAL_POINT,
        about=About.CASE,
        answer=CaseDone,
        units=Units.NARROWED,
        by_person=True,
    )
    async def release(self, asked: OneCase, caller: Caller) -> OperationResult:
        """A named person lifts the hold of a case; those of single conversations stay."""
        now = self._clock.now()

        def move(connection: Connection) -> None:
            case = find_row(connection, asked.id, place="/id").id
            held = kept.of_case(connection, case)
            if not held:
                raise RefusedError(
                    Code.NOT_FOUND,
                    "no legal hold lies on the case; nothing was changed",
                    hint="trm case show prints it",
                )
            kept.lift(self._content.sealer, connection, case, held, at=now)
            requests.reopen(connection, at=now)
            actor = pseudonym(caller.actor, self._actor)
            journal.append_leaf(connection, leaf(now, "retention.released", actor=actor))

        await self._content.store.move(move)
        return OperationResult(value={"id": asked.id})

    @operation(
        "case.erase",
        "a person erases everything of it",
        roles=FOCAL_POINT,
        about=About.CASE,
        answer=Erased,
        units=Units.NARROWED,
        by_person=True,
        erases=True,
        example={"reason": "not_needed"},
    )
    async def erase(self, asked: EraseCase, caller: Caller) -> OperationResult:
        """Erase every message of every conversation of a case, as `conversation.erase` does: all of them or, where a
        hold lies on one or an alert waits, none. Drafts that wait are discarded by a person.
        """
        reason = code("reason", asked.reason)
        rows = await self._content.store.read(lambda c: _messages(c, asked))
        if not rows:
            raise RefusedError(
                Code.CONFLICT,
                "the case has no message; nothing was erased",
                hint="discard its drafts; one without any ends with a draft that is begun from it and discarded",
            )
        return await self._erasing.erase_rows(rows, reason, caller.actor)


def _messages(connection: Connection, asked: OneCase) -> list[MessageRow]:
    case = find_row(connection, asked.id, place="/id").id
    return messages.of_conversations(connection, store.conversations_of(connection, case))

"""Cases that two people change, one after the other: merged, split, parts moved, and the same taken back."""

from __future__ import annotations

from collections.abc import Callable, Collection

from sqlalchemy import Connection

from gateway.access.enrolment import check_two_people
from gateway.access.first_words import still_counts
from gateway.cases import store
from gateway.cases.changes import CaseChanges, Wanted, find_change
from gateway.cases.operations.models import (
    HER,
    ONE_PERSON,
    OTHER,
    ChangeAsked,
    ChangeStepped,
    MergeCases,
    MoveParts,
    OneChange,
    Parts,
    SplitCase,
)
from gateway.cases.register import CaseRegister, draft_key
from gateway.cases.rules import PARTS, ChangeKind, ChangeState, LinkKind
from gateway.cases.store import ChangeRow
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.sealed_content import Content
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.ids import CaseId
from gateway.messages.store import local, messages
from gateway.operations.actors import person_of, pseudonym
from gateway.operations.ids import Subject
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import CASES, Caller
from gateway.policy.asylum_holds import HoldsOnCases
from gateway.policy.linked_holds import LinkedHolds
from gateway.ports import Clock, OperationResult
from keys.primitives.encoding import b64u

ID = 16
WAIT = (ChangeState.ASKED, ChangeState.UNDO_ASKED)
"""Changes that wait for a second person."""

OF_A_CASE = {
    "conversations": "name the case that it is of; trm case join gives an enquiry that is of none to a case",
    "drafts": "name the case that it is of; save one that is of none with its case",
    "numbers": "name the case that it is of",
}
"""What goes nowhere without the case that it is of, and what to do instead."""


class CaseChangeOperations:
    """Operations on changes of cases."""

    def __init__(
        self,
        *,
        content: Content,
        cases: CaseRegister,
        linked_holds: LinkedHolds,
        clock: Clock,
        rand: Callable[[int], bytes],
        actor: Actor,
    ) -> None:
        self._content = content
        self._cases = cases
        self._linked_holds = linked_holds
        self._changes = CaseChanges(
            content,
            cases,
            check_two=check_two_people,
            holds=HoldsOnCases(content, cases.new_id),
            settle=linked_holds.settle_case,
        )
        self._clock = clock
        self._rand = rand
        self._actor = actor

    @operation(
        "case.merge",
        "ask that two cases become one",
        roles=CASES,
        about=About.CASE,
        answer=ChangeAsked,
        units=Units.NARROWED,
        by_person=True,
        creates=True,
        example={**ONE_PERSON, "into": HER},
    )
    async def merge(self, asked: MergeCases, caller: Caller) -> OperationResult:
        """Ask that two cases become one person's: everything of the first goes into the second."""
        wanted = Wanted(kind=ChangeKind.MERGE, source=asked.id, target=CaseId(asked.into), keys=(), reason=asked.reason)
        return await self._ask(wanted, caller)

    @operation(
        "case.split",
        "ask that parts become a case",
        roles=CASES,
        about=About.CASE,
        answer=ChangeAsked,
        units=Units.NARROWED,
        by_person=True,
        creates=True,
        example={"reason": "two persons", "consents": [HER]},
    )
    async def split(self, asked: SplitCase, caller: Caller) -> OperationResult:
        """Ask that parts of a case become the case of another person, that was mixed up with it."""
        wanted = Wanted(
            kind=ChangeKind.SPLIT,
            source=asked.id,
            target=self._cases.new_id(),
            keys=self._keys(asked),
            reason=asked.reason,
            label=asked.label,
        )
        return await self._ask(wanted, caller)

    @operation(
        "case.move",
        "ask that parts go to another case",
        roles=CASES,
        about=About.CASE,
        answer=ChangeAsked,
        units=Units.NARROWED,
        by_person=True,
        creates=True,
        example={"source": HER, "into": OTHER, "reason": "it was hers", "consents": [HER]},
    )
    async def move(self, asked: MoveParts, caller: Caller) -> OperationResult:
        """Ask that parts of a case go to another one. Without a case they are consents that are of none yet."""
        keys = self._keys(asked)
        wanted = Wanted(
            kind=ChangeKind.MOVE,
            source=CaseId(asked.source or ""),
            target=asked.into,
            keys=keys,
            reason=asked.reason,
        )

        def check(connection: Connection) -> None:
            if asked.source is None:
                _check_of_none(connection, asked, keys)

        return await self._ask(wanted, caller, check)

    async def _ask(
        self, wanted: Wanted, caller: Caller, check: Callable[[Connection], None] = lambda _: None
    ) -> OperationResult:
        now, id = self._clock.now(), b64u(self._rand(ID))
        who, actor = person_of(caller), pseudonym(caller.actor, self._actor)

        def move(connection: Connection) -> None:
            check(connection)
            self._changes.ask(connection, wanted, id=id, person=who, actor=actor, now=now)

        await self._content.store.move(move)
        return OperationResult(value={"change": id, "state": ChangeState.ASKED, "into": wanted.target}, created=True)

    def _keys(self, asked: Parts) -> tuple[bytes, ...]:
        """The links of what is named."""
        sealer = self._content.sealer
        keys = [sealer.conversation_index(one) for one in asked.conversations]
        keys += [sealer.consent_index(one) for one in asked.consents]
        keys += [draft_key(one) for one in asked.drafts]
        keys += sealer.case_indexes(asked.numbers)
        if not keys:
            raise RefusedError(
                Code.INVALID,
                "nothing is named that could move; nothing was changed",
                findings=[Finding(place="", rule="required", hint="name what moves: " + ", ".join(PARTS))],
            )
        return tuple(dict.fromkeys(keys))

    @operation(
        "case.confirm",
        "a second person does it",
        roles=CASES,
        about=About.CASE,
        answer=ChangeStepped,
        units=Units.NARROWED,
        by_person=True,
    )
    async def confirm(self, asked: OneChange, caller: Caller) -> OperationResult:
        """A second, different person does what the first one asked for; consents are judged again."""
        return await self._step(asked.id, caller, self._confirm)

    def _confirm(self, connection: Connection, id: str, *, person: str, actor: str, now: int) -> ChangeState:
        """Do it; where that takes a change back, end the case that is left with nothing by it. Where who asked for it
        might not do that any more, this person asks instead.
        """
        row = find_change(connection, id)
        if row.state in WAIT and not still_counts(
            self._content.sealer, connection, row.first.decode(), Subject.CASE_CHANGE, id
        ):
            return _ask_instead(connection, row, person=person, actor=actor, now=now)
        state = self._changes.confirm(connection, id, person=person, actor=actor, now=now)
        left = _find_left(connection, row) if state == ChangeState.UNDONE else None
        if left is not None:
            for ref in store.forget_empty(connection, left):
                content_rows.erase(connection, ref)
            self._linked_holds.settle_open(connection)
        return state

    @operation(
        "case.undo",
        "ask that it is taken back",
        roles=CASES,
        about=About.CASE,
        answer=ChangeStepped,
        units=Units.NARROWED,
        by_person=True,
    )
    async def undo(self, asked: OneChange, caller: Caller) -> OperationResult:
        """Ask that a change is taken back; a second, different person confirms it."""
        return await self._step(asked.id, caller, self._changes.undo)

    async def _step(self, id: str, caller: Caller, step: Callable[..., ChangeState]) -> OperationResult:
        now = self._clock.now()
        who, actor = person_of(caller), pseudonym(caller.actor, self._actor)
        state = await self._content.store.move(lambda c: step(c, id, person=who, actor=actor, now=now))
        return OperationResult(value={"change": id, "state": state})


def _ask_instead(connection: Connection, row: ChangeRow, *, person: str, actor: str, now: int) -> ChangeState:
    """Another person asks for the same, a change or its end, and it waits for a second one again."""
    state = ChangeState(row.state)
    store.set_change(connection, row.ref, state=state, first=person.encode(), at=now)
    if state == ChangeState.ASKED:
        journal.append_leaf(connection, leaf(now, "case.change_asked", action=row.kind, actor=actor))
    else:
        journal.append_leaf(connection, leaf(now, "case.undo_asked", action=row.kind, state=state, actor=actor))
    return state


def _check_of_none(connection: Connection, asked: MoveParts, keys: Collection[bytes]) -> None:
    """Return if all that is named without a case are consents that are held here. Raises RefusedError."""
    named = {"conversations": asked.conversations, "drafts": asked.drafts, "numbers": asked.numbers}
    found = [Finding(place=f"/{name}", rule="of_no_case", hint=OF_A_CASE[name]) for name, some in named.items() if some]
    if found:
        raise RefusedError(
            Code.INVALID, "only consents can be of no case; nothing was changed", hint=found[0].hint, findings=found
        )
    if not all(local.consents_of(connection, keys).values()):
        raise RefusedError(
            Code.NOT_FOUND,
            "no such consent; nothing was changed",
            hint="trm consent list shows the ids",
            findings=[Finding(place="/consents", rule="unknown_consent", hint="trm consent list shows the ids")],
        )


def _find_left(connection: Connection, row: ChangeRow) -> CaseId | None:
    """Find the case that taking a change back leaves with nothing: the one that a split made, unless something came to
    it since; or the one that was merged, where what it had was erased meanwhile.
    """
    if row.kind == ChangeKind.SPLIT:
        # Who is kept out of it is kept out of both by now. Whatever else lies on it, people have to see to.
        blocks = all(link.kind == LinkKind.BLOCK for link in store.links(connection, row.target))
        return row.target if blocks and len(store.changes_of(connection, row.target)) == 1 else None
    moved = store.moved(connection, row.ref)
    gone = set(moved) - store.cases_of(connection, moved).keys()
    erased = row.kind == ChangeKind.MERGE and bool(messages.of_conversations(connection, list(gone)))
    return row.source if erased and not store.is_kept(connection, row.source) else None

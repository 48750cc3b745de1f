"""Answering whether what a linked person fears concerns this one too (gate G5, domain 9.31)."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field
from sqlalchemy import Connection

from gateway.access.enrolment import check_two_people
from gateway.access.first_words import still_counts
from gateway.cases import entries, questions
from gateway.cases.history import EVERY, ApartEntry, QuestionEntry, said_apart
from gateway.cases.operations.models import OneCase
from gateway.cases.questions import Question
from gateway.cases.register import find_row
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.sealed_content import Content
from gateway.errors import Code, RefusedError
from gateway.operations.actors import person_of, pseudonym
from gateway.operations.ids import CaseId, Subject
from gateway.operations.models import Answer
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import CASES, Caller
from gateway.policy.linked_holds import LinkedHolds
from gateway.policy.operations.asylum import list_countries
from gateway.ports import Clock, Json, OperationResult


class NotFeared(OneCase):
    """A case that is asked about a hold on a linked one, and the States that its person has not to fear."""

    states: list[str] = Field(
        default_factory=list,
        description="those that the question names, codes of the list country; none if it has none",
    )


class Apart(Answer):
    """What is still asked of a case."""

    id: CaseId
    unanswered: list[str] = Field(description="States of which the node still asks; * for every one")


class LinkedHoldOperations:
    """The operation by which two people answer."""

    def __init__(self, *, content: Content, linked_holds: LinkedHolds, clock: Clock, actor: Actor) -> None:
        self._content = content
        self._linked_holds = linked_holds
        self._clock = clock
        self._actor = actor

    @operation(
        "asylum.apart",
        "what a linked person fears does not concern this one",
        roles=CASES,
        about=About.CASE,
        answer=Apart,
        units=Units.NARROWED,
        by_person=True,
        example={"states": ["AL"]},
    )
    async def set_apart(self, asked: NotFeared, caller: Caller) -> OperationResult:
        """Two different people say, one after the other, that what the person of a linked case fears does not concern
        the person of this one. Until then nothing of this case goes to the States that the node asks about. Whoever
        says that it does concern this one places a hold on this case (`asylum.hold`), and the question ends.
        """
        now, who = self._clock.now(), person_of(caller)
        given = frozenset(list_countries(asked.states)) or frozenset({EVERY})
        actor = pseudonym(caller.actor, self._actor)

        def move(connection: Connection) -> list[str]:
            row = find_row(connection, asked.id, place="/id")
            for entry in self._answers(connection, row.id, given, who=who, at=now):
                entries.add(self._content, connection, row.id, entry)
            self._linked_holds.settle_open(connection)
            journal.append_leaf(connection, leaf(now, "asylum.set_apart", actor=actor))
            return sorted({state for one in self._asked_of(connection, row.id) for state in one.states})

        left: list[Json] = [*await self._content.store.move(move)]
        return OperationResult(value={"id": asked.id, "unanswered": left})

    def _asked_of(self, connection: Connection, case: CaseId) -> list[Question]:
        on = {ref: of for ref, of in questions.places(connection).items() if of == case}
        return questions.opened(self._content.sealer, connection, on)

    def _answers(
        self, connection: Connection, case: CaseId, given: frozenset[str], *, who: str, at: int
    ) -> list[ApartEntry]:
        """What is noted of the answer to each question that it is about. Raises RefusedError conflict."""
        asked = [one.entry for one in self._asked_of(connection, case) if one.entry is not None and given & one.states]
        if not asked:
            raise RefusedError(
                Code.CONFLICT,
                "nobody asks this of that case; nothing was noted",
                hint="trm case show prints what is asked of it, and of which States",
            )
        self._forget_uncounted(connection, case, asked)
        noted, found = entries.of_case(self._content.sealer, connection, case), list[ApartEntry]()
        for entry in asked:
            said = said_apart(noted, questions.list_same(connection, entry.about))
            states = [state for state in sorted(given & {*entry.states}) if who not in said.get(state, ())]
            for first in sorted(frozenset[str]().union(*(said.get(state, frozenset()) for state in states))):
                check_two_people(connection, first, who)
            if states:
                found.append(ApartEntry(about=entry.about, states=states, by=who, at=at))
        if not found:
            raise RefusedError(
                Code.CONFLICT, "the same person said so already; it still waits for a different one; nothing was noted"
            )
        return found

    def _forget_uncounted(self, connection: Connection, case: CaseId, asked: Sequence[QuestionEntry]) -> None:
        """Forget what people answered to these questions, of a case to which they might not say it any more."""
        noted = entries.of_case(self._content.sealer, connection, case)
        people = {one.by for one in noted if isinstance(one, ApartEntry)}
        gone = {one for one in people if not still_counts(self._content.sealer, connection, one, Subject.CASE, case)}
        uncounted = {
            (about, state)
            for one in asked
            for about in questions.list_same(connection, one.about)
            for state in one.states
        }

        def stands(answer: ApartEntry, state: str) -> bool:
            return answer.by not in gone or (answer.about, state) not in uncounted

        entries.keep_answers(self._content, connection, case, stands)

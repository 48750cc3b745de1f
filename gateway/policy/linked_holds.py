"""Asking about those who are linked to a person who fears a State (gate G5, domain 9.31).

What a person fears is known by an asylum hold, or by a message that told of asylum. It is never laid on another person
by itself: relatives may fear different States. It is asked. For each case that is linked to the one of which it is
known a question is opened there, and while it is open nothing of that case goes to the States that are asked about. A
hold on that case that names them answers yes; two different people answer no. Whatever changes a hold, a link or what
was told settles the questions anew in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import TypeAlias

from sqlalchemy import Connection

from gateway.cases import entries, questions, register
from gateway.cases import store as cases
from gateway.cases.history import EVERY, ApartEntry, QuestionEntry, said_apart
from gateway.cases.questions import Question
from gateway.cases.register import cards_in
from gateway.cases.rules import LinkKind
from gateway.conversations import loader
from gateway.conversations.rules.facts import quoted_enquiry
from gateway.database.sealed_content import Content
from gateway.foundation.ids import CaseId
from gateway.foundation.json import Json
from gateway.messages.store.messages import MessageRow
from gateway.messages.types import AcceptedMessage
from gateway.policy import asylum_holds, store
from gateway.policy.store import AsylumHold
from gateway.policy.told_asylum import Fear, ToldAsylum, join_fears, list_since, may_tell, name_states
from gateway.ports import Clock

TWO = 2
"""People who answer no."""
Pair: TypeAlias = "tuple[CaseId, CaseId]"
"""A case of which it is known what its person fears, and one that is linked to it."""


class LinkedHolds:
    """Opens and ends the questions on linked cases."""

    def __init__(self, *, content: Content, told: ToldAsylum, clock: Clock) -> None:
        self._content = content
        self._told = told
        self._clock = clock

    def settle_case(self, connection: Connection, case: CaseId | None) -> None:
        """Settle what is asked of the cases linked to this one, and of this one by theirs."""
        if case is None:
            return
        there = self._open_questions(connection)
        beside = {pair for pair in there if case in pair}
        linked = {pair for other in self._linked(connection, case) for pair in ((case, other), (other, case))}
        self._settle(connection, beside | linked, there)

    def settle_told(
        self, connection: Connection, conversation: bytes, body_type: str, content: Mapping[str, Json]
    ) -> None:
        """Settle the same of the case of a conversation, where a message in it may have told of asylum, or of more."""
        if may_tell(body_type, content):
            self.settle_case(connection, cases.cases_of(connection, [conversation]).get(conversation))

    def join_quoted(self, connection: Connection, referral: MessageRow, enquiry: str) -> None:
        """Make the enquiry that a referral quotes one of its case, where it is of none, with the hold that was placed
        on it while nobody had said whom it is about.
        """
        quoted = loader.quote(connection, referral, enquiry)
        register.join_quoted(connection, referral.conversation, quoted)
        sealer, now = self._content.sealer, self._clock.now()
        self.settle_case(connection, asylum_holds.lay_along(connection, sealer, quoted, at=now))

    def settle_open(self, connection: Connection) -> None:
        """Settle every open question: somebody has answered, or what asks has ended with what it was about."""
        there = self._open_questions(connection)
        self._settle(connection, there, there)
        questions.withdraw(connection, [], at=self._clock.now())

    async def forget(self) -> None:
        """End the questions of holds that ended by themselves, since nothing is left of what they lay over, and of what
        was told and erased, and the alarms about cases that are no more.
        """
        if await self._content.store.read(questions.wait):
            await self._content.store.move(self.settle_open)

    def _open_questions(self, connection: Connection) -> dict[Pair, list[Question]]:
        """The open questions by whom they ask about and of whom; one that does not open stays until people see to the
        damage.
        """
        found: dict[Pair, list[Question]] = {}
        for one in questions.opened(self._content.sealer, connection, questions.places(connection)):
            if one.entry is not None:
                about = CaseId(one.entry.about)
                found.setdefault((questions.find_became(connection, about) or about, one.of), []).append(one)
        return found

    def _settle(self, connection: Connection, pairs: Iterable[Pair], there: Mapping[Pair, Sequence[Question]]) -> None:
        """Ask for each case with a fear and one linked to it what is not answered, and nothing else any more."""
        at, fears = self._clock.now(), dict[CaseId, list[Fear]]()
        for about, of in sorted(pairs):
            if about not in fears:
                fears[about] = self._fears(connection, about)
            before = there.get((about, of), ())
            wanted = self._unanswered(connection, about, of, fears[about])
            if before or wanted:
                asked = frozenset[str]().union(*(one.states for one in before))
                states = frozenset[str]() if wanted is None else wanted.states
                self._forget_words(connection, (about, of), asked, states, list_since(fears[about]))
            if wanted and [one.fear for one in before] == [(wanted.states, wanted.but)]:
                continue
            questions.withdraw(connection, [one.ref for one in before], at=at)
            if wanted:
                entry = QuestionEntry(about=about, states=sorted(wanted.states), at=at, but=sorted(wanted.but))
                questions.ask(self._content, connection, of, entry)

    def _fears(self, connection: Connection, case: CaseId) -> list[Fear]:
        """Read what the person of a case fears, by the holds that lie on it and by what messages told."""
        told = self._told.read_fears(connection, case)
        holds = _holds(connection, case)
        if not holds:
            return told
        return [Fear(states=self._kept_from(connection, case), since=min(one.at for one in holds.values())), *told]

    def _unanswered(self, connection: Connection, about: CaseId, of: CaseId, fears: Sequence[Fear]) -> Fear | None:
        """Take from what the person of the case `about` fears the States that holds on the case `of` keep away from,
        and those of which two people said, since the newest reason to fear them is known, that they do not concern it.
        """
        own = self._kept_from(connection, of)
        if not fears or EVERY in own:
            return None
        noted, about_it = entries.of_case(self._content.sealer, connection, of), questions.list_parts(connection, about)
        said = said_apart(noted, about_it, since=list_since(fears))
        answered = {state for state, people in said.items() if len(people) >= TWO}
        return join_fears([replace(fear, states=fear.states - own - answered) for fear in fears])

    def _forget_words(
        self, connection: Connection, pair: Pair, asked: Set[str], wanted: Set[str], since: Mapping[str, int]
    ) -> None:
        """Forget what was answered and counts for nothing: where it is not asked any more, as the first of two; where
        it is, before it was asked, or before its newest reason was known. So what is left of what is asked counts.
        """
        about, of = questions.list_parts(connection, pair[0]), pair[1]
        said = said_apart(entries.of_case(self._content.sealer, connection, of), about)

        def stands(answer: ApartEntry, state: str) -> bool:
            if answer.about not in about:
                return True
            if state in wanted:
                return state in asked and answer.at >= since[state]
            return len(said[state]) >= TWO

        entries.keep_answers(self._content, connection, of, stands)

    def _kept_from(self, connection: Connection, case: CaseId) -> frozenset[str]:
        """The States that the holds on a case keep away from; every one where none of those named is a State."""
        holds = _holds(connection, case)
        if not holds:
            return frozenset()
        return name_states(asylum_holds.feared_states(connection, self._content.sealer, holds))

    def _linked(self, connection: Connection, case: CaseId) -> set[CaseId]:
        """The cases that people linked to this one or to what was merged into it; instead of one that was merged, what
        it became.
        """
        rows = cases.get(connection, questions.list_parts(connection, case))
        cards = cards_in(self._content.sealer, connection, rows.values())
        found = {questions.find_became(connection, other) for card in cards.values() for other in card.group or {}}
        return {other for other in found if other is not None and other != case}


@dataclass(frozen=True, slots=True)
class AsylumTold:
    """What a message of a peer that may tell of asylum does in the transaction that accepts it."""

    linked_holds: LinkedHolds
    row: MessageRow
    message: AcceptedMessage

    def write(self, connection: Connection, now: int) -> None:
        """Ask of the linked cases."""
        said = self.message
        self.linked_holds.settle_told(connection, self.row.conversation, said.body_type, said.content)


@dataclass(frozen=True, slots=True)
class EnquiryQuoted:
    """What a peer's referral does that quotes an enquiry of its own, in the transaction that accepts it."""

    linked_holds: LinkedHolds
    row: MessageRow
    message: AcceptedMessage

    def write(self, connection: Connection, _now: int) -> None:
        """Make the enquiry one of the case of the referral."""
        enquiry = quoted_enquiry(self.message.body_type, self.message.content)
        if enquiry is not None:
            self.linked_holds.join_quoted(connection, self.row, enquiry)


def _holds(connection: Connection, case: CaseId) -> dict[bytes, AsylumHold]:
    found = {link.key: store.get(connection, link.key) for link in cases.links(connection, case, LinkKind.HOLD)}
    return {label: hold for label, hold in found.items() if hold is not None}

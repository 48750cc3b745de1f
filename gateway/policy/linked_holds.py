"""Asking about those who are linked to a person under an asylum hold (gate G5, domain 9.31).

A hold is never laid on another person by itself: relatives may fear different States. It asks. For each case that is
linked to the one with the hold a question is opened there, and while it is open nothing of that case goes to the States
that are asked about. A hold on that case that names them answers yes; two different people answer no. Whatever changes
a hold or a link settles the questions anew in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from sqlalchemy import Connection

from gateway.cases import entries, questions
from gateway.cases import store as cases
from gateway.cases.history import EVERY, QuestionEntry, said_apart
from gateway.cases.questions import Question
from gateway.cases.register import cards_in
from gateway.cases.rules import CaseState, ChangeKind, ChangeState, LinkKind
from gateway.cases.store import ChangeRow
from gateway.database.sealed_content import Content
from gateway.foundation.ids import CaseId
from gateway.policy import asylum_holds, store
from gateway.policy.gates.asylum import NAMES_NO_STATE
from gateway.policy.store import AsylumHold

TWO = 2
"""People who answer no."""
Pair: TypeAlias = "tuple[CaseId, CaseId]"
"""A case with a hold, and one that is linked to it."""


def settle_case(content: Content, connection: Connection, case: CaseId | None, *, at: int) -> None:
    """Settle what is asked of the cases linked to this one, and of this one by theirs."""
    if case is None:
        return
    there = _open_questions(content, connection)
    beside = {pair for pair in there if case in pair}
    linked = {pair for other in _linked(content, connection, case) for pair in ((case, other), (other, case))}
    _settle(content, connection, beside | linked, there, at=at)


def settle_open(content: Content, connection: Connection, *, at: int) -> None:
    """Settle every open question: somebody has answered, or holds have ended with what they lay over."""
    there = _open_questions(content, connection)
    _settle(content, connection, there, there, at=at)
    questions.withdraw(connection, [], at=at)


async def forget(content: Content, *, at: int) -> None:
    """End the questions of holds that ended by themselves, since nothing is left of what they lay over, and the alarms
    about cases that are no more.
    """
    if await content.store.read(questions.wait):
        await content.store.move(lambda c: settle_open(content, c, at=at))


def _open_questions(content: Content, connection: Connection) -> dict[Pair, list[Question]]:
    """The open questions by whom they ask about and of whom; one that does not open stays until people see to the
    damage.
    """
    found: dict[Pair, list[Question]] = {}
    for one in questions.opened(content.sealer, connection, questions.places(connection)):
        if one.entry is not None:
            about = CaseId(one.entry.about)
            found.setdefault((_became(connection, about) or about, one.of), []).append(one)
    return found


def _settle(
    content: Content,
    connection: Connection,
    pairs: Iterable[Pair],
    there: Mapping[Pair, Sequence[Question]],
    *,
    at: int,
) -> None:
    """Ask for each case with a hold and one linked to it what is not answered, and nothing else any more."""
    for about, of in sorted(pairs):
        wanted, before = _unanswered(content, connection, about, of), there.get((about, of), ())
        if wanted and [one.states for one in before] == [wanted]:
            continue
        questions.withdraw(connection, [one.ref for one in before], at=at)
        if wanted:
            questions.ask(content, connection, of, QuestionEntry(about=about, states=sorted(wanted), at=at))


def _unanswered(content: Content, connection: Connection, about: CaseId, of: CaseId) -> frozenset[str]:
    """The States that holds on the case `about` keep away from, less those that holds on the case `of` do too, and
    those of which two people said since that they do not concern it.
    """
    holds = _holds(connection, about)
    own = _kept_from(content, connection, of)
    if not holds or EVERY in own:
        return frozenset()
    since = min(hold.at for hold in holds.values())
    said = said_apart(entries.of_case(content.sealer, connection, of), about, since=since)
    feared = _kept_from(content, connection, about)
    return feared - own - {state for state, people in said.items() if len(people) >= TWO}


def _kept_from(content: Content, connection: Connection, case: CaseId) -> frozenset[str]:
    """The States that the holds on a case keep away from; every one where none of those named is a State."""
    holds = _holds(connection, case)
    if not holds:
        return frozenset()
    named = asylum_holds.feared_states(connection, content.sealer, holds)
    return named if named - NAMES_NO_STATE else frozenset({EVERY})


def _holds(connection: Connection, case: CaseId) -> dict[bytes, AsylumHold]:
    found = {link.key: store.get(connection, link.key) for link in cases.links(connection, case, LinkKind.HOLD)}
    return {label: hold for label, hold in found.items() if hold is not None}


def _linked(content: Content, connection: Connection, case: CaseId) -> set[CaseId]:
    """The cases that people linked to this one or to what was merged into it; instead of one that was merged, what it
    became.
    """
    rows = cases.get(connection, _parts(connection, case))
    cards = cards_in(content.sealer, connection, rows.values())
    found = {_became(connection, other) for card in cards.values() for other in card.group or {}}
    return {other for other in found if other is not None and other != case}


def _parts(connection: Connection, case: CaseId) -> set[CaseId]:
    """A case and those that were merged into it."""
    found, new = set[CaseId](), {case}
    while new:
        found |= new
        new = {one.source for part in new for one in _merges(connection, part) if one.target == part} - found
    return found


def _became(connection: Connection, case: CaseId) -> CaseId | None:
    """The case itself, or the open one that it was merged into; None where it is gone."""
    seen = set[CaseId]()
    while case not in seen and (row := cases.get(connection, [case]).get(case)) is not None:
        if row.state == CaseState.OPEN:
            return case
        seen.add(case)
        case = next((one.target for one in _merges(connection, case) if one.source == case), case)
    return None


def _merges(connection: Connection, case: CaseId) -> list[ChangeRow]:
    lasting = (ChangeState.DONE, ChangeState.UNDO_ASKED)
    changes = cases.changes_of(connection, case)
    return [one for one in changes if one.kind == ChangeKind.MERGE and one.state in lasting]

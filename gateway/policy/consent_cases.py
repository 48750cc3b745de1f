"""Of which case a message and its consent are, whether an asylum hold lies on that case, and whether what is
known of a linked one asks about it (domain 7.18, 9.11, 9.31).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.cases import store as cases
from gateway.cases.rules import ConsentCase, LinkKind, consent_case
from gateway.consent.register import Known
from gateway.consent.said_no import SaidNo
from gateway.foundation.ids import CaseId, NodeId
from gateway.messages.store import messages
from gateway.messages.store.local import OWN
from gateway.policy.acts import Acts


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A message about to be judged: the keys of its conversation and of its consent, if any; `case` is the one it is
    written from, where its conversation is of none yet.
    """

    conversation: bytes
    consent: bytes | None
    case: CaseId | None


def judge_cases(
    connection: Connection, asked: Sequence[Asked], acts: Acts
) -> list[tuple[ConsentCase, frozenset[bytes]]]:
    """For each message how the case of its consent stands to its own, and the labels of the holds on its own."""
    answers = []
    for one in asked:
        case = _case_of(one, acts)
        labels = frozenset(label for label in acts.holds if case is not None and acts.cases[label] == case)
        answers.append((_of_consent(connection, one, case, acts), labels))
    return answers


def questions_on(asked: Asked, acts: Acts) -> dict[int, CaseId]:
    """The open questions on the case of a message."""
    case = _case_of(asked, acts)
    return {ref: of for ref, of in acts.questions.items() if of == case}


def find_relied_on(connection: Connection, conversation: bytes, case: CaseId | None, to: NodeId) -> dict[bytes, bool]:
    """Find the consents of the case of a message, and those on which its conversations relied that are of no other
    case; each with whether one of them, with the node `to`, relied on it.
    """
    case = cases.cases_of(connection, [conversation]).get(conversation, case)
    own = [] if case is None else [link.key for link in cases.links(connection, case, LinkKind.CONSENT)]
    talks = {conversation, *([] if case is None else cases.conversations_of(connection, case))}
    relied = messages.consents_towards(connection, talks)
    of = cases.cases_of(connection, [index for index, _ in relied])
    there = {index for index, _ in relied if of.get(index, case) == case}
    return {index: (index, to) in relied for index in there.union(own)}


def gather_said_no(known: Mapping[bytes, Known], relied: Mapping[bytes, bool], acts: Acts) -> SaidNo:
    """Gather what the person said no to in these consents, each with whether it was relied on towards the recipient; of
    a consent that is of no case, or that nobody confirmed since a restore, no yes counts.
    """
    abouts = [(known[index], index, towards) for index, towards in relied.items()]
    records = [record for about, _, _ in abouts for record in about.records]
    return SaidNo(
        denials=tuple(denial for record in records for denial in record.denials),
        taken_back=tuple(grant for record in records for grant in record.lost),
        standing=tuple(
            consent
            for about, index, _ in abouts
            if (consent := about.consent) is not None
            and not about.is_withdrawn(consent)
            and acts.cases[index] is not None
            and index not in acts.doubted
        ),
        unread=any(towards and not about.held and about.withdrawals != () for about, _, towards in abouts),
    )


def _case_of(one: Asked, acts: Acts) -> CaseId | None:
    of_its_conversation = acts.cases[one.conversation]
    return one.case if of_its_conversation is None else of_its_conversation


def _of_consent(connection: Connection, one: Asked, case: CaseId | None, acts: Acts) -> ConsentCase:
    if one.consent in acts.doubted:
        return ConsentCase.UNCONFIRMED
    if one.consent is None or (case is not None and acts.cases[one.consent] == case):
        return ConsentCase.SAME
    holders = {row.holder for row in acts.consents[one.consent]}
    vouched = OWN not in holders and messages.came_under(connection, one.consent, one.conversation)
    return consent_case(of_consent=acts.cases[one.consent], of_message=case, held=bool(holders), vouched=vouched)

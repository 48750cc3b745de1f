"""Of which case a message and its consent are, and whether an asylum hold lies on that case (domain 7.18, 9.11)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.cases import store as cases
from gateway.cases.rules import ConsentCase, consent_case
from gateway.consent.unconfirmed_store import unconfirmed
from gateway.foundation.ids import CaseId
from gateway.messages.store import local, messages
from gateway.messages.store.local import OWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A message about to be judged: the keys of its conversation and of its consent, if any; `case` is the one it is
    written from, where its conversation is of none yet.
    """

    conversation: bytes
    consent: bytes | None
    case: CaseId | None


def judge_cases(
    connection: Connection, asked: Sequence[Asked], holds: Collection[bytes]
) -> list[tuple[ConsentCase, frozenset[bytes]]]:
    """For each message how the case of its consent stands to its own, and the labels of the holds on its own."""
    links = cases.cases_of(
        connection, {*holds, *(one.conversation for one in asked), *(one.consent for one in asked if one.consent)}
    )
    in_doubt = unconfirmed(connection)
    answers = []
    for one in asked:
        case = links.get(one.conversation, one.case)
        labels = frozenset(label for label in holds if label in links and links[label] == case)
        answers.append((_of_consent(connection, one, links.get(one.consent or b""), case, in_doubt), labels))
    return answers


def _of_consent(
    connection: Connection, one: Asked, of_consent: CaseId | None, case: CaseId | None, in_doubt: Collection[bytes]
) -> ConsentCase:
    if one.consent in in_doubt:
        return ConsentCase.UNCONFIRMED
    if one.consent is None or (case is not None and of_consent == case):
        return ConsentCase.SAME
    holders = {row.holder for row in local.consents(connection, one.consent)}
    vouched = OWN not in holders and messages.came_under(connection, one.consent, one.conversation)
    return consent_case(of_consent=of_consent, of_message=case, held=bool(holders), vouched=vouched)

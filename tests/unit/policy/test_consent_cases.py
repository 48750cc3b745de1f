"""Whether a message and its consent are of one case, and which holds lie on that case."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection
from support import rows

from gateway.cases import questions
from gateway.cases import store as cases
from gateway.cases.rules import CaseState, ConsentCase, LinkKind
from gateway.cases.store import CaseRow, Link
from gateway.consent import unconfirmed_store
from gateway.foundation.ids import CaseId
from gateway.messages.store import local, messages
from gateway.messages.store.local import OWN, ConsentRow
from gateway.policy import store
from gateway.policy.acts import load_acts
from gateway.policy.consent_cases import Asked, judge_cases, questions_on
from gateway.policy.store import AsylumHold

ONE, TWO = CaseId("A" * 22), CaseId("B" * 22)
NONE = frozenset[bytes]()


@pytest.fixture
def held(connection: Connection) -> Connection:
    """Two cases, each with a conversation, a consent and a hold; and a consent that nobody has said the case of."""
    cases.open_cases(connection, [CaseRow(id=id, state=CaseState.OPEN, at=1, card=None) for id in (ONE, TWO)])
    kinds = {b"talk": LinkKind.CONVERSATION, b"consent": LinkKind.CONSENT, b"hold": LinkKind.HOLD}
    links = [
        Link(key=key + number, kind=kind, case_id=id)
        for number, id in ((b"1", ONE), (b"2", TWO))
        for key, kind in kinds.items()
    ]
    cases.link(connection, links)
    recorded = ((1, b"consent1", OWN), (2, b"consent2", "n1peer"), (3, b"nobody's", "n1peer"), (4, b"nobody's", "n1c"))
    for ref, index, holder in recorded:
        local.add_consent(connection, ConsentRow(ref=ref, consent=index, holder=holder, state="active", at=1))
    return connection


def judged(
    connection: Connection, conversation: bytes, consent: bytes | None, case: CaseId | None = None
) -> ConsentCase:
    """How the case of a consent stands to that of a message."""
    ((found, _),) = judge(connection, Asked(conversation=conversation, consent=consent, case=case))
    return found


def judge(connection: Connection, *asked: Asked) -> list[tuple[ConsentCase, frozenset[bytes]]]:
    """How these messages are judged by what is stored."""
    consents = {one.consent for one in asked if one.consent is not None}
    acts = load_acts(connection, conversations={one.conversation for one in asked}, consents=consents)
    return judge_cases(connection, asked, acts)


def test_a_consent_is_for_messages_of_its_case(held: Connection):
    """Whoever recorded it; what is not held here is no matter of cases."""
    found = {
        (talk, consent): judged(held, talk, consent)
        for talk in (b"talk1", b"talk2")
        for consent in (b"consent1", b"consent2", b"nobody's", b"not held", None)
    }
    same, other, none = ConsentCase.SAME, ConsentCase.OTHER, ConsentCase.NONE
    assert found == {
        (b"talk1", b"consent1"): same,
        (b"talk1", b"consent2"): other,
        (b"talk1", b"nobody's"): none,
        (b"talk1", b"not held"): same,
        (b"talk1", None): same,
        (b"talk2", b"consent1"): other,
        (b"talk2", b"consent2"): same,
        (b"talk2", b"nobody's"): none,
        (b"talk2", b"not held"): same,
        (b"talk2", None): same,
    }


def test_a_new_conversation_is_of_the_case_it_is_written_from(held: Connection):
    """One that has a case is of that, whatever it is said to be written from."""
    assert judged(held, b"new", b"consent1", ONE) is ConsentCase.SAME
    assert judged(held, b"new", b"consent1", TWO) is ConsentCase.OTHER
    assert judged(held, b"new", b"consent1") is ConsentCase.OTHER
    assert judged(held, b"new", b"nobody's") is ConsentCase.NONE
    assert judged(held, b"talk1", b"consent1", TWO) is ConsentCase.SAME


def test_a_peer_that_relies_on_a_consent_vouches_for_it(held: Connection):
    """In that conversation, for a consent that this node did not record; people here may not know it yet."""
    came = {"direction": "in", "state": "opened"}
    messages.add(
        held,
        [
            rows.message(1, conversation=b"talk1", consent=b"consent2", **came),
            rows.message(2, conversation=b"talk2", consent=b"consent1", **came),
            rows.message(3, conversation=b"talk2", consent=b"nobody's"),
        ],
    )
    assert judged(held, b"talk1", b"consent2") is ConsentCase.SAME
    assert judged(held, b"talk2", b"consent1") is ConsentCase.OTHER
    assert judged(held, b"talk2", b"nobody's") is ConsentCase.NONE


def test_a_consent_in_doubt_is_for_no_message(held: Connection):
    """Also of its own case: a restored node does not know what was withdrawn since."""
    unconfirmed_store.doubt_all(held, at=5)
    assert judged(held, b"talk1", b"consent1") is ConsentCase.UNCONFIRMED
    assert judged(held, b"talk1", None) is ConsentCase.SAME
    unconfirmed_store.end_doubt(held, [b"consent1"], at=6)
    assert judged(held, b"talk1", b"consent1") is ConsentCase.SAME


def test_holds_on_the_case_of_a_message(held: Connection):
    """Those that lie on its case; what is of no case has none, nor does a hold of no case."""
    asked = [
        Asked(conversation=b"talk1", consent=b"consent2", case=None),
        Asked(conversation=b"new", consent=None, case=TWO),
        Asked(conversation=b"new", consent=None, case=None),
    ]
    store.place(held, AsylumHold(ref=91, at=1, lift=None), [b"hold1"])
    store.place(held, AsylumHold(ref=92, at=1, lift=None), [b"hold2", b"hold of no case"])
    assert judge(held, *asked) == [
        (ConsentCase.OTHER, {b"hold1"}),
        (ConsentCase.SAME, {b"hold2"}),
        (ConsentCase.SAME, NONE),
    ]
    store.lift(held, 91)
    assert [labels for _, labels in judge(held, *asked)] == [NONE, {b"hold2"}, NONE]


def test_questions_on_the_case_of_a_message(held: Connection):
    """Those of its case, also of the one that it is written from; none of another case."""
    asked = [
        Asked(conversation=b"talk1", consent=None, case=None),
        Asked(conversation=b"new", consent=None, case=TWO),
        Asked(conversation=b"new", consent=None, case=None),
    ]
    links = [Link(key=questions.key_of(ref), kind=LinkKind.QUESTION, case_id=id) for ref, id in ((71, ONE), (72, TWO))]
    cases.link(held, links)

    acts = load_acts(held, conversations={one.conversation for one in asked}, consents=[])
    assert [questions_on(one, acts) for one in asked] == [{71: ONE}, {72: TWO}, {}]

"""Whether a message and its consent are of one case, and which holds lie on that case."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection
from support import rows
from support.gate_facts import RECORD

from gateway.cases import questions
from gateway.cases import store as cases
from gateway.cases.rules import CaseState, ConsentCase, LinkKind
from gateway.cases.store import CaseRow, Link
from gateway.consent import unconfirmed_store
from gateway.consent.register import ACTIVE, HeldConsent, Known
from gateway.consent.rules import Denial, read
from gateway.consent.said_no import SaidNo
from gateway.foundation.ids import CaseId
from gateway.messages.store import local, messages
from gateway.messages.store.local import OWN, ConsentRow
from gateway.policy import store
from gateway.policy.acts import Acts, load_acts
from gateway.policy.consent_cases import Asked, find_relied_on, gather_said_no, judge_cases, questions_on
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


@pytest.mark.parametrize("case", [None, ONE, TWO])
def test_on_what_the_conversations_of_a_case_relied(held: Connection, case: CaseId | None):
    """Every consent of the case, and what is of no case; a conversation that has a case is of that alone."""
    cases.link(held, [Link(key=b"more", kind=LinkKind.CONVERSATION, case_id=ONE)])
    relied = [
        (b"talk1", "n1a", b"consent2"),
        (b"more", "n1a", b"nobody's"),
        (b"talk2", "n1a", b"far"),
        (b"more", "n1b", b"far"),
    ]
    found = [rows.message(n, conversation=c, peer=p, consent=index) for n, (c, p, index) in enumerate(relied, 1)]
    messages.add(held, found)
    assert find_relied_on(held, b"talk1", case, "n1a") == {b"consent1": False, b"nobody's": True, b"far": False}
    assert find_relied_on(held, b"more", case, "n1b") == {b"consent1": False, b"nobody's": False, b"far": True}


def test_on_what_a_new_conversation_relies(held: Connection):
    """On what its own messages named, and on the consents of the case that it is written from."""
    found = [rows.message(n, conversation=b"new", consent=index) for n, index in enumerate((b"far", b"consent2"), 1)]
    messages.add(held, found)
    assert find_relied_on(held, b"new", None, rows.PEER) == {b"far": True}
    assert find_relied_on(held, b"new", ONE, rows.PEER) == {b"far": True, b"consent1": False}
    assert find_relied_on(held, b"new", TWO, rows.PEER) == {b"far": True, b"consent2": True}
    assert find_relied_on(held, b"none", None, rows.PEER) == {}


RECORDED = RECORD | {"denials": [{"data_category": "exploitation"}]}
GRANTS = read(RECORDED).grants
DENIED = Denial(purpose=None, unit=None, category="exploitation")
FIRST, ALL = {"scope": "grants", "grants": [0]}, {"scope": "all"}


def known(*withdrawals: dict[str, object], index: bytes = b"mine", came: bool = True) -> Known:
    """What is known of a consent of which this was taken back; `came`: its record is here."""
    row = ConsentRow(ref=1, consent=index, holder=OWN, state=ACTIVE, at=1)
    return Known(
        index=index,
        rows=(row,) if came else (),
        held=(HeldConsent(row=row, record=RECORDED),) if came else (),
        withdrawals=withdrawals,
        withdrawn_in=None,
        damaged=frozenset(),
    )


def acts_of(*doubted: bytes, **of: CaseId | None) -> Acts:
    """What people said of which consent."""
    return Acts(
        consents={},
        taken_back={},
        doubted=frozenset(doubted),
        holds=frozenset(),
        cases={key.encode(): case for key, case in of.items()},
    )


def test_what_the_person_said_no_to():
    """What was denied and taken back in any of the consents, and which of them stand."""
    whole, part, gone = known(), known(FIRST, index=b"part"), known(ALL, index=b"gone")
    of = acts_of(mine=ONE, part=ONE, gone=ONE)
    said = gather_said_no({b"mine": whole, b"part": part}, {b"mine": True, b"part": False}, of)
    assert said == SaidNo(denials=(DENIED, DENIED), taken_back=GRANTS[:1], standing=(whole.consent, part.consent))
    one_by_one = known({"scope": "grants", "grants": [0, 1]}, {"scope": "grants", "grants": [2]}, index=b"gone")
    for each in (gone, one_by_one):
        assert gather_said_no({b"gone": each}, {b"gone": True}, of) == SaidNo(denials=(DENIED,), taken_back=GRANTS)
    assert gather_said_no({}, {}, of) == SaidNo()


def test_a_yes_that_nobody_can_stand_for_is_none():
    """Of a consent of no case, or that nobody confirmed since a restore, and where no record is here; a no counts."""
    whole = known(FIRST)
    for of in (acts_of(mine=None), acts_of(b"mine", mine=ONE)):
        said = gather_said_no({b"mine": whole}, {b"mine": True}, of)
        assert said == SaidNo(denials=(DENIED,), taken_back=GRANTS[:1])
    assert gather_said_no({b"mine": known(came=False)}, {b"mine": True}, acts_of(mine=ONE)) == SaidNo()


@pytest.mark.parametrize(
    ("consent", "towards", "unread"),
    [
        (known(FIRST, came=False), True, True),
        (known(ALL, came=False), True, True),
        (known(FIRST, came=False), False, False),
        (known(came=False), True, False),
        (known(FIRST), True, False),
    ],
    ids=["in part", "all", "relied on elsewhere", "nothing was taken back", "its record says what"],
)
def test_what_was_taken_back_and_no_record_says_what(consent: Known, towards: bool, unread: bool):
    """Where it was relied on towards the recipient: it may be all that goes there."""
    assert gather_said_no({b"mine": consent}, {b"mine": towards}, acts_of(mine=ONE)).unread is unread

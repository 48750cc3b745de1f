"""A hold asks about those who are linked to the person: of whom, of which States, until when."""

from __future__ import annotations

from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection
from support import rows
from support.family import BROTHER, GROUPS, MOTHER, NOW, SISTER, STRANGER, Family
from support.kept_content import plain

from gateway.cases import entries, questions
from gateway.cases import store as cases
from gateway.cases.history import EVERY
from gateway.cases.questions import Question
from gateway.cases.rules import LinkKind
from gateway.cases.store import Link
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.foundation.ids import CaseId, ConversationId
from gateway.ledger import store as ledger
from gateway.ledger.rules import Taken
from gateway.messages import state_transitions
from gateway.messages.store import messages
from gateway.messages.store.messages import MessageRow
from gateway.policy import asylum_holds, store
from gateway.policy.asylum_holds import Named
from gateway.policy.linked_holds import AsylumTold, EnquiryQuoted
from gateway.policy.store import AsylumHold
from gateway.policy.told_asylum import Fear

ANA, BEN = "a" * 22, "b" * 22
ENQUIRY = "enquiry.capacity/1"


@pytest.fixture
async def family(store: Store, vault: ContentSealer) -> Family:
    """A sister, her brother, their mother, and somebody else."""
    made = Family(Content(store, vault))
    await made.begin()
    return made


async def test_a_hold_asks_of_each_linked_case(family: Family):
    """Of the States that it names; not of the person's own, nor of others, nor of whom the linked are linked to."""
    await family.hold(SISTER, "AL", "XK")
    assert await family.asked() == {BROTHER: {"AL", "XK"}, MOTHER: {"AL", "XK"}}


async def test_a_hold_of_a_brother_asks_nothing_of_the_mother(family: Family):
    """People linked him to his sister alone; a hold on her asks her mother."""
    await family.hold(BROTHER, "AL")
    assert await family.asked() == {SISTER: {"AL"}}
    await family.hold(SISTER, "AL")
    assert await family.asked() == {MOTHER: {"AL"}}


@pytest.mark.parametrize(
    ("named", "left"), [(("AL", "XK"), set()), (("AL",), {"XK"}), ((), set()), (("MA",), {"AL", "XK"})]
)
async def test_a_hold_on_the_linked_case_answers_yes(family: Family, named: Collection[str], left: set[str]):
    """As far as it keeps away from the same States, and one that names none keeps from every one."""
    await family.hold(SISTER, "AL", "XK")
    await family.hold(BROTHER, *named)
    found = await family.asked()
    assert found.get(BROTHER, set()) == left
    assert found[MOTHER] == {"AL", "XK"}


async def test_a_yes_that_is_taken_back_is_asked_again(family: Family):
    """The hold on the brother is lifted, and that on his sister still lies."""
    await family.hold(SISTER, "AL")
    await family.hold(BROTHER, "AL")
    assert await family.asked() == {MOTHER: {"AL"}}
    await family.lift(BROTHER)
    assert await family.asked() == {BROTHER: {"AL"}, MOTHER: {"AL"}}


@pytest.mark.parametrize("named", [(), ("PS",)])
async def test_a_hold_that_names_no_state_asks_of_every_one(family: Family, named: Collection[str]):
    """Nobody knows which is feared; once one is named, that one is asked about."""
    await family.hold(SISTER, *named)
    assert await family.asked() == {case: {EVERY} for case in (BROTHER, MOTHER)}
    await family.hold(SISTER, *named, "AL")
    assert await family.asked() == {case: {"AL", *named} for case in (BROTHER, MOTHER)}


@pytest.mark.parametrize(("answered", "other"), [(BROTHER, MOTHER), (MOTHER, BROTHER)], ids=["brother", "mother"])
async def test_two_different_people_answer_no(family: Family, answered: CaseId, other: CaseId):
    """One of them twice is one; what is answered for the brother is not for the mother, and the other way round."""
    await family.hold(SISTER, "AL")
    for by in (ANA, ANA):
        await family.say_no(answered, SISTER, by, "AL")
        assert await family.asked() == {answered: {"AL"}, other: {"AL"}}
    await family.say_no(answered, SISTER, BEN, "AL")
    assert await family.asked() == {other: {"AL"}}


async def test_a_further_state_is_asked_about_anew(family: Family):
    """What two people answered of one State says nothing of another, nor of another person's fear."""
    await family.hold(SISTER, "AL")
    for by in (ANA, BEN):
        await family.say_no(BROTHER, SISTER, by, "AL")
        await family.say_no(MOTHER, STRANGER, by, "AL")
    await family.hold(SISTER, "AL", "XK")
    assert await family.asked() == {BROTHER: {"XK"}, MOTHER: {"AL", "XK"}}


async def test_what_is_answered_in_part_is_asked_anew(family: Family):
    """Of the State that is left, with an alarm of then; the other one stays as it was."""
    await family.hold(SISTER, "AL", "XK")
    for by in (ANA, BEN):
        await family.say_no(BROTHER, SISTER, by, "AL", at=NOW + 5)
    assert await family.asked() == {BROTHER: {"XK"}, MOTHER: {"AL", "XK"}}
    alarms = await family.content.store.read(journal.open_alarms)
    assert sorted(alarm.at for alarm in alarms) == [NOW, NOW + 5]


async def test_a_lifted_hold_asks_nothing_and_a_new_one_asks_anew(family: Family):
    """Answers of before are of a hold that is no more."""
    await family.hold(SISTER, "AL")
    for by in (ANA, BEN):
        await family.say_no(BROTHER, SISTER, by, "AL")
    await family.lift(SISTER)
    assert await family.asked() == {}
    await family.hold(SISTER, "AL", at=NOW + 1)
    assert await family.asked() == {BROTHER: {"AL"}, MOTHER: {"AL"}}


async def test_what_a_message_told_asks_as_a_hold_does(family: Family):
    """Of the States that it named, or of every one; until it is over, a hold says yes, or two people say no."""
    await family.tell(SISTER, "AL", "XK")
    assert await family.asked() == {BROTHER: {"AL", "XK"}, MOTHER: {"AL", "XK"}}
    await family.hold(BROTHER, "AL")
    for by in (ANA, BEN):
        await family.say_no(MOTHER, SISTER, by, "XK")
    assert await family.asked() == {BROTHER: {"XK"}, MOTHER: {"AL"}, SISTER: {"AL"}}  # of her, by the hold on him
    await family.tell(SISTER, "PS", at=NOW + 1)
    assert await family.asked() == {BROTHER: {EVERY}, MOTHER: {EVERY}, SISTER: {"AL"}}
    await family.tell(SISTER)
    assert await family.asked() == {SISTER: {"AL"}}


async def test_a_hold_on_what_was_told_asks_anew(family: Family):
    """What two people answered when a message told it was not about the hold that a person placed later; and what they
    answered under an earlier hold is not about what is told now.
    """
    await family.tell(SISTER, "AL")
    for by in (ANA, BEN):
        await family.say_no(BROTHER, SISTER, by, "AL")
    assert await family.asked() == {MOTHER: {"AL"}}
    await family.hold(SISTER, "AL", at=NOW + 1)
    assert await family.asked() == {BROTHER: {"AL"}, MOTHER: {"AL"}}
    for by in (ANA, BEN):
        await family.say_no(BROTHER, SISTER, by, "AL", at=NOW + 1)
    assert await family.asked() == {MOTHER: {"AL"}}
    await family.tell(SISTER, "AL", at=NOW + 2)
    assert await family.asked() == {BROTHER: {"AL"}, MOTHER: {"AL"}}


async def test_a_newer_reason_is_answered_by_two_people_anew(family: Family):
    """A hold is placed on what a message told, and one person had answered that: who is shown to have said no, and who
    counts, are the same ones.
    """
    await family.tell(SISTER, "AL")
    await family.say_no(BROTHER, SISTER, ANA, "AL", at=NOW + 1)
    assert await family.said(BROTHER, SISTER) == {"AL": {ANA}}
    await family.hold(SISTER, "AL", at=NOW + 2)
    assert await family.said(BROTHER, SISTER) == {}
    await family.say_no(BROTHER, SISTER, BEN, "AL", at=NOW + 3)
    assert BROTHER in await family.asked()
    await family.say_no(BROTHER, SISTER, ANA, "AL", at=NOW + 4)
    assert await family.said(BROTHER, SISTER) == {"AL": {ANA, BEN}}
    assert BROTHER not in await family.asked()


async def test_a_word_that_was_left_of_an_older_question_does_not_count(family: Family):
    """Versions before kept what one person had answered when the question ended: when it is asked again it is gone."""
    await family.hold(SISTER, "AL")
    await family.hold(BROTHER, "AL")
    await family.say_no(BROTHER, SISTER, ANA, "AL", at=NOW + 1)
    await family.lift(BROTHER)
    assert await family.said(BROTHER, SISTER) == {}
    await family.say_no(BROTHER, SISTER, BEN, "AL", at=NOW + 2)
    assert BROTHER in await family.asked()


async def test_to_end_the_relation_answers_nothing(family: Family):
    """The question stays until the hold is lifted, or people answer."""
    await family.hold(SISTER, "AL")

    def part(connection: Connection) -> None:
        for case in GROUPS:
            cases.set_cards(connection, {case: 0})
        family.at(NOW).settle_case(connection, SISTER)

    await family.content.store.move(part)
    assert await family.asked() == {BROTHER: {"AL"}, MOTHER: {"AL"}}
    await family.lift(SISTER)
    assert await family.asked() == {}


async def test_of_whom_nothing_is_left_nobody_is_asked(family: Family):
    """The sister is still linked to her brother by her card."""
    await family.erase(BROTHER)
    await family.hold(SISTER, "AL")
    assert await family.asked() == {MOTHER: {"AL"}}


async def test_with_the_case_of_the_hold_the_questions_end(family: Family):
    """Nothing is left of the sister, so nobody asks any more."""
    await family.hold(SISTER, "AL")
    await family.erase(SISTER)
    await family.at(NOW).forget()
    assert await family.asked() == {}


async def test_with_the_asked_case_the_alarm_ends(family: Family):
    """Nothing is left of the brother here; his mother is still asked about."""
    await family.hold(SISTER, "AL")
    await family.erase(BROTHER)
    await family.at(NOW).forget()
    assert await family.asked() == {MOTHER: {"AL"}}


async def test_a_question_that_does_not_open_asks_of_every_state(family: Family):
    """Nobody can read of which, so nothing goes there until people see to the damage."""
    damaged = rows.sealed(901)
    await family.content.store.move(lambda c: entries.keep(c, LinkKind.QUESTION, [(BROTHER, damaged)]))
    on = {901: BROTHER}

    def states(connection: Connection) -> frozenset[str]:
        assert questions.places(connection) == on
        return questions.states_of(family.sealer, connection, on, towards="AL")

    assert await family.content.store.read(states) == {EVERY}
    await family.at(NOW).forget()
    assert await family.content.store.read(states) == {EVERY}


@pytest.mark.parametrize(("direction", "peer"), [("in", rows.PEER), ("out", rows.PEER), ("in", "n1another")])
async def test_the_enquiry_that_a_referral_quotes_is_of_its_case(family: Family, direction: str, peer: str):
    """One of the same side and peer; beside it stands which message quotes it. What is of a case already stays."""
    said = {"direction": direction, "state": "opened", "n": 1, "epoch": 1}
    enquiries = [rows.message(n, peer=peer, conversation=b"enquiry %d" % n, kind="enquiry", **said) for n in (1, 2)]
    referral = rows.message(3, conversation=b"referral", **said)

    def move(connection: Connection) -> tuple[dict[bytes, CaseId], list[tuple[bytes, int]]]:
        state_transitions.begin(connection, [(row, ENQUIRY) for row in (*enquiries, referral)])
        messages.add(connection, [*enquiries, referral])
        of = {b"referral": SISTER, b"enquiry 2": BROTHER}
        cases.link(connection, [Link(key=key, kind=LinkKind.CONVERSATION, case_id=case) for key, case in of.items()])
        for enquiry in enquiries:
            family.at(NOW).join_quoted(connection, referral, enquiry.id)
        quoted = connection.exec_driver_sql("select conversation, quoted from conversation where quoted is not null")
        return cases.cases_of(connection, [b"enquiry 1", b"enquiry 2"]), sorted(map(tuple, quoted))

    of, quoted = await family.content.store.move(move)
    theirs = peer == rows.PEER
    assert of == {b"enquiry 2": BROTHER} | ({b"enquiry 1": SISTER} if theirs else {})
    assert quoted == ([(b"enquiry 1", 3), (b"enquiry 2", 3)] if theirs else [])


def wrote(row: MessageRow, body_type: str, **content: str) -> dict[str, Any]:
    """What the steps are given that a peer's message does in the transaction that accepts it."""
    return {"row": row, "message": SimpleNamespace(body_type=body_type, content=content)}


async def test_what_a_message_tells_is_asked_in_the_transaction_that_accepts_it(family: Family):
    """Of those who are linked to the case of its conversation, where the message may tell of asylum; else of nobody."""
    row = rows.message(1, conversation=b"talk")
    family.told[SISTER] = [Fear(states=frozenset({"AL"}), since=NOW)]

    async def write(body_type: str, **content: str) -> dict[CaseId, set[str]]:
        step = AsylumTold(linked_holds=family.at(NOW), **wrote(row, body_type, **content))
        await family.content.store.move(lambda c: step.write(c, NOW))
        return await family.asked()

    assert await write("referral.request/1", legal_status="asylum_pending") == {}  # of no case yet
    await family.content.store.move(
        lambda c: cases.link(c, [Link(key=b"talk", kind=LinkKind.CONVERSATION, case_id=SISTER)])
    )
    assert await write("assistance.plan/1") == {}
    assert await write("referral.request/1", legal_status="irregular") == {}
    assert await write("referral.request/1", legal_status="asylum_pending") == {BROTHER: {"AL"}, MOTHER: {"AL"}}


async def test_a_hold_on_an_enquiry_lies_over_the_case_of_the_referral_that_quotes_it(family: Family):
    """Nobody had said whom the enquiry is about; from then on it is asked of those who are linked to that person."""
    talk, sealer = ConversationId("talk"), family.sealer
    (label,), index = sealer.hold_indexes(talk, ()), sealer.conversation_index(talk)
    said = {"direction": "in", "state": "opened", "n": 1, "epoch": 1}
    enquiry = rows.message(901, conversation=index, kind="enquiry", **said)
    referral = rows.message(902, conversation=b"referral", **said)

    def begin(connection: Connection) -> None:
        state_transitions.begin(connection, [(row, ENQUIRY) for row in (enquiry, referral)])
        messages.add(connection, [enquiry, referral])
        row = asylum_holds.sealed(family.content, Named(conversation=talk, consents=(), states=("AL",)))
        content_rows.put(connection, [row, sealer.seal(enquiry.ref, plain(ENQUIRY, conversation=talk))])
        store.place(connection, AsylumHold(ref=row.ref, at=NOW, lift=None), [label])
        cases.link(connection, [Link(key=b"referral", kind=LinkKind.CONVERSATION, case_id=SISTER)])

    await family.content.store.move(begin)
    for body_type, quoted, asked in (
        ("info.request/1", {"enquiry_id": enquiry.id}, {}),
        ("referral.request/1", {}, {}),
        ("referral.request/1", {"enquiry_id": enquiry.id}, {BROTHER: {"AL"}, MOTHER: {"AL"}}),
    ):
        step = EnquiryQuoted(linked_holds=family.at(NOW + 5), **wrote(referral, body_type, **quoted))
        await family.content.store.move(lambda c, step=step: step.write(c, NOW))
        assert await family.asked() == asked
    of = await family.content.store.read(lambda c: cases.cases_of(c, [index, label]))
    assert of == {index: SISTER, label: SISTER}
    named = await family.content.store.read(lambda c: ledger.after(c, 0, 9))
    assert {(row.kind, row.at) for row, _ in named} == {(Taken.OVER, NOW + 5)}


async def test_who_alone_told_of_a_fear_is_named_with_the_question(family: Family):
    """Every State is asked about but theirs; the question stays the same one while nothing changes."""
    family.told[SISTER] = [Fear(states=frozenset({EVERY}), since=NOW, but=frozenset({"ES", "FR"}))]

    def settle(connection: Connection) -> list[Question]:
        family.at(NOW).settle_case(connection, SISTER)
        return questions.opened(family.sealer, connection, questions.places(connection))

    found = await family.content.store.move(settle)
    assert {one.of: one.fear for one in found} == dict.fromkeys((BROTHER, MOTHER), ({EVERY}, {"ES", "FR"}))
    assert await family.content.store.move(settle) == found


async def test_what_was_answered_of_another_person_stays(family: Family):
    """A question about his sister begins and ends; what somebody said of a stranger is another matter."""
    await family.say_no(BROTHER, STRANGER, ANA, "AL")
    await family.hold(SISTER, "AL")
    await family.lift(SISTER)
    assert await family.said(BROTHER, STRANGER) == {"AL": {ANA}}

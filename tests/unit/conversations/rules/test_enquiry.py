"""An enquiry: asked, offered or refused, and used or not (domain 4.3)."""

from __future__ import annotations

from datetime import date

import pytest
from support.talk import DAY, HOST, HOUR, RECEIVING, START, Talk

from gateway.conversations.rules.fold import fold
from gateway.conversations.rules.machines import Enquiry, Kind
from gateway.conversations.rules.situation import Outcome
from gateway.messages.types import MESSAGE_LIFE


def asked(*, received: bool = True) -> Talk:
    """An enquiry."""
    talk = Talk(kind=Kind.ENQUIRY)
    message = talk.say(HOST, "enquiry.capacity")
    if not received:
        talk.amend(message, received=None)
    return talk


def offered(word: str = "yes") -> Talk:
    """An enquiry with an answer; the offer stands until 9 November."""
    talk = asked()
    said = {"day": date(2026, 11, 9)} if word.startswith("yes") else {}
    talk.say(RECEIVING, "enquiry.reply", to="enquiry.capacity", word=word, **said)
    return talk


@pytest.mark.parametrize(
    ("talk", "state"),
    [
        (asked(received=False), Enquiry.ASKED),
        (asked(), Enquiry.DELIVERED),
        (offered(), Enquiry.OFFERED),
        (offered("yes_conditional"), Enquiry.OFFERED),
        (offered("no"), Enquiry.REFUSED),
        (offered("redirect"), Enquiry.REFUSED),
    ],
)
def test_an_enquiry_is_asked_and_answered(talk, state):
    """Each answer, and what is known before there is one."""
    assert state is talk.fold().state


def test_an_enquiry_without_an_answer_expires():
    """150 % of five working days are eight, in Albania: until the end of Thursday 12 November."""
    talk = asked()
    end = START + 10 * DAY + 14 * HOUR - 1
    assert fold(talk.conversation(), end).state is Enquiry.DELIVERED
    found = fold(talk.conversation(), end + 1)
    assert (found.state, found.provisional) == (Enquiry.EXPIRED, True)
    assert not fold(talk.conversation(), end + MESSAGE_LIFE + 1).provisional
    late = talk.say(RECEIVING, "enquiry.reply", after=11 * DAY, word="yes")
    assert talk.fold().outcomes[late.id] is Outcome.LATE


def test_an_offer_is_used_while_it_stands():
    """By a referral written on its last day; one a day later finds it expired."""
    last = START + 7 * DAY
    assert offered().fold(after=20 * DAY, quoted=last).state is Enquiry.USED
    assert offered().fold(after=20 * DAY, quoted=last + DAY).state is Enquiry.EXPIRED
    assert offered().fold(after=20 * DAY).state is Enquiry.EXPIRED
    assert offered("no").fold(quoted=last).state is Enquiry.REFUSED


def test_an_enquiry_taken_back_is_cancelled():
    """Voided or refused: the other side never had it; it may be asked anew."""
    talk = asked(received=False)
    talk.amend(talk.messages[0], rejected=True)
    assert talk.fold().state is Enquiry.CANCELLED
    talk.say(HOST, "enquiry.capacity")
    assert talk.fold().state is Enquiry.DELIVERED


def test_what_has_no_place_in_an_enquiry_is_not_applied():
    """A second answer, an answer of the asker, and anything with personal data change no state."""
    for talk, side, kind in (
        (offered(), RECEIVING, "enquiry.reply"),
        (asked(), HOST, "enquiry.reply"),
        (offered(), HOST, "referral.request"),
        (offered(), HOST, "consent.withdrawal"),
    ):
        before = talk.fold().state
        message = talk.say(side, kind, word="no")
        found = talk.fold()
        assert (found.state, found.outcomes[message.id]) == (before, Outcome.OUT_OF_ORDER), kind


def test_an_answer_implies_that_the_question_arrived():
    """The receipt may come later than the answer, and the answer counts."""
    talk = asked(received=False)
    answer = talk.say(RECEIVING, "enquiry.reply", to="enquiry.capacity", word="no")
    found = talk.fold()
    assert (found.state, found.outcomes[answer.id]) == (Enquiry.REFUSED, Outcome.APPLIED)


def test_an_enquiry_that_did_not_arrive_does_not_expire():
    """Without a receipt no clock runs against the side that would have to answer."""
    assert asked(received=False).fold(after=400 * DAY).state is Enquiry.ASKED

"""A referral after some of its messages: its clocks, the events of a message, and the consent it rests on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.talk import DAY, HOST, RECEIVING, START, Talk, asked, conditional, confirmed, requested

from gateway.conversations.rules.facts import Message, Said, Side
from gateway.conversations.rules.machines import Referral, ReferralEvent
from gateway.conversations.rules.situation import MAY, Situation, carries, events, moved
from gateway.foundation.state_machine import IllegalStep

R, E = Referral, ReferralEvent


def a(kind: str, side: Side = HOST, *, to: str | None = None, **said: object) -> Message:
    """A message of which only its type, its side and what it says matter."""
    return Message(id=kind, side=side, n=1, seen=0, created=START, kind=kind, reply_to=to, said=Said(**said))  # type: ignore[arg-type]


def situation(talk: Talk) -> Situation:
    """Fold to the situation after the last message."""
    found = talk.fold().situation
    assert found is not None
    return found


def test_withdrawal_and_alert_are_expected_everywhere():
    """No state blocks them: they are in the table for each."""
    assert MAY["consent.withdrawal"] == MAY["safety.alert"] == frozenset(R)


def test_a_blocking_question_stops_the_clock_of_the_decision():
    """The time until the answer is added to the pauses before it; a clock that runs backwards takes nothing off."""
    now = replace(situation(asked()), paused=5)
    for waited, paused in ((DAY, DAY + 5), (-DAY, 5)):
        after = moved(now, E.ANSWER, now.since + waited)
        assert (after.state, after.paused, after.questions) == (R.UNDER_REVIEW, paused, ())


def test_conditions_that_lapse_give_the_whole_time_again():
    """The acceptance is gone, and the decision starts anew without the pauses of the first."""
    after = moved(replace(situation(conditional()), paused=5), E.CONDITIONS_LAPSE, START + 9 * DAY)
    assert (after.state, after.accepted) == (R.UNDER_REVIEW, None)
    assert (after.decided_from, after.paused) == (START + 9 * DAY, 0)


def test_a_move_that_the_table_does_not_have_is_refused():
    """A person does not depart before a return was confirmed."""
    assert moved(situation(confirmed()), E.DEPART, START).state is R.IN_TRANSIT
    with pytest.raises(IllegalStep):
        moved(situation(requested()), E.DEPART, START)


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        (a("referral.accept"), (E.ACCEPT,)),
        (a("referral.accept", flag=True), (E.ACCEPT_CONDITIONAL,)),
        (a("info.request", RECEIVING, flag=True), (E.ASK,)),
        (a("info.request", RECEIVING), ()),
        (a("info.request", HOST, flag=True), ()),
        (a("assistance.plan", RECEIVING, flag=True), (E.START_SERVICES, E.PLAN)),
        (a("assistance.plan", HOST, flag=True), (E.PLAN,)),
        (a("return.response", word="confirm"), (E.CONFIRM,)),
        (a("return.response", word="a new word"), (E.OBJECT,)),
        (a("departure.notice", word="departed"), (E.DEPART,)),
        (a("departure.notice", word="a new word"), (E.NOT_DEPART,)),
        (a("arrival.confirmation", word="met_injured"), (E.ARRIVE,)),
        (a("arrival.confirmation", word="a new word"), (E.NOT_MET,)),
        (a("closure.response", word="agree"), (E.AGREE,)),
        (a("closure.response", word="a new word"), (E.DISAGREE, E.REOPEN)),
        (a("safety.alert"), ()),
        (a("stats.request"), ()),
    ],
)
def test_a_word_that_is_not_known_is_the_event_that_moves_nobody(message, wanted):
    """Only the one word confirms, departs, meets or agrees, and a type without a move has no event (domain 4.5)."""
    assert events(message, Situation()) == wanted


def test_an_answer_ends_the_pause_when_it_quotes_the_last_question():
    """With two questions open, or quoting another one, it moves nothing unless it holds the identifying part."""
    first, second = a("info.request"), replace(a("info.request"), id="second")
    answer = a("info.reply", to=first.id)
    assert events(answer, Situation(questions=(first,))) == (E.ANSWER,)
    assert events(answer, Situation(questions=(first, second))) == ()
    assert events(answer, Situation(questions=(second,))) == ()
    assert events(a("info.reply", to=first.id, flag=True), Situation(questions=(second,))) == (E.PLAN,)


@pytest.mark.parametrize(
    ("consent", "grants", "rests"),
    [
        ("c1", None, True),
        ("c1", (0,), True),
        ("c1", (1,), False),
        ("c1", (1, 0), True),
        ("c1", (2,), False),
        ("c1", (), False),
        ("c9", (1,), True),
    ],
)
def test_a_referral_rests_on_the_grant_for_it(consent, grants, rests):
    """The first grant of the record is for the referral; of a record that is not known any part may be (domain 4.8)."""
    now = Situation(records=(a("consent.record", consent="c1", purposes=("referral", "return")),))
    assert carries(now, a("consent.withdrawal", consent=consent, grants=grants)) is rests


def test_the_last_record_of_a_consent_says_what_its_grants_are():
    """A newer record of the same consent takes the place of the older one."""
    older = a("consent.record", consent="c1", purposes=("referral",))
    newer = a("consent.record", consent="c1", purposes=("return",))
    withdrawal = a("consent.withdrawal", consent="c1", grants=(0,))
    assert carries(Situation(records=(newer, older)), withdrawal)
    assert not carries(Situation(records=(older, newer)), withdrawal)

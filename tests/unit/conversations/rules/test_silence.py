"""The effects of saying nothing, and the second from which each counts (domain 4.12)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.talk import (
    DAY,
    HOST,
    HOUR,
    RECEIVING,
    SETTING,
    START,
    Talk,
    accepted,
    asked,
    closing,
    conditional,
    planning,
    requested,
    sent,
    then,
)

from gateway.conversations.rules.fold import fold
from gateway.conversations.rules.machines import Referral, ReferralEvent
from gateway.conversations.rules.silence import offers_elsewhere, pass_time, patience_for, silence
from gateway.conversations.rules.situation import Outcome, Situation
from gateway.messages.types import MESSAGE_LIFE

R = Referral


def situation(talk: Talk) -> Situation:
    """Fold to the situation after the last message."""
    found = talk.fold().situation
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("talk", "event"),
    [
        (requested(), ReferralEvent.EXPIRE),
        (asked(), ReferralEvent.EXPIRE),
        (conditional(), ReferralEvent.CONDITIONS_LAPSE),
        (closing(), ReferralEvent.AGREE),
        (then(closing, HOST, "safety.alert"), None),
        (sent(), None),
        (accepted(), None),
        (planning(), None),
    ],
)
def test_silence_has_an_effect_in_four_states_and_in_no_other(talk, event):
    """A decision, an answer, conditions and a closure; elsewhere somebody is overdue and nothing happens."""
    due = silence(situation(talk), SETTING)
    assert event is (due and due.event)


@pytest.mark.parametrize("patience", [0, MESSAGE_LIFE])
def test_silence_speaks_a_second_after_its_time_and_its_patience(patience):
    """At the deadline an answer is still in time; what was before stays known while silence alone moved the case."""
    now = situation(requested())
    due = silence(now, SETTING)
    assert due is not None
    last = due.deadline.at + patience
    assert pass_time(now, last, SETTING, patience=patience) is now
    after = pass_time(now, last + 1, SETTING, patience=patience)
    assert (after.state, after.since, after.before) == (R.EXPIRED, due.deadline.at, now)


@pytest.mark.parametrize(
    ("side", "kind", "late", "rejected", "state"),
    [
        (RECEIVING, "referral.accept", 0, False, R.UNDER_REVIEW),
        (RECEIVING, "referral.accept", 1, False, R.EXPIRED),
        (RECEIVING, "referral.accept", 0, True, R.EXPIRED),
        (HOST, "referral.accept", 0, False, R.EXPIRED),
        (RECEIVING, "reminder.due", 0, False, R.EXPIRED),
    ],
)
def test_silence_waits_for_an_answer_that_comes_later_in_the_order(side, kind, late, rejected, state):
    """In time, not refused, of the side that owes it and of a type that answers; anything else breaks no silence."""
    talk = requested()
    now = situation(talk)
    due = silence(now, SETTING)
    assert due is not None
    coming = replace(talk.say(side, kind), created=due.deadline.at + late, rejected=rejected)
    assert pass_time(now, due.deadline.at + DAY, SETTING, coming=[coming]).state is state


def test_only_what_is_taken_back_makes_silence_wait():
    """A withdrawal has the life of a message to arrive, any other message none."""
    talk = requested()
    for kind in ("referral.withdraw", "consent.withdrawal"):
        assert patience_for(talk.say(HOST, kind)) == MESSAGE_LIFE
    for kind in ("referral.accept", "consent.record", "safety.alert"):
        assert patience_for(talk.say(HOST, kind)) == 0


def decision_over(talk: Talk) -> int:
    """150 % of 14 days after delivery, by the calendar days of Albania."""
    return START + 2 * HOUR + 21 * DAY + (23 - 12) * HOUR + 59 * 60 + 59


def test_an_unanswered_request_expires_at_150_percent():
    """Provisional for the life of a message, then final; one second earlier it is still under review."""
    talk = requested()
    over = decision_over(talk)
    assert fold(talk.conversation(), over).state is R.UNDER_REVIEW
    for at, provisional in ((over + 1, True), (over + MESSAGE_LIFE, True), (over + MESSAGE_LIFE + 1, False)):
        found = fold(talk.conversation(), at)
        assert (R.EXPIRED, provisional) == (found.state, found.provisional)


@pytest.mark.parametrize(("late", "state"), [(0, R.ACCEPTED), (1, R.EXPIRED)])
def test_an_answer_counts_by_its_signed_time(late, state):
    """Written in the last second it counts, however late it arrives; a second later it is shown as late."""
    talk = requested()
    answer = talk.say(RECEIVING, "referral.accept", after=decision_over(talk) - talk.now + late)
    found = fold(talk.conversation(), talk.now + 400 * DAY)
    assert state == found.state
    assert found.outcomes[answer.id] is (Outcome.LATE if late else Outcome.APPLIED)


def test_an_answer_in_time_counts_behind_a_later_message():
    """The host wrote after the deadline, and the answer in time says it had read that: its time still counts."""
    talk = requested()
    over = decision_over(talk)
    talk.say(HOST, "consent.record", after=over + DAY - talk.now)
    talk.say(RECEIVING, "referral.accept", after=-DAY)
    assert talk.fold(after=30 * DAY).state is R.ACCEPTED


def test_a_request_that_did_not_arrive_does_not_expire():
    """No receipt, no clock: a person is told, and the state stays."""
    assert sent().fold(after=400 * DAY).state is R.SENT


def test_what_is_urgent_expires_by_the_hour():
    """150 % of 72 hours, counted from the receipt, through a weekend."""
    talk = requested(priority="urgent")
    received = talk.messages[-1].received
    assert received is not None
    assert fold(talk.conversation(), received + 108 * HOUR).state is R.UNDER_REVIEW
    assert fold(talk.conversation(), received + 108 * HOUR + 1).state is R.EXPIRED


def test_finding_a6_an_emergency_does_not_end_by_a_night_of_silence():
    """It can be accepted for as long as a normal one, on both sides; then it has expired like that (domain 5.14)."""
    talk = requested(priority="emergency")
    over = decision_over(talk)
    assert fold(talk.conversation(), over).state is R.UNDER_REVIEW
    assert fold(talk.conversation(), over + 1).state is R.EXPIRED
    late = talk.say(RECEIVING, "referral.accept", after=5 * DAY, to="referral.request")
    found = talk.fold()
    assert (found.state, found.outcomes[late.id]) == (R.ACCEPTED, Outcome.APPLIED)


def test_finding_a6_a_question_left_open_in_an_emergency_does_not_end_it_in_a_day():
    """The host that does not answer loses no place in a night either."""
    talk = requested(priority="emergency")
    talk.say(RECEIVING, "info.request", priority="emergency", flag=True)
    assert talk.fold(after=20 * DAY).state is R.INFO_REQUESTED
    assert talk.fold(after=22 * DAY).state is R.EXPIRED


def test_a_question_pauses_the_decision():
    """Ten days of waiting for an answer move the end by ten days; forty move it by thirty."""
    for wait, moved in ((10, 10), (20, 20)):
        talk = asked()
        talk.say(HOST, "info.reply", after=wait * DAY, to="info.request")
        assert fold(talk.conversation(), decision_over(talk) + moved * DAY).state is R.UNDER_REVIEW
        assert fold(talk.conversation(), decision_over(talk) + moved * DAY + 1).state is R.EXPIRED
    talk = asked()
    for _ in range(2):
        talk.say(HOST, "info.reply", after=20 * DAY, to="info.request")
        talk.say(RECEIVING, "info.request", after=0, flag=True)
    talk.say(HOST, "info.reply", after=0, to="info.request")
    assert fold(talk.conversation(), decision_over(talk) + 30 * DAY).state is R.UNDER_REVIEW
    assert fold(talk.conversation(), decision_over(talk) + 30 * DAY + 1).state is R.EXPIRED


def test_an_unanswered_question_expires_the_referral():
    """Row 7 (domain 4.5): at 150 % of the time for the answer, in the time of the host."""
    assert asked().fold(after=20 * DAY).state is R.INFO_REQUESTED
    assert asked().fold(after=22 * DAY).state is R.EXPIRED


def test_conditions_lapse_and_the_decision_starts_anew():
    """Three working days of the host; then the receiving side may decide again, and has its full time for it."""
    talk = conditional()
    assert talk.fold(after=4 * DAY).state is R.UNDER_REVIEW
    assert talk.fold(after=20 * DAY).state is R.UNDER_REVIEW
    assert talk.fold(after=26 * DAY).state is R.EXPIRED
    talk.say(RECEIVING, "referral.accept", after=5 * DAY)
    assert talk.fold().state is R.ACCEPTED


def test_agreement_to_conditions_after_the_lapse_is_late():
    """The planning message of the host is shown, and the review goes on."""
    talk = conditional()
    late = talk.say(HOST, "risk.assessment", after=5 * DAY)
    assert (talk.fold().state, talk.fold().outcomes[late.id]) == (R.UNDER_REVIEW, Outcome.LATE)


def test_silence_agrees_to_a_closure_unless_an_alert_is_open():
    """Ten working days; an alert stops the clock, and it begins anew with the end of the alert."""
    assert closing().fold(after=20 * DAY).state is R.CLOSED
    talk = then(closing, HOST, "safety.alert", after=DAY)
    assert talk.fold(after=60 * DAY).state is R.CLOSING
    talk.say(HOST, "safety.alert.update", after=60 * DAY, word="resolved_safe")
    assert talk.fold(after=10 * DAY).state is R.CLOSING
    assert talk.fold(after=20 * DAY).state is R.CLOSED


def test_withdrawal_says_more_than_silence():
    """Taken back after the deadline, while an answer may still be on its way: WITHDRAWN and not EXPIRED."""
    talk = requested()
    talk.say(HOST, "referral.withdraw", after=25 * DAY)
    assert talk.fold(after=60 * DAY).state is R.WITHDRAWN


def test_an_unknown_calendar_holds_nothing_against_anybody():
    """Where the feasts of the year are not known, silence has no effect, and people close the case."""
    talk = closing()
    far = 40 * 365 * DAY
    talk.messages = [replace(m, created=m.created + far, received=(m.received or 0) + far) for m in talk.messages]
    talk.amend(talk.messages[-1], side=HOST, n=1_000)
    assert SETTING.calendars[RECEIVING].country == "AL"
    assert fold(talk.conversation(), talk.now + far + 100 * DAY).state is R.CLOSING


# --- a second unit ---------------------------------------------------------------------------------------------------


def offered(talk: Talk, at: int) -> bool:
    """Whether it is offered at a moment."""
    return offers_elsewhere(talk.fold().situation, SETTING, at)


def test_finding_a6_a_second_unit_is_offered_after_a_day_and_a_half():
    """36 hours after delivery, to the second; an answer ends it."""
    talk = requested(priority="emergency")
    received = talk.messages[-1].received
    assert received is not None
    assert not offered(talk, received + 36 * HOUR)
    assert offered(talk, received + 36 * HOUR + 1)
    talk.say(RECEIVING, "referral.accept", after=2 * DAY, to="referral.request")
    assert not offered(talk, talk.now + 1)


@pytest.mark.parametrize("talk", [requested(), requested(priority="urgent"), accepted(), sent(), Talk()])
def test_nothing_else_is_offered_elsewhere(talk):
    """Only a referral in danger to life that waits for a decision."""
    talk.say(HOST, "consent.record", consent="c2", purposes=("referral",))
    assert not offered(talk, talk.now + 10 * DAY)
    assert not offers_elsewhere(None, SETTING, 0)

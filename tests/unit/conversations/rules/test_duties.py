"""Who owes what until when."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from support.tables import table
from support.talk import (
    DAY,
    HOST,
    HOUR,
    RECEIVING,
    SETTING,
    Talk,
    accepted,
    active,
    arrived,
    closed,
    closing,
    confirmed,
    in_transit,
    planning,
    proposed,
    requested,
)

from gateway.conversations.rules.duties import ASKS, duties
from gateway.conversations.rules.facts import Side
from gateway.conversations.rules.machines import Kind
from gateway.messages.types import MESSAGE_LIFE
from schemas import load_catalogue
from schemas.clocks import load_clocks
from schemas.types import type_name


def owing(talk: Talk, *, after: int = 0) -> dict[str, Side]:
    """Clock and side of all that is owed, `after` seconds after the last message."""
    return {duty.clock: duty.by for duty in duties(talk.fold(after=after), SETTING, talk.now + after)}


def said(make, side: Side, kind: str, **more: object) -> Talk:
    """One message after another conversation."""
    talk = make()
    talk.say(side, kind, **more)
    return talk


def undelivered() -> Talk:
    """A request without a receipt."""
    talk = Talk()
    talk.amend(talk.say(HOST, "referral.request"), received=None)
    return talk


def delivered() -> Talk:
    """A request that nobody opened."""
    talk = Talk()
    talk.say(HOST, "referral.request")
    return talk


def standing(side: Side, kind: str, **more: object) -> Talk:
    """One message between two mechanisms."""
    talk = Talk(kind=Kind.STANDING)
    talk.say(side, kind, **more)
    return talk


@table(
    ("talk", "wanted"),
    [
        (undelivered(), {"delivered": HOST}),
        (delivered(), {"opened": RECEIVING, "decision": RECEIVING}),
        (requested(), {"decision": RECEIVING}),
        (said(requested, RECEIVING, "info.request", flag=True), {"info_reply": HOST}),
        (said(requested, RECEIVING, "referral.accept", flag=True), {"conditions": HOST}),
        (accepted(), {"disclosure": HOST}),
        (said(requested, RECEIVING, "referral.decline"), {"erasure": RECEIVING}),
        (said(requested, HOST, "referral.withdraw", erase=True), {"withdrawal_ack": RECEIVING, "erasure": RECEIVING}),
        (said(requested, HOST, "consent.withdrawal"), {"withdrawal_ack": RECEIVING}),
        (said(planning, HOST, "safety.alert", word="threat"), {"planning": RECEIVING, "alert_ack": RECEIVING}),
        (said(planning, HOST, "nationality.request"), {"planning": RECEIVING, "nationality_reply": RECEIVING}),
        (said(planning, HOST, "traveldoc.request"), {"planning": RECEIVING, "traveldoc_reply": RECEIVING}),
        (said(planning, HOST, "family.inquiry"), {"planning": RECEIVING, "family_report": RECEIVING}),
        (said(planning, HOST, "risk.request"), {"planning": RECEIVING, "risk_part": RECEIVING}),
        (said(planning, HOST, "guardian.notice"), {"planning": RECEIVING, "guardian_ack": RECEIVING}),
        (said(planning, HOST, "bid.report"), {"planning": RECEIVING, "bid_confirm": RECEIVING}),
        (said(planning, HOST, "assistance.plan"), {"planning": RECEIVING, "plan_reply": RECEIVING}),
        (said(planning, HOST, "data.correction"), {"planning": RECEIVING, "correction_ack": RECEIVING}),
        (said(planning, HOST, "subject.access"), {"planning": RECEIVING, "access_reply": RECEIVING}),
        (said(planning, HOST, "identification.certificate"), {"planning": RECEIVING, "acknowledge": RECEIVING}),
        (proposed(), {"return_response": RECEIVING}),
        (said(proposed, HOST, "return.cancel", version=1), {"planning": RECEIVING, "cancel_ack": RECEIVING}),
        (confirmed(), {}),
        (in_transit(), {"arrival": RECEIVING}),
        (arrived(), {"reintegration_plan": RECEIVING}),
        (active(), {}),
        (closing(), {"closure_response": HOST}),
        (closed(), {}),
        (said(closed, HOST, "erasure.request"), {"erasure": RECEIVING}),
        (said(planning, RECEIVING, "family.report"), {"planning": RECEIVING, "acknowledge": HOST}),
        (said(arrived, RECEIVING, "reintegration.plan"), {"acknowledge": HOST}),
        (standing(HOST, "stats.submission"), {"acknowledge": RECEIVING}),
        (standing(HOST, "breach.notice"), {"breach_ack": RECEIVING}),
        (standing(HOST, "directory.update"), {"directory_confirm": HOST}),
        (standing(RECEIVING, "stats.request", day=date(2026, 12, 1)), {"stats_due": HOST}),
    ],
)
def test_what_is_owed_by_whom(talk, wanted):
    """Each clock of the table, in a conversation that has just come there; planning is owed by both."""
    assert wanted == owing(talk)


@pytest.mark.parametrize(
    ("ask", "answer", "clock"),
    [
        ((HOST, "nationality.request"), (RECEIVING, "nationality.reply"), "nationality_reply"),
        ((HOST, "safety.alert"), (RECEIVING, "safety.alert.ack"), "alert_ack"),
        ((HOST, "consent.withdrawal"), (RECEIVING, "consent.withdrawal.ack"), "withdrawal_ack"),
        ((RECEIVING, "family.inquiry"), (HOST, "family.report"), "family_report"),
        ((RECEIVING, "risk.request"), (HOST, "risk.assessment"), "risk_part"),
        ((HOST, "erasure.request"), (RECEIVING, "erasure.confirmation"), "erasure"),
    ],
)
@pytest.mark.parametrize("quotes", [True, False])
def test_an_answer_ends_a_duty(ask, answer, clock, quotes):
    """By quoting it, or by being written in knowledge of it; an answer of the asker, or to another, does not."""
    talk = planning()
    talk.say(*ask)
    assert clock in owing(talk)
    talk.say(ask[0], answer[1])
    other = talk.say(*answer)
    talk.amend(other, reply_to="m1")
    assert clock in owing(talk)
    talk.say(*answer, to=ask[1] if quotes else None)
    assert clock not in owing(talk)


def test_an_answer_that_crossed_the_question_does_not_answer_it():
    """It was written before the question was read."""
    talk = planning()
    talk.say(HOST, "risk.request")
    talk.say(RECEIVING, "risk.assessment", unread=1)
    assert "risk_part" in owing(talk)


def test_an_opened_message_is_acknowledged():
    """The receipt of a person ends it; so does any reply to it."""
    for answered in (False, True):
        talk = said(planning, HOST, "guardian.notice")
        if answered:
            talk.say(RECEIVING, "guardian.notice", to="guardian.notice")
            assert "guardian_ack" in owing(talk)  # the notice of the other side wants the same
            assert owing(talk)["guardian_ack"] is HOST
        else:
            talk.amend(talk.messages[-1], opened=talk.now + 1)
            assert "guardian_ack" not in owing(talk)


def test_a_newer_plan_takes_the_place_of_an_older_one():
    """One answer is owed, for the last of them."""
    talk = said(planning, HOST, "assistance.plan")
    last = talk.say(HOST, "assistance.plan")
    found = [duty for duty in duties(talk.fold(), SETTING, talk.now) if duty.clock == "plan_reply"]
    assert [duty.because for duty in found] == [last.id]


def until(talk: Talk, clock: str, side: Side, *, after: int = 0) -> str:
    """A deadline in the time of the side that owes."""
    (found,) = [
        duty
        for duty in duties(talk.fold(after=after), SETTING, talk.now + after)
        if duty.clock == clock and duty.by is side
    ]
    zone = ZoneInfo(SETTING.calendars[side].zone.name)
    return datetime.fromtimestamp(found.until.at, zone).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("talk", "clock", "side", "wanted"),
    [
        (requested(), "decision", RECEIVING, "2026-11-16 23:59"),
        (requested(priority="urgent"), "decision", RECEIVING, "2026-11-05 12:01"),
        (said(planning, HOST, "safety.alert", word="missing_child"), "alert_ack", RECEIVING, "2026-11-02 16:00"),
        (said(planning, HOST, "safety.alert", word="threat"), "alert_ack", RECEIVING, "2026-11-02 19:00"),
        (said(planning, HOST, "data.correction", flag=True), "correction_ack", RECEIVING, "2026-11-03 15:00"),
        (said(planning, HOST, "data.correction"), "correction_ack", RECEIVING, "2026-11-09 23:59"),
        (said(proposed, HOST, "return.cancel", after=4 * DAY, version=1), "cancel_ack", RECEIVING, "2026-11-06 17:00"),
        (said(proposed, HOST, "return.cancel", version=1), "cancel_ack", RECEIVING, "2026-11-03 16:00"),
        (said(planning, HOST, "erasure.request", word="misdirected"), "erasure", RECEIVING, "2026-11-03 15:00"),
        (said(requested, RECEIVING, "info.request", flag=True), "info_reply", HOST, "2026-11-16 23:59"),
        (standing(RECEIVING, "stats.request", day=date(2026, 12, 1)), "stats_due", HOST, "2026-12-01 23:59"),
    ],
)
def test_the_case_decides_how_long(talk, clock, side, wanted):
    """By priority, kind of danger, how soon the travel is; in the time of the country that owes it."""
    assert wanted == until(talk, clock, side)


def test_the_arrival_is_owed_from_the_planned_time():
    """An adult a day after it, a child six hours; then the host has to raise an alert, unless it has."""
    for child, hours in ((False, 24), (True, 6)):
        talk = planning()
        planned = talk.now + 3 * DAY
        talk.say(HOST, "return.proposal", version=1, departs=planned - DAY, arrives=planned, child=child)
        talk.say(RECEIVING, "return.response", version=1, word="confirm")
        talk.say(HOST, "departure.notice", version=1, word="departed")
        left = planned + hours * HOUR - talk.now
        assert owing(talk, after=left) == {"arrival": RECEIVING}
        assert owing(talk, after=left + 1) == {"arrival": RECEIVING, "alert_raise": HOST}
        talk.say(HOST, "safety.alert", after=left + HOUR)
        assert owing(talk) == {"arrival": RECEIVING, "alert_ack": RECEIVING}


def test_who_goes_against_advice_and_is_not_heard_of_is_missed():
    """Nobody may see them leave: a day after the planned arrival the host raises an alert, unless it told how it went;
    of anybody else it is told when they departed.
    """

    def alone(**members):
        talk = planning()
        planned = talk.now + 3 * DAY
        talk.say(HOST, "return.proposal", version=1, departs=planned - DAY, arrives=planned, **members)
        talk.say(RECEIVING, "return.response", version=1, word="confirm")
        return talk, planned + DAY - talk.now

    talk, left = alone(flag=True)
    assert owing(talk, after=left) == {}
    assert owing(talk, after=left + 1) == {"alert_raise": HOST}
    talk.say(HOST, "safety.alert", after=left + HOUR)
    assert owing(talk) == {"alert_ack": RECEIVING}
    for word in ("departed", "not_departed"):
        talk, left = alone(flag=True)
        talk.say(HOST, "departure.notice", version=1, word=word)
        assert "alert_raise" not in owing(talk, after=left - HOUR)
    talk, left = alone()
    assert owing(talk, after=left + 1) == {}


def test_a_missed_person_asks_for_an_alert_at_once():
    """Not met is an answer to the arrival, and the host has to raise the alert."""
    talk = said(in_transit, RECEIVING, "arrival.confirmation", word="not_met")
    assert owing(talk, after=1) == {"alert_raise": HOST}


def test_who_takes_an_alert_owes_the_next_word():
    """Every 24 hours until it is resolved."""
    talk = said(active, HOST, "safety.alert")
    talk.say(RECEIVING, "safety.alert.ack", to="safety.alert")
    assert owing(talk) == {"alert_update": RECEIVING}
    first = until(talk, "alert_update", RECEIVING)
    talk.say(RECEIVING, "safety.alert.update", after=20 * HOUR, word="ongoing")
    assert owing(talk) == {"alert_update": RECEIVING, "acknowledge": HOST}
    assert until(talk, "alert_update", RECEIVING) > first
    last = talk.say(RECEIVING, "safety.alert.update", word="resolved_safe")
    assert owing(talk) == {"acknowledge": HOST}
    talk.amend(last, opened=talk.now)
    assert owing(talk) == {}


@pytest.mark.parametrize(("promised", "wanted"), [(5, 5), (30, 24)])
def test_a_promised_update_is_due_when_it_was_promised(promised, wanted):
    """Sooner than a day counts, later than a day does not."""
    talk = said(active, HOST, "safety.alert")
    talk.say(RECEIVING, "safety.alert.ack", to="safety.alert", by=talk.now + (1 + promised) * HOUR)
    (duty,) = duties(talk.fold(), SETTING, talk.now)
    assert duty.until.at == talk.now + wanted * HOUR


def test_who_declined_confirms_the_erasure_to_the_request():
    """The confirmation quotes the request, and ends the duty."""
    talk = said(requested, RECEIVING, "referral.decline", to="referral.request")
    talk.say(RECEIVING, "erasure.confirmation", to="referral.request")
    assert owing(talk) == {}


def test_monitoring_points_come_one_after_the_other():
    """A point is owed from its day on, 14 days long; the next one after its report and from its own day on."""
    talk = active()
    assert owing(talk, after=28 * DAY) == {}
    assert owing(talk, after=30 * DAY) == {"monitoring": RECEIVING}
    talk.say(RECEIVING, "monitoring.report", after=31 * DAY, word="m1")
    assert owing(talk) == {}
    assert owing(talk, after=61 * DAY) == {"monitoring": RECEIVING}
    talk.say(RECEIVING, "monitoring.report", after=62 * DAY, word="m3")
    assert owing(talk, after=400 * DAY) == {}


def test_who_was_helped_without_a_journey_is_monitored_from_the_first_day_of_the_plan():
    """Services began where the person is (domain 4.5, row 14), so there is no arrival to count from."""
    talk = planning()
    talk.say(RECEIVING, "assistance.plan", flag=True)
    plan = talk.say(RECEIVING, "reintegration.plan", points=("m1",), day=date(2026, 11, 3))
    talk.amend(plan, opened=talk.now + 60)
    assert owing(talk, after=29 * DAY) == {"plan_reply": HOST}
    assert owing(talk, after=32 * DAY) == {"plan_reply": HOST, "monitoring": RECEIVING}
    talk.say(RECEIVING, "monitoring.report", after=33 * DAY, word="m1")
    assert "monitoring" not in owing(talk, after=10 * DAY)


@pytest.mark.parametrize(
    ("side", "kind", "word"), [(RECEIVING, "monitoring.report", "m1"), (HOST, "safety.alert", "missing_contact")]
)
def test_a_report_that_stays_away_asks_after_the_person(side, kind, word):
    """The host has 30 days from the point (domain 5.12); the report or an alert answers it."""
    talk = active()
    assert "contact_check" not in owing(talk, after=43 * DAY)
    late = owing(talk, after=46 * DAY)
    assert late == {"monitoring": RECEIVING, "contact_check": HOST}
    found = {duty.clock: duty for duty in duties(talk.fold(after=46 * DAY), SETTING, talk.now + 46 * DAY)}
    days = (found["contact_check"].until.at - found["monitoring"].until.at) / DAY
    assert 15 <= days <= 17
    talk.say(side, kind, after=46 * DAY, word=word)
    assert "contact_check" not in owing(talk)


@pytest.mark.parametrize(
    ("make", "clock"),
    [(accepted, "disclosure"), (planning, "planning"), (arrived, "reintegration_plan"), (closing, "closure_response")],
)
def test_nobody_owes_what_no_gate_lets_pass(make, clock):
    """With the whole consent taken back nothing more may be told (G7); with a new one it is owed again."""
    talk = make()
    assert clock in owing(talk)
    talk.say(HOST, "consent.withdrawal", consent="c1", grants=(1,))
    assert clock in owing(talk)
    talk.say(HOST, "consent.withdrawal", consent="c1", erase=True)
    talk.say(RECEIVING, "safety.alert", word="threat")
    assert owing(talk) == {"withdrawal_ack": RECEIVING, "erasure": RECEIVING, "alert_ack": HOST}
    talk.say(HOST, "safety.alert.ack", to="safety.alert")
    talk.say(HOST, "safety.alert.update", to="safety.alert", word="resolved_safe")
    talk.say(HOST, "consent.record", consent="c2", purposes=("referral",))
    assert clock in owing(talk)


def test_both_owe_a_joint_conclusion_once_both_parts_are_there():
    """Seven days after the later part; a part of the other side's kind is none, and the joint one ends it."""
    talk = planning()
    talk.say(RECEIVING, "risk.assessment", word="sending")
    assert "risk_joint" not in owing(talk)
    part = talk.say(RECEIVING, "risk.assessment", word="receiving")
    found = [duty for duty in duties(talk.fold(), SETTING, talk.now) if duty.clock == "risk_joint"]
    assert {duty.by for duty in found} == {HOST, RECEIVING} and {duty.because for duty in found} == {part.id}
    assert all(7 <= (duty.until.at - talk.now) / DAY < 8 for duty in found)
    talk.say(HOST, "risk.assessment", word="joint")
    assert "risk_joint" not in owing(talk)


def test_who_travels_without_consent_is_still_awaited():
    """The arrival is asked after, and an alert raised where nobody says that she came."""
    talk = in_transit()
    talk.say(HOST, "consent.withdrawal", consent="c1")
    assert "arrival" in owing(talk) and "alert_raise" in owing(talk, after=5 * DAY)


def test_an_expired_request_is_to_be_erased():
    """By who has it, until it is confirmed."""
    talk = requested()
    assert owing(talk, after=25 * DAY + MESSAGE_LIFE) == {"erasure": RECEIVING}
    talk.say(RECEIVING, "erasure.confirmation", after=25 * DAY)
    assert owing(talk) == {}


def test_an_enquiry_is_owed_an_answer():
    """From its delivery on; before that somebody has to telephone."""
    talk = Talk(kind=Kind.ENQUIRY)
    question = talk.say(HOST, "enquiry.capacity")
    assert owing(talk) == {"enquiry_reply": RECEIVING}
    talk.amend(question, received=None)
    assert owing(talk) == {"delivered": HOST}
    talk.say(RECEIVING, "enquiry.reply", to="enquiry.capacity", word="no")
    assert owing(talk) == {}


def test_every_clock_of_a_duty_exists():
    """And each of the table has the cases that its messages can be."""
    assert {ask.clock for ask in ASKS} <= set(load_clocks())


IN_ITS_STATE = {
    "enquiry.capacity": "enquiry_reply",
    "referral.request": "decision",
    "referral.accept": "disclosure",
    "departure.notice": "arrival",
    "safety.alert.ack": "alert_update",
    "case.closure": "closure_response",
}
"""What is owed for a message as long as the case stands where the message put it."""


def test_the_catalogue_says_what_is_owed():
    """The clock that a type names is the one by which its answer is owed."""
    held = {(ask.kind, ask.clock) for ask in ASKS} | set(IN_ITS_STATE.items())
    owed_for = {(type_name(e.body_type), e.answers.clock) for e in load_catalogue().types if e.answers is not None}
    assert owed_for <= held


# --- the morning list

"""The numbered rows of a referral, and its overlays."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.tables import table
from support.talk import (
    DAY,
    HOST,
    RECEIVING,
    Talk,
    accepted,
    active,
    arrived,
    asked,
    closed,
    closing,
    conditional,
    confirmed,
    in_transit,
    planning,
    proposed,
    requested,
    sent,
    then,
)

from gateway.conversations.rules.facts import Side
from gateway.conversations.rules.fold import Fold, Overlay
from gateway.conversations.rules.machines import NUMBERS, REFERRAL, ROWS, By, Referral
from gateway.conversations.rules.situation import Outcome

R = Referral


def unapplied(found: Fold) -> dict[str, Outcome]:
    """The messages that had no effect, and why."""
    return {id: outcome for id, outcome in found.outcomes.items() if outcome is not Outcome.APPLIED}


def draft() -> Talk:
    """Nothing was sent."""
    return Talk()


def delivered() -> Talk:
    """A request that nobody opened."""
    talk = Talk()
    talk.say(HOST, "referral.request")
    return talk


def rejected() -> Talk:
    """A request that was refused after arrival."""
    talk = requested()
    talk.amend(talk.messages[-1], rejected=True, opened=None)
    return talk


def reopened() -> Talk:
    """A closed case with a new consent."""
    return then(closed, HOST, "consent.record", after=DAY, consent="c2")


# number, before, side, type, what else it says, state after
MOVES = [
    (2, draft, HOST, "referral.request", {}, R.DELIVERED),
    (6, requested, RECEIVING, "info.request", {"flag": True}, R.INFO_REQUESTED),
    (7, asked, HOST, "info.reply", {"to": "info.request"}, R.UNDER_REVIEW),
    (8, requested, RECEIVING, "referral.accept", {}, R.ACCEPTED),
    (9, requested, RECEIVING, "referral.accept", {"flag": True}, R.ACCEPTED_CONDITIONAL),
    (10, requested, RECEIVING, "referral.decline", {}, R.DECLINED),
    (10, asked, RECEIVING, "referral.decline", {}, R.DECLINED),
    (12, sent, HOST, "referral.withdraw", {}, R.WITHDRAWN),
    (12, delivered, HOST, "referral.withdraw", {}, R.WITHDRAWN),
    (12, requested, HOST, "referral.withdraw", {}, R.WITHDRAWN),
    (12, asked, HOST, "referral.withdraw", {}, R.WITHDRAWN),
    (12, conditional, HOST, "referral.withdraw", {}, R.WITHDRAWN),
    (13, accepted, HOST, "info.reply", {"flag": True}, R.PLANNING),
    (13, accepted, RECEIVING, "assistance.plan", {}, R.PLANNING),
    (13, accepted, HOST, "bid.report", {}, R.PLANNING),
    (13, conditional, HOST, "risk.request", {}, R.PLANNING),
    (14, planning, RECEIVING, "assistance.plan", {"flag": True}, R.ACTIVE),
    (15, planning, HOST, "return.proposal", {"version": 1}, R.RETURN_PROPOSED),
    (16, proposed, RECEIVING, "return.response", {"version": 1, "word": "confirm"}, R.RETURN_CONFIRMED),
    (17, proposed, RECEIVING, "return.response", {"version": 1, "word": "change"}, R.PLANNING),
    (17, proposed, RECEIVING, "return.response", {"version": 1, "word": "refuse"}, R.PLANNING),
    (18, proposed, HOST, "return.cancel", {"version": 1}, R.PLANNING),
    (18, confirmed, RECEIVING, "return.cancel", {"version": 1}, R.PLANNING),
    (19, confirmed, HOST, "departure.notice", {"version": 1, "word": "departed"}, R.IN_TRANSIT),
    (20, confirmed, HOST, "departure.notice", {"version": 1, "word": "not_departed_no_show"}, R.PLANNING),
    (20, confirmed, HOST, "departure.notice", {"version": 1, "word": "postponed"}, R.PLANNING),
    (21, in_transit, RECEIVING, "arrival.confirmation", {"word": "met_injured"}, R.ARRIVED),
    (22, in_transit, RECEIVING, "arrival.confirmation", {"word": "not_met"}, R.IN_TRANSIT),
    (23, arrived, RECEIVING, "reintegration.plan", {}, R.ACTIVE),
    (24, active, RECEIVING, "monitoring.report", {"word": "m1"}, R.ACTIVE),
    (25, active, HOST, "case.closure", {}, R.CLOSING),
    (25, planning, RECEIVING, "case.closure", {}, R.CLOSING),
    (26, closing, HOST, "closure.response", {"word": "agree"}, R.CLOSED),
    (26, closing, HOST, "case.closure", {}, R.CLOSED),
    (27, closing, HOST, "closure.response", {"word": "disagree"}, R.ACTIVE),
    (27, closing, HOST, "closure.response", {"word": "reopen"}, R.ACTIVE),
    (28, reopened, RECEIVING, "closure.response", {"word": "reopen"}, R.ACTIVE),
]


@table(("number", "make", "side", "kind", "more", "state"), MOVES)
def test_a_message_moves_the_state(number, make, side, kind, more, state):
    """Each numbered row that a message can cause; the message is applied and nothing else is wrong."""
    talk = make()
    before = talk.fold().state
    message = talk.say(side, kind, **more)
    found = talk.fold()
    assert (state, Outcome.APPLIED) == (found.state, found.outcomes[message.id])
    assert number in {row.number for row in ROWS if before in row.sources}


def test_every_number_of_the_table_is_there():
    """1 is the entry, 2 to 29 are rows; a pair of state and event belongs to one number only."""
    assert {row.number for row in ROWS} == set(range(2, 30))
    assert REFERRAL.entries[0].reason.startswith("1:")
    assert len(NUMBERS) == sum(len(row.sources) for row in ROWS) == len(REFERRAL.table)
    by_message = {row.number for row in ROWS if row.by not in (By.NODE, By.SILENCE)}
    assert by_message == {number for number, *_ in MOVES}


@pytest.mark.parametrize(
    ("make", "state"), [(sent, R.SENT), (delivered, R.DELIVERED), (requested, R.UNDER_REVIEW), (rejected, R.DRAFT)]
)
def test_receipts_move_the_state(make, state):
    """Rows 3, 4 and 5 (domain 4.5): what the receiving node and its people say of the request."""
    assert state == make().fold().state


def test_an_answer_implies_that_it_was_opened():
    """Without any receipt an acceptance still tells that the request is there and was read."""
    assert then(sent, RECEIVING, "referral.accept").fold().state is R.ACCEPTED


def test_a_refused_request_can_be_sent_again():
    """DRAFT is not the end: the next request counts."""
    assert then(rejected, HOST, "referral.request").fold().state is R.DELIVERED


def test_a_refused_answer_counts_as_never_written():
    """The other side refused the acceptance after its arrival: the review goes on."""
    talk = accepted()
    answer = talk.messages[-1]
    talk.amend(answer, rejected=True)
    found = talk.fold()
    assert (found.state, unapplied(found)) == (R.UNDER_REVIEW, {answer.id: Outcome.REJECTED})


def test_only_the_last_blocking_question_ends_the_pause():
    """Two questions, two answers; a question that does not block has no part in it."""
    talk = asked()
    talk.say(RECEIVING, "info.request", flag=True)
    talk.say(RECEIVING, "info.request")
    talk.say(HOST, "info.reply", to="info.request")
    assert talk.fold().state is R.INFO_REQUESTED
    second, first = [m.id for m in reversed(talk.messages) if m.kind == "info.request" and m.said.flag]
    for question in (first, second):
        talk.amend(talk.say(HOST, "info.reply"), reply_to=question)
    assert talk.fold().state is R.UNDER_REVIEW


@pytest.mark.parametrize(
    ("make", "side", "kind", "more", "outcome"),
    [
        (requested, HOST, "referral.accept", {}, Outcome.OUT_OF_ORDER),
        (requested, RECEIVING, "referral.withdraw", {}, Outcome.OUT_OF_ORDER),
        (requested, HOST, "return.proposal", {"version": 1}, Outcome.OUT_OF_ORDER),
        (asked, RECEIVING, "referral.accept", {}, Outcome.OUT_OF_ORDER),
        (accepted, HOST, "referral.withdraw", {}, Outcome.OUT_OF_ORDER),
        (conditional, RECEIVING, "assistance.plan", {}, Outcome.OUT_OF_ORDER),
        (proposed, RECEIVING, "return.response", {"version": 2, "word": "confirm"}, Outcome.STALE),
        (confirmed, HOST, "departure.notice", {"version": 2, "word": "departed"}, Outcome.STALE),
        (closing, RECEIVING, "closure.response", {"word": "agree"}, Outcome.OUT_OF_ORDER),
        (closed, HOST, "closure.response", {"word": "reopen"}, Outcome.UNFOUNDED),
        (reopened, HOST, "closure.response", {"word": "reopen", "after": 366 * DAY}, Outcome.UNFOUNDED),
        (active, HOST, "monitoring.report", {}, Outcome.OUT_OF_ORDER),
        (closed, RECEIVING, "monitoring.report", {}, Outcome.OUT_OF_ORDER),
        (planning, HOST, "stats.request", {}, Outcome.OUT_OF_ORDER),
    ],
)
def test_what_is_not_possible_is_shown_and_not_applied(make, side, kind, more, outcome):
    """One fault each: the state stays, and the outcome says why."""
    talk = make()
    before = talk.fold().state
    message = talk.say(side, kind, **more)
    found = talk.fold()
    assert (before, outcome) == (found.state, found.outcomes[message.id])


def test_a_changed_return_needs_a_new_version():
    """After a cancelled proposal the same version is stale, the next one is not."""
    talk = then(proposed, HOST, "return.cancel", version=1)
    again = talk.say(HOST, "return.proposal", version=1)
    assert talk.fold().outcomes[again.id] is Outcome.STALE
    talk.say(HOST, "return.proposal", version=2)
    assert talk.fold().state is R.RETURN_PROPOSED


FINAL = [
    then(requested, RECEIVING, "referral.decline"),
    then(requested, HOST, "referral.withdraw"),
]


@pytest.mark.parametrize("kind", ["safety.alert", "consent.withdrawal", "erasure.request", "data.correction"])
@pytest.mark.parametrize("talk", FINAL, ids=["declined", "withdrawn"])
def test_four_kinds_are_applied_after_the_end(talk, kind):
    """Alert, withdrawal, erasure and correction; the state stays final."""
    talk = replace(talk, messages=list(talk.messages))
    before = talk.fold().state
    message = talk.say(HOST, kind)
    assert (before, Outcome.APPLIED) == (talk.fold().state, talk.fold().outcomes[message.id])


# --- overlays


def test_a_withdrawal_before_acceptance_ends_the_referral():
    """The whole consent, by either side."""
    for side in Side:
        talk = then(requested, side, "consent.withdrawal", consent="c1")
        assert (talk.fold().state, talk.fold().overlays) == (R.WITHDRAWN, {Overlay.CONSENT_WITHDRAWN})


@pytest.mark.parametrize(("grants", "state"), [((0,), R.WITHDRAWN), ((1,), R.UNDER_REVIEW), ((7,), R.UNDER_REVIEW)])
def test_a_part_ends_it_where_the_referral_rests_on_it(grants, state):
    """The grant for referral is the first of the record; that for return leaves the request alone."""
    talk = then(requested, HOST, "consent.withdrawal", consent="c1", grants=grants)
    assert state == talk.fold().state


def test_a_part_of_an_unknown_consent_ends_it():
    """What the grants are is not known, so the referral may rest on them."""
    assert then(requested, HOST, "consent.withdrawal", consent="c9", grants=(3,)).fold().state is R.WITHDRAWN


def test_a_withdrawal_after_acceptance_lies_over_the_state_until_a_new_record():
    """Support goes on; a new consent that knows of the withdrawal clears it, an older one does not."""
    talk = then(planning, RECEIVING, "consent.withdrawal", consent="c1")
    assert (talk.fold().state, talk.fold().overlays) == (R.PLANNING, {Overlay.CONSENT_WITHDRAWN})
    talk.say(HOST, "consent.record", consent="c2", unread=1)
    assert Overlay.CONSENT_WITHDRAWN in talk.fold().overlays
    talk.say(HOST, "consent.record", consent="c3")
    assert talk.fold().overlays == frozenset()


def test_an_alert_blocks_the_closure_until_it_is_resolved():
    """Handed to the police is no end; the update that resolves it is."""
    talk = then(active, HOST, "safety.alert", word="threat")
    blocked = talk.say(RECEIVING, "case.closure")
    talk.say(RECEIVING, "safety.alert.update", word="handed_to_police")
    assert (talk.fold().overlays, talk.fold().outcomes[blocked.id]) == ({Overlay.ALERT}, Outcome.BLOCKED)
    talk.say(RECEIVING, "safety.alert.update", word="resolved_safe")
    talk.say(RECEIVING, "case.closure")
    assert (talk.fold().state, talk.fold().overlays) == (R.CLOSING, frozenset())


def test_a_resolved_alert_leaves_another_one():
    """An update does not end what its writer did not know; one that quotes an alert ends only that."""
    talk = then(active, HOST, "safety.alert")
    talk.say(HOST, "safety.alert")
    talk.say(RECEIVING, "safety.alert.update", word="resolved_safe", unread=1)
    assert talk.fold().overlays == {Overlay.ALERT}
    talk.say(RECEIVING, "safety.alert.update", word="false_alarm")
    assert talk.fold().overlays == frozenset()
    talk.say(HOST, "safety.alert")
    talk.say(HOST, "safety.alert")
    talk.say(RECEIVING, "safety.alert.update", to="safety.alert", word="resolved_safe")
    assert talk.fold().overlays == {Overlay.ALERT}
    talk.say(RECEIVING, "safety.alert.ack", to="safety.alert")
    talk.say(HOST, "safety.alert.update", to="safety.alert.ack", word="resolved_safe")
    assert talk.fold().overlays == {Overlay.ALERT}


def test_who_was_not_met_is_an_alert_until_met_or_resolved():
    """Row 22 (domain 4.5) over IN_TRANSIT; the later meeting clears it, a resolved alert as well."""
    missed = then(in_transit, RECEIVING, "arrival.confirmation", word="not_arrived")
    assert missed.fold().overlays == {Overlay.ALERT}
    missed.say(RECEIVING, "arrival.confirmation", word="met_safe")
    assert (missed.fold().state, missed.fold().overlays) == (R.ARRIVED, frozenset())
    harmed = then(in_transit, RECEIVING, "arrival.confirmation", word="diverted")
    harmed.say(HOST, "safety.alert")
    harmed.say(RECEIVING, "safety.alert.update", to="safety.alert", word="resolved_harm")
    assert harmed.fold().overlays == frozenset()


def test_a_correction_is_pending_until_its_ack():
    """The acknowledgement of another one does not clear it."""
    talk = then(planning, HOST, "data.correction")
    talk.amend(talk.say(RECEIVING, "data.correction.ack"), reply_to="m1")
    assert talk.fold().overlays == {Overlay.CORRECTION_PENDING}
    talk.say(RECEIVING, "data.correction.ack", to="data.correction")
    assert talk.fold().overlays == frozenset()

"""The fold of a conversation, its judgement, and what is remembered of contents that are gone."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from support.talk import (
    DAY,
    HOST,
    HOUR,
    RECEIVING,
    START,
    Talk,
    accepted,
    active,
    closed,
    closing,
    confirmed,
    in_transit,
    planning,
    proposed,
    requested,
)

from gateway.conversations.rules.facts import Message, Said, Side
from gateway.conversations.rules.fold import (
    REPLIES,
    Conversation,
    Impossible,
    JudgementPoint,
    Possible,
    Remembered,
    fold,
    judge,
)
from gateway.conversations.rules.machines import Enquiry, Kind, Referral
from gateway.conversations.rules.situation import Outcome
from gateway.errors import Code


def test_the_order_of_arrival_and_repeats_do_not_matter():
    """Any shuffle of a long conversation folds to the same."""
    talk = closing()
    wanted = talk.fold()
    for seed in range(20):
        mixed = random.Random(seed).sample(talk.messages, len(talk.messages)) + talk.messages[:3]
        assert wanted == fold(replace(talk.conversation(), messages=tuple(mixed)), talk.now)


# --- judgement


def next_of(
    talk: Talk, side: Side, kind: str, *, seen: int | None = None, to: str | None = None, **said: object
) -> Message:
    """The next message of a side, not said yet."""
    mine = [m.n for m in talk.messages if m.side is side]
    theirs = [m.n for m in talk.messages if m.side is not side]
    return Message(
        id="next",
        side=side,
        n=max(mine, default=0) + 10,
        seen=max(theirs, default=0) if seen is None else seen,
        created=talk.now + HOUR,
        kind=kind,
        reply_to=to,
        said=Said(**said),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("talk", "side", "kind", "said", "outcome"),
    [
        (Talk(), HOST, "referral.withdraw", {}, Outcome.OUT_OF_ORDER),
        (accepted(), RECEIVING, "referral.decline", {}, Outcome.OUT_OF_ORDER),
        (planning(), HOST, "departure.notice", {"word": "departed"}, Outcome.OUT_OF_ORDER),
        (proposed(), RECEIVING, "return.response", {"version": 2, "word": "confirm"}, Outcome.STALE),
        (confirmed(), RECEIVING, "arrival.confirmation", {"word": "met_safe"}, Outcome.OUT_OF_ORDER),
        (in_transit(), HOST, "return.cancel", {"version": 1}, Outcome.OUT_OF_ORDER),
    ],
)
@pytest.mark.parametrize("step", JudgementPoint)
def test_an_illegal_step_is_refused_on_both_sides(talk, side, kind, said, outcome, step):
    """At the sender with a reason in words, at the receiver with the code that goes back."""
    found = judge(talk.conversation(), next_of(talk, side, kind, **said), step=step)
    assert isinstance(found, Impossible)
    assert (Code.OUT_OF_ORDER, outcome) == (found.code, found.outcome)
    assert found.what.startswith(kind)


@pytest.mark.parametrize("step", JudgementPoint)
def test_a_legal_step_is_possible_on_both_sides(step):
    """And `judge` does not mind whether the message is already among those known."""
    talk = requested()
    message = next_of(talk, RECEIVING, "referral.accept")
    assert judge(talk.conversation(), message, step=step) == Possible()


def test_what_crossed_is_admitted():
    """The receiver has withdrawn meanwhile: the acceptance was right where it was written."""
    talk = requested()
    seen = talk.messages[-1].n
    talk.say(HOST, "referral.withdraw")
    message = next_of(talk, RECEIVING, "referral.accept", seen=seen)
    assert judge(talk.conversation(), message, step=JudgementPoint.ADMISSION) == Possible()
    assert isinstance(judge(talk.conversation(), replace(message, seen=999), step=JudgementPoint.ADMISSION), Impossible)


def test_what_is_late_is_refused_at_the_sender_and_admitted_at_the_receiver():
    """It left in time and arrived late, for all the receiver knows: it is shown, and not applied."""
    talk = requested()
    message = replace(next_of(talk, RECEIVING, "referral.accept"), created=talk.now + 60 * DAY)
    found = judge(talk.conversation(), message, step=JudgementPoint.SUBMISSION)
    assert isinstance(found, Impossible)
    assert (found.outcome, "the time for it is over" in found.what) == (Outcome.LATE, True)
    assert judge(talk.conversation(), message, step=JudgementPoint.ADMISSION) == Possible()


def test_nothing_is_refused_behind_a_gap():
    """The missing message may be the one that makes it possible."""
    message = next_of(Talk(), RECEIVING, "arrival.confirmation", word="met_safe")
    assert judge(Talk().conversation(), message, step=JudgementPoint.ADMISSION, behind_gap=True) == Possible()


def test_what_the_sender_had_not_received_is_not_held_against_it():
    """It read number 30 before 20: its own receipt for 20 came later than its message, so it did not know of it."""
    talk = requested()
    talk.say(RECEIVING, "info.request")
    declined = talk.say(RECEIVING, "referral.decline")
    talk.say(RECEIVING, "reminder.due")
    talk.amend(declined, received=talk.now + 5 * HOUR)
    message = next_of(talk, HOST, "info.request")
    assert judge(talk.conversation(), message, step=JudgementPoint.ADMISSION) == Possible()
    assert isinstance(judge(talk.conversation(), message, step=JudgementPoint.SUBMISSION), Impossible)


@pytest.mark.parametrize(("after", "possible"), [(0, True), (-1, False)])
def test_of_two_things_in_one_second_either_may_have_been_first(after, possible):
    """What came in the second in which the message left may have come behind it; what came before was known."""
    talk = requested()
    declined = talk.say(RECEIVING, "referral.decline")
    talk.say(RECEIVING, "reminder.due")
    message = next_of(talk, HOST, "info.request")
    talk.amend(declined, received=message.created + after)
    assert possible == (judge(talk.conversation(), message, step=JudgementPoint.ADMISSION) == Possible())


def test_a_refusal_on_its_way_is_not_held_against_the_sender():
    """The host did not know yet that its request was refused."""
    talk = requested()
    talk.amend(talk.messages[-1], rejected=True)
    message = next_of(talk, HOST, "referral.withdraw")
    assert judge(talk.conversation(), message, step=JudgementPoint.ADMISSION) == Possible()
    assert isinstance(judge(talk.conversation(), message, step=JudgementPoint.SUBMISSION), Impossible)


@pytest.mark.parametrize(("to", "possible"), [("m3", True), ("m2", False), ("m99", False)])
def test_an_answer_quotes_what_it_answers(to, possible):
    """A question of the other side; not a request, not something unknown."""
    talk = requested()
    assert talk.say(RECEIVING, "info.request", flag=True).id == "m3"
    message = next_of(talk, HOST, "info.reply", to=to)
    for step in JudgementPoint:
        assert possible == (judge(talk.conversation(), message, step=step) == Possible())


def test_an_answer_has_read_what_it_quotes():
    """Behind a gap a question may have been read although `seen` does not say so yet."""
    talk = requested()
    question = talk.say(RECEIVING, "info.request", flag=True)
    message = next_of(talk, HOST, "info.reply", seen=0, to=question.id)
    assert judge(talk.conversation(), message, step=JudgementPoint.ADMISSION) == Possible()


def test_withdrawal_and_alert_are_possible_in_every_state():
    """No state refuses them, at either side."""
    for talk in (Talk(), requested(), accepted(), in_transit(), active(), closing()):
        for kind in ("consent.withdrawal", "safety.alert"):
            for step in JudgementPoint:
                assert judge(talk.conversation(), next_of(talk, HOST, kind), step=step) == Possible()


def test_replies_are_of_types_that_exist():
    """What answers and what is answered are message types, one word and a dot."""
    assert all("." in name for pair in REPLIES.items() for name in pair)


# --- what is remembered of contents that are gone


def remembered(talk: Talk, gone: set[str], *, now: int) -> Conversation:
    """The conversation without some messages, and the state that it had with them."""
    found = fold(talk.conversation(), now)
    assert found.situation is not None
    left = tuple(message for message in talk.messages if message.kind not in gone)
    return replace(
        talk.conversation(),
        messages=left,
        remembered=Remembered(
            state=found.state, since=found.situation.since, counted=frozenset(message.id for message in talk.messages)
        ),
    )


def test_a_state_outlives_what_it_was_found_by():
    """A case that was declined stays so, however much of it is gone and however often it is folded again."""
    talk = requested()
    talk.say(RECEIVING, "referral.decline", to="referral.request")
    everything = {message.kind for message in talk.messages}
    for gone in (everything, {"referral.decline"}, {"referral.request"}):
        found = fold(remembered(talk, gone, now=talk.now), talk.now + 400 * DAY)
        assert (found.state, found.provisional) == (Referral.DECLINED, False)
        assert found.situation is not None
        assert found.situation.since == talk.now


def test_what_came_later_is_folded_on():
    """A case of which the itinerary is gone is closed by what both sides say afterwards."""
    talk = active()
    known = remembered(talk, {"return.proposal", "departure.notice", "referral.request"}, now=talk.now)
    talk.say(RECEIVING, "case.closure")
    talk.say(HOST, "closure.response", to="case.closure", word="agree")
    later = replace(known, messages=(*known.messages, *talk.messages[-2:]))
    assert fold(later, talk.now).state is Referral.CLOSED
    assert fold(replace(later, remembered=None), talk.now).state is not Referral.CLOSED


def test_an_enquiry_is_remembered_until_something_is_said():
    """The offer is gone and the state stays; a question that came since is folded by what is left."""
    known = Remembered(state=Enquiry.REFUSED, since=0, counted=frozenset({"m1", "m2"}))
    talk = Talk(kind=Kind.ENQUIRY)
    assert fold(talk.conversation(remembered=known), START).state is Enquiry.REFUSED
    later = talk.say(HOST, "enquiry.capacity")
    talk.amend(later, id="m3")
    assert fold(talk.conversation(remembered=known), talk.now).state is not Enquiry.REFUSED


def test_what_a_sender_had_behind_a_gap_while_its_receipts_are_on_their_way():
    """It had what it quotes, and not what came before it: what was possible so is no fault of it, although nobody here
    can know yet what it had.
    """
    talk = closed()
    talk.say(HOST, "consent.record", consent="c2", purposes=("referral",))
    reopened = talk.say(RECEIVING, "closure.response", word="reopen")
    closure = talk.say(RECEIVING, "case.closure")
    for message in (reopened, closure):
        talk.amend(message, received=None)
    talk.say(HOST, "safety.alert", unread=2)
    before = talk.conversation()
    answer = talk.say(HOST, "closure.response", word="disagree", to="case.closure")
    assert isinstance(judge(before, answer, step=JudgementPoint.ADMISSION), Possible)

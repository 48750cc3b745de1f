"""Folding on, where something that stands later in the order changes what became of an earlier message."""

from __future__ import annotations

from dataclasses import replace

from support.talk import DAY, HOST, HOUR, RECEIVING, Talk, proposed, requested

from gateway.conversations.rules.fold import Conversation, Fold, fold, followed
from gateway.conversations.rules.machines import Referral
from gateway.conversations.rules.situation import Outcome


def folded_on(talk: Talk, before: int) -> Fold:
    """Fold a conversation on from its first messages; it is what folding it whole gives."""
    whole = talk.conversation()
    earlier: Conversation = followed(replace(whole, messages=whole.messages[:before]))
    found = fold(replace(whole, trail=earlier.trail), talk.now)
    assert found == fold(whole, talk.now)
    return found


def test_an_answer_of_the_right_time_takes_back_what_silence_said():
    """By the clock of its sender it was written in time, though it stands behind messages that came after the end."""
    talk = requested()
    talk.say(HOST, "reminder.due", after=60 * DAY)
    talk.say(RECEIVING, "reminder.due")
    assert talk.fold().state is Referral.EXPIRED
    talk.say(RECEIVING, "referral.accept", to="referral.request")
    talk.amend(talk.messages[-1], created=talk.messages[0].created + DAY)
    assert folded_on(talk, len(talk.messages) - 1).state is Referral.ACCEPTED


def test_what_comes_later_and_crosses_counts_instead():
    """An answer to a return that was cancelled meanwhile has no effect any more."""
    talk = proposed()
    answer = talk.say(RECEIVING, "return.response", version=1, word="confirm", to="return.proposal")
    assert talk.fold().outcomes[answer.id] is Outcome.APPLIED
    talk.say(HOST, "return.cancel", version=1, unread=1, after=HOUR)
    assert folded_on(talk, len(talk.messages) - 1).outcomes[answer.id] is Outcome.CROSSED

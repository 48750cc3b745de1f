"""When the host of an emergency is offered to ask a second unit (domain 5.14)."""

from __future__ import annotations

import pytest
from support.talk import DAY, HOST, HOUR, RECEIVING, SETTING, Talk, accepted, requested, sent

from gateway.conversations.rules.emergency import offers_elsewhere


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

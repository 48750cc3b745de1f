"""A referral in danger to life that nobody decides: who is asked besides, and from when (pure; domain 5.14).

Its time to decide is a day. When that is over it can still be accepted, for as long as any other referral, and the
host is offered to ask a second unit: an emergency does not end by silence in the night.
"""

from __future__ import annotations

from gateway.conversations.rules.clocks import Setting
from gateway.conversations.rules.facts import Message, Side
from gateway.conversations.rules.machines import Referral
from gateway.conversations.rules.situation import PAUSE, Situation

EMERGENCY = "emergency"
ELSEWHERE = 150
"""Percent of the time to decide after which a second unit is offered (domain 5.14)."""

_r = Referral


def offers_elsewhere(now: Situation | None, setting: Setting, at: int) -> bool:
    """Whether the host should ask a second unit, since nobody decided in time about a person in danger."""
    match now:
        case Situation(state=_r.DELIVERED | _r.UNDER_REVIEW, request=Message() as request, decided_from=int(start)):
            start += min(now.paused, PAUSE)
            over = setting.until("decision", EMERGENCY, start, Side.RECEIVING, percent=ELSEWHERE, asked=request)
            return request.priority == EMERGENCY and over.certain and at > over.at
        case _:
            return False

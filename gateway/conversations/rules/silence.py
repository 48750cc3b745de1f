"""What saying nothing does, and when: expiry, conditions that lapse, a closure that nobody answers (pure).

``pass_time`` lets silence speak before a message of a later time, and at the end until now. It never does so when an
answer of the right time comes later in the order, and never at a deadline that is not certain. Taking back a referral
or a consent says more than silence, so for these it waits out the life of a message.

An emergency that nobody decides does not end the sooner for it (`silent_as` of its clocks): its host is offered to ask
a second unit instead (domain 5.14).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gateway.conversations.rules.clocks import Setting
from gateway.conversations.rules.facts import Message, Side
from gateway.conversations.rules.machines import Referral, ReferralEvent
from gateway.conversations.rules.situation import DECIDES, PAUSE, PLANNING, Situation, events, moved
from gateway.foundation.deadlines import Deadline
from gateway.messages.types import MESSAGE_LIFE

_r, _e = Referral, ReferralEvent

EMERGENCY = "emergency"
ELSEWHERE = 150
"""Percent of the time to decide about an emergency after which a second unit is offered (domain 5.14)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """The effect of saying nothing until ``deadline``; any of ``answers``, by side and type, prevents it."""

    event: ReferralEvent
    deadline: Deadline
    answers: frozenset[tuple[Side, str]]


def silence(now: Situation, setting: Setting) -> Silence | None:
    """What silence would do next, None where it has no effect or its clock has not started."""
    match now:
        case Situation(state=_r.DELIVERED | _r.UNDER_REVIEW, request=Message() as request, decided_from=int(start)):
            until = setting.silence(
                "decision", request.priority, start + min(now.paused, PAUSE), Side.RECEIVING, request
            )
            return Silence(event=_e.EXPIRE, deadline=until, answers=_pairs(Side.RECEIVING, DECIDES))
        case Situation(state=_r.INFO_REQUESTED, questions=(Message() as first, *_)):
            until = setting.silence("info_reply", first.priority, first.created, Side.HOST, first)
            answers = _pairs(Side.HOST, {"info.reply"}) | _pairs(Side.RECEIVING, {"referral.decline"})
            return Silence(event=_e.EXPIRE, deadline=until, answers=answers)
        case Situation(state=_r.ACCEPTED_CONDITIONAL, accepted=Message() as accepted):
            until = setting.silence("conditions", accepted.priority, accepted.created, Side.HOST, accepted)
            agrees = _pairs(Side.HOST, PLANNING | {"info.reply"})
            return Silence(event=_e.CONDITIONS_LAPSE, deadline=until, answers=agrees)
        case Situation(state=_r.CLOSING, closure=Message() as closure, alerts=()):
            owing = closure.side.other
            until = setting.silence("closure_response", closure.priority, now.since, owing, closure)
            answers = _pairs(owing, {"closure.response", "case.closure"})
            alerts = _pairs(Side.HOST, {"safety.alert"}) | _pairs(Side.RECEIVING, {"safety.alert"})
            return Silence(event=_e.AGREE, deadline=until, answers=answers | alerts)
        case _:
            return None


def offers_elsewhere(now: Situation | None, setting: Setting, at: int) -> bool:
    """Whether the host should ask a second unit, since nobody decided in time about a person in danger."""
    match now:
        case Situation(state=_r.DELIVERED | _r.UNDER_REVIEW, request=Message() as request, decided_from=int(start)):
            start += min(now.paused, PAUSE)
            over = setting.until("decision", EMERGENCY, start, Side.RECEIVING, percent=ELSEWHERE, asked=request)
            return request.priority == EMERGENCY and over.certain and at > over.at
        case _:
            return False


def pass_time(
    now: Situation, at: int, setting: Setting, *, coming: Sequence[Message] = (), patience: int = 0
) -> Situation:
    """The situation at ``at`` after every silence that was over more than ``patience`` seconds before.

    ``coming`` are the messages that stand later in the order.
    """
    while (due := find_over(now, at, setting, patience)) is not None and not any(
        is_answer(message, due, now) for message in coming
    ):
        now = let_speak(now, due)
    return now


def find_over(now: Situation, at: int, setting: Setting, patience: int) -> Silence | None:
    """The silence that was over more than ``patience`` seconds before ``at``, if nobody answers in time."""
    due = silence(now, setting)
    over = due is not None and due.deadline.certain and at > due.deadline.at + patience
    return due if over else None


def let_speak(now: Situation, due: Silence) -> Situation:
    """The situation after nobody said anything."""
    return replace(moved(now, due.event, due.deadline.at), before=now)


def patience_for(message: Message) -> int:
    """How long silence waits for a message of this type to arrive."""
    return MESSAGE_LIFE if message.kind in ("referral.withdraw", "consent.withdrawal") else 0


def _pairs(side: Side, kinds: Iterable[str]) -> frozenset[tuple[Side, str]]:
    return frozenset((side, kind) for kind in kinds)


def is_answer(message: Message, due: Silence, now: Situation) -> bool:
    """Whether a message that stands later in the order keeps silence from speaking."""
    in_time = not message.rejected and message.created <= due.deadline.at
    return in_time and (message.side, message.kind) in due.answers and _speaks(message, now)


def _speaks(message: Message, now: Situation) -> bool:
    return message.kind == "safety.alert" or bool(events(message, now))

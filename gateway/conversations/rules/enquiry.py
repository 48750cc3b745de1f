"""An enquiry, folded: one question, one answer, and perhaps a referral that uses the offer (pure)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.conversations.rules.clocks import Setting
from gateway.conversations.rules.facts import Message, Side
from gateway.conversations.rules.machines import ENQUIRY, Enquiry, EnquiryEvent
from gateway.conversations.rules.order import Order
from gateway.conversations.rules.situation import Outcome
from gateway.foundation.deadlines import Deadline
from gateway.messages.types import MESSAGE_LIFE

_OFFERS = frozenset({"yes", "yes_conditional"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    state: Enquiry = Enquiry.CANCELLED
    question: Message | None = None
    reply: Message | None = None


def fold_enquiry(
    order: Order, setting: Setting, quoted: int | None, now: int
) -> tuple[Enquiry, bool, dict[str, Outcome]]:
    """State, whether it is provisional, and what became of each message. With no question left it is cancelled."""
    found, outcomes = _Asked(), {}
    for message in order.messages:
        if message.rejected:
            outcomes[message.id] = Outcome.REJECTED
        else:
            found, outcomes[message.id] = _apply(found, message, setting)
    until = answer_until(found, setting)
    if found.state is Enquiry.OFFERED and quoted is not None and (until is None or quoted <= until.at):
        return ENQUIRY.step(found.state, EnquiryEvent.USE), False, outcomes
    if until is None or not until.certain or now <= until.at:
        return found.state, False, outcomes
    return ENQUIRY.step(found.state, EnquiryEvent.SILENCE), now <= until.at + MESSAGE_LIFE, outcomes


def answer_until(found: _Asked, setting: Setting) -> Deadline | None:
    """When silence ends the enquiry: no answer, or an offer not used; None where no clock runs."""
    if found.state is Enquiry.DELIVERED and found.question is not None and found.question.received is not None:
        asked = found.question
        return setting.silence("enquiry_reply", asked.priority, found.question.received, Side.RECEIVING, asked)
    if found.state is Enquiry.OFFERED and found.reply is not None and found.reply.said.day is not None:
        return setting.end_of(found.reply.said.day, Side.RECEIVING)
    return None


def _apply(found: _Asked, message: Message, setting: Setting) -> tuple[_Asked, Outcome]:
    match message.kind, message.side:
        case "enquiry.capacity", Side.HOST if found.question is None:
            asked = _Asked(state=Enquiry.ASKED, question=message)
            return (asked if message.received is None else _delivered(asked)), Outcome.APPLIED
        case "enquiry.reply", Side.RECEIVING if found.question is not None and found.reply is None:
            until = answer_until(found, setting)
            if until is not None and until.certain and message.created > until.at:
                return found, Outcome.LATE
            event = EnquiryEvent.OFFER if message.said.word in _OFFERS else EnquiryEvent.REFUSE
            asked = _delivered(found)
            return replace(asked, state=ENQUIRY.step(asked.state, event), reply=message), Outcome.APPLIED
        case "reminder.due", _:
            return found, Outcome.APPLIED
        case _:
            return found, Outcome.OUT_OF_ORDER


def _delivered(found: _Asked) -> _Asked:
    """Its receipt says so, or an answer implies it."""
    if not ENQUIRY.allows(found.state, EnquiryEvent.DELIVERED):
        return found
    return replace(found, state=ENQUIRY.step(found.state, EnquiryEvent.DELIVERED))

"""The state of a conversation, folded from its messages, and whether one more message is possible (pure).

Both sides hold the same messages and receipts in the end, and fold them in one order (`order`) by one
table (`machines`), so both find the same state, overlays and outcomes whatever the order of arrival. Until
then each sees what it knows; a late gap fill or receipt simply folds anew. Nothing of a fold is ever sent.

A clock never changes what both sides share by itself: silence is judged by the signed times of the messages. What only
``now`` says, that nobody has answered, is ``provisional`` for as long as an answer written in time may still arrive,
that is for the life of a message; the state it gives is the one to show and to act on.

``judge`` asks about one more message. At submission it is judged in the sender's own situation. At admission the
receiver judges it in the situation that its *sender* saw, rebuilt from ``seen``: what was possible there is no fault of
the sender, so it is admitted, and where it crossed something the fold says what counts. Only what no honest node would
have sent is refused, and nothing is refused while lower numbers of the sender are missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gateway.conversations.rules.clocks import Setting
from gateway.conversations.rules.enquiry import fold_enquiry
from gateway.conversations.rules.facts import Message
from gateway.conversations.rules.machines import Enquiry, Kind, OpenQuestionState, Referral
from gateway.conversations.rules.order import Order
from gateway.conversations.rules.referral import apply
from gateway.conversations.rules.silence import pass_time
from gateway.conversations.rules.situation import Outcome, Situation
from gateway.conversations.rules.standing import fold_standing
from gateway.conversations.rules.trail import Trail, follow
from gateway.conversations.rules.views import list_views
from gateway.errors import Code
from gateway.messages.types import MESSAGE_LIFE


class Overlay(StrEnum):
    """What can lie over a state (domain 4.8). The last three are local: never shared, and outside the equality."""

    CONSENT_WITHDRAWN = "consent_withdrawn"
    ALERT = "alert"
    CORRECTION_PENDING = "correction_pending"
    ASYLUM_HOLD = "asylum_hold"
    LEGAL_HOLD = "legal_hold"
    OFFLINE = "offline"


LOCAL: frozenset[Overlay] = frozenset({Overlay.ASYLUM_HOLD, Overlay.LEGAL_HOLD, Overlay.OFFLINE})
"""Set by the node beside the fold. That a person asks for asylum is itself nothing the other side may learn (G5)."""


class JudgementPoint(StrEnum):
    """When a message is judged."""

    SUBMISSION = "submission"
    ADMISSION = "admission"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """How a conversation stood while contents of it were there that are gone now: its state, and since when, after the
    messages with the ids in ``counted``. What came later is folded from here on.
    """

    state: Enquiry | Referral | OpenQuestionState
    since: int
    counted: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """The messages of one conversation that are known here, in any order.

    ``quoted`` is the signed time of the referral that quotes this enquiry, None while there is none. ``remembered`` is
    None while every message is there. ``trail`` is how an earlier state of it was folded, which saves the time for what
    is the same: `followed` makes one.
    """

    kind: Kind
    setting: Setting
    messages: tuple[Message, ...] = ()
    quoted: int | None = None
    remembered: Remembered | None = None
    trail: Trail | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Where a conversation stands. ``outcomes`` is by message id; ``situation`` is that of a referral, else None."""

    state: Enquiry | Referral | OpenQuestionState
    provisional: bool
    overlays: frozenset[Overlay]
    outcomes: Mapping[str, Outcome]
    order: Order = field(repr=False)
    situation: Situation | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class Possible:
    """The conversation allows the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Impossible:
    """It does not. ``code`` may go to a peer; ``what`` is for the person who wanted to send it."""

    code: Code
    outcome: Outcome
    what: str


#: What a message answers, by type. That an answer quotes something at all is for the catalogue to say.
REPLIES: Mapping[str, str] = {
    "enquiry.reply": "enquiry.capacity",
    "referral.accept": "referral.request",
    "referral.decline": "referral.request",
    "info.reply": "info.request",
    "nationality.reply": "nationality.request",
    "traveldoc.reply": "traveldoc.request",
    "family.report": "family.inquiry",
    "consent.withdrawal.ack": "consent.withdrawal",
    "return.response": "return.proposal",
    "arrival.confirmation": "departure.notice",
    "safety.alert.ack": "safety.alert",
    "closure.response": "case.closure",
    "data.correction.ack": "data.correction",
    "stats.submission": "stats.request",
}


def fold(conversation: Conversation, now: int) -> Fold:
    """Where the conversation stands at ``now``, Unix seconds, by all that is known of it."""
    return _fold(conversation, now, clocks=True)


def followed(conversation: Conversation) -> Conversation:
    """The conversation with a trail of all its messages; of one that is only remembered in part there is none."""
    return replace(conversation, trail=_follow(conversation, clocks=True) if conversation.remembered is None else None)


def _fold(conversation: Conversation, now: int, *, clocks: bool) -> Fold:
    trail = _follow(conversation, clocks=clocks)
    order = trail.order
    match conversation.kind:
        case Kind.ENQUIRY:
            enquiry, provisional, outcomes = fold_enquiry(order, conversation.setting, conversation.quoted, now)
            state = _unchanged(conversation) or enquiry
            return Fold(state=state, provisional=provisional, overlays=frozenset(), outcomes=outcomes, order=order)
        case Kind.STANDING:
            standing, outcomes = fold_standing(order)
            state = _unchanged(conversation) or standing
            return Fold(state=state, provisional=False, overlays=frozenset(), outcomes=outcomes, order=order)
        case Kind.REFERRAL:
            return _fold_referral(trail, now)


def _follow(conversation: Conversation, *, clocks: bool) -> Trail:
    """The messages in their order; those of a referral folded, up to the last of them."""
    before, known = conversation.trail, conversation.remembered
    order = Order(conversation.messages, None if before is None else before.order)
    if conversation.kind is not Kind.REFERRAL:
        return Trail(order)
    setting = conversation.setting if clocks else None
    if known is not None:
        return follow(order, setting, recalled=_recalled(order, known))
    return follow(order, setting, before=before)


def _unchanged(conversation: Conversation) -> Enquiry | Referral | OpenQuestionState | None:
    """The state that is remembered, where no message came since."""
    known = conversation.remembered
    later = known is not None and any(message.id not in known.counted for message in conversation.messages)
    return None if known is None or later else known.state


def judge(
    conversation: Conversation, message: Message, *, step: JudgementPoint, behind_gap: bool = False
) -> Possible | Impossible:
    """Whether ``message`` is possible: now, for who wants to send it, or as its sender saw it, for who received it.

    ``conversation`` does not hold the message yet. ``behind_gap`` says that lower numbers of its sender are missing.
    """
    if behind_gap and step is JudgementPoint.ADMISSION:
        return Possible()
    # What left late was written in time: its sender could not know that it would wait, so clocks refuse nothing here.
    clocks = (True,) if step is JudgementPoint.SUBMISSION else (True, False)
    refusals = []
    for messages in _views(conversation, message, step):
        for runs in clocks:
            found = _judged(replace(conversation, messages=messages), message, step, clocks=runs)
            if isinstance(found, Possible):
                return found
            refusals.append(found)
    return refusals[0]


def _views(conversation: Conversation, message: Message, step: JudgementPoint) -> Iterable[tuple[Message, ...]]:
    """What the sender may have known: at submission what is known here, at admission by what it says it had seen."""
    if step is JudgementPoint.SUBMISSION:
        return (conversation.messages,)
    return list_views(conversation.messages, message)


def _fold_referral(trail: Trail, now: int) -> Fold:
    """Where a referral stands at ``now``, after all its messages; without a setting no clock runs."""
    settled = situation = trail.situation
    if trail.setting is not None:
        settled = pass_time(situation, now, trail.setting, patience=MESSAGE_LIFE)
        situation = pass_time(settled, now, trail.setting)
    return Fold(
        state=situation.state,
        provisional=situation is not settled,
        overlays=_overlays(situation),
        outcomes=trail.outcomes,
        order=trail.order,
        situation=situation,
    )


def _recalled(order: Order, remembered: Remembered) -> tuple[Situation, dict[str, Outcome]]:
    """The situation that is remembered, with what those of its messages say that are left; each of them had its say."""
    situation = Situation()
    outcomes: dict[str, Outcome] = {}
    for message in order.messages:
        if message.id in remembered.counted:
            outcomes[message.id] = Outcome.REJECTED if message.rejected else Outcome.APPLIED
            if not message.rejected:
                situation, _ = apply(situation, message, order, outcomes)
    return replace(situation, state=Referral(remembered.state), since=remembered.since, before=None), outcomes


def _overlays(situation: Situation) -> frozenset[Overlay]:
    found = {
        Overlay.CONSENT_WITHDRAWN: situation.withdrawn,
        Overlay.ALERT: situation.alerts,
        Overlay.CORRECTION_PENDING: situation.corrections,
    }
    return frozenset(overlay for overlay, messages in found.items() if messages)


def _judged(view: Conversation, message: Message, step: JudgementPoint, *, clocks: bool) -> Possible | Impossible:
    wanted = REPLIES.get(message.kind)
    if wanted is not None and message.reply_to is not None:
        asked = (m for m in view.messages if m.id == message.reply_to and m.side is not message.side)
        if not any(m.kind == wanted and not m.rejected for m in asked):
            return _impossible(Outcome.OUT_OF_ORDER, f"{message.kind} answers no {wanted} of the other side")
    numbers = [known.n for known in view.messages]
    last = replace(message, n=1 + max(numbers, default=0), seen=max(numbers, default=0))
    found = _fold(replace(view, messages=(*view.messages, last)), message.created, clocks=clocks)
    outcome = found.outcomes[message.id]
    if outcome is Outcome.APPLIED or (step is JudgementPoint.ADMISSION and outcome is Outcome.LATE):
        return Possible()
    before = fold(view, message.created).state
    return _impossible(outcome, f"{message.kind} is not possible in state {before}: {_WHY[outcome]}")


def _impossible(outcome: Outcome, what: str) -> Impossible:
    return Impossible(code=Code.OUT_OF_ORDER, outcome=outcome, what=what)


_WHY: Mapping[Outcome, str] = {
    Outcome.CROSSED: "a message that it crossed counts",
    Outcome.LATE: "the time for it is over",
    Outcome.STALE: "the return has another version by now",
    Outcome.BLOCKED: "a safety alert is open",
    Outcome.UNFOUNDED: "it needs a new consent, within 12 months",
    Outcome.OUT_OF_ORDER: "not by this side, or not at this point",
    Outcome.REJECTED: "it was refused",
}

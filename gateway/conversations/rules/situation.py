"""What is known of a referral after some of its messages, and which events a message can be (pure)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.conversations.rules.facts import Message, Side
from gateway.conversations.rules.machines import BEFORE_ACCEPTANCE, REFERRAL, Referral, ReferralEvent

DAY = 86_400
PAUSE = 30 * DAY
"""The decision clock pauses for this long in total at most (domain 5.9)."""

REOPENING = 365 * DAY
"""A closed case may be reopened for this long (domain 4.6)."""

RESOLVED = frozenset({"resolved_safe", "resolved_harm", "false_alarm"})
"""The words of an update that end a safety alert; handed to the police is not an end."""

_r, _e = Referral, ReferralEvent

#: Delivered, shown and applied in every state, the final ones included (domain 4.11).
ALWAYS: frozenset[str] = frozenset(
    {
        "consent.withdrawal",
        "consent.withdrawal.ack",
        "safety.alert",
        "safety.alert.ack",
        "safety.alert.update",
        "data.correction",
        "data.correction.ack",
        "erasure.request",
        "erasure.confirmation",
        "subject.access",
        "reminder.due",
    }
)

#: Steps of planning (domain 4.7).
PLANNING: frozenset[str] = frozenset(
    {
        "assistance.plan",
        "risk.request",
        "risk.assessment",
        "bid.report",
        "family.inquiry",
        "family.report",
        "guardian.notice",
    }
)

_AFTER = frozenset(_r) - {_r.DRAFT, *BEFORE_ACCEPTANCE, _r.CLOSED, *REFERRAL.final}
_LIVE = _AFTER | set(BEFORE_ACCEPTANCE)

#: Where a type is expected without being a move. What is in neither this table nor ROWS is not possible there.
MAY: dict[str, frozenset[Referral]] = {
    **dict.fromkeys(ALWAYS, frozenset(_r)),
    **dict.fromkeys(PLANNING, _AFTER),
    "consent.record": _LIVE | {_r.DRAFT, _r.CLOSED},
    "info.request": _LIVE,
    "info.reply": _LIVE,
    "identification.certificate": _LIVE,
    "nationality.request": _AFTER,
    "nationality.reply": _AFTER,
    "traveldoc.request": _AFTER,
    "traveldoc.reply": _AFTER,
    "proceedings.notice": _AFTER,
    "service.complaint": _AFTER,
    "reintegration.plan": frozenset({_r.ACTIVE}),
    "monitoring.report": frozenset({_r.CLOSING}),
}

#: Types that only one side writes, where no row of the table says it.
ONLY: dict[str, Side] = {"reintegration.plan": Side.RECEIVING, "monitoring.report": Side.RECEIVING}

#: An answer of a person, which implies that the request was opened (nrm1 12.6).
DECIDES = frozenset({"info.request", "referral.accept", "referral.decline"})


class Outcome(StrEnum):
    """What became of a message."""

    APPLIED = "applied"
    CROSSED = "crossed"
    """Another message that it crossed counts instead."""
    LATE = "late"
    """It was written after silence had had its effect."""
    STALE = "stale"
    """It is about another version of the return than the one on the table."""
    BLOCKED = "blocked"
    """A safety alert is open, so the case is not closed."""
    UNFOUNDED = "unfounded"
    """It reopens a case without a new consent, or too late."""
    OUT_OF_ORDER = "out_of_order"
    """It is not possible in this state, or not for this side."""
    REJECTED = "rejected"
    """The other side gave a signed refusal: it counts as never written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known of a referral after some of its messages; times are Unix seconds.

    ``decided_from`` and ``paused`` are the start of the decision clock, None while it is not known, and the seconds it
    stood still. ``withdrawn``, ``alerts`` and ``corrections`` are the messages that set the overlays and were not
    cleared. ``before`` is the situation before silence had an effect, None when a message came since.
    """

    state: Referral = Referral.DRAFT
    since: int = 0
    request: Message | None = None
    decided_from: int | None = None
    paused: int = 0
    questions: tuple[Message, ...] = ()
    accepted: Message | None = None
    proposal: Message | None = None
    departure: Message | None = None
    arrival: Message | None = None
    plan: Message | None = None
    closure: Message | None = None
    consented: bool = False
    records: tuple[Message, ...] = ()
    withdrawn: tuple[Message, ...] = ()
    alerts: tuple[Message, ...] = ()
    corrections: tuple[Message, ...] = ()
    before: Situation | None = None


def moved(now: Situation, event: ReferralEvent, at: int) -> Situation:
    """The situation after a move at ``at``, with the clocks that start or stop by it."""
    state = REFERRAL.step(now.state, event)
    after = replace(now, state=state, since=at, before=None)
    match event:
        case _e.CONDITIONS_LAPSE:
            return replace(after, accepted=None, decided_from=at, paused=0)
        case _e.ANSWER | _e.EXPIRE | _e.DECLINE | _e.WITHDRAW if now.questions:
            return replace(after, questions=(), paused=now.paused + max(0, at - now.since))
        case _e.AGREE:
            return replace(after, consented=False)
        case _e.CANCEL | _e.NOT_DEPART | _e.OBJECT:
            return replace(after, departure=None)
        case _:
            return after


def events(message: Message, now: Situation) -> tuple[ReferralEvent, ...]:
    """The events that a message can be, the likeliest first; which of them the state allows is for the table."""
    said, side = message.said, message.side
    match message.kind:
        case "referral.request":
            return (_e.REQUEST,)
        case "info.request":
            return (_e.ASK,) if said.flag and side is Side.RECEIVING else ()
        case "info.reply":
            last = {question.id for question in now.questions} == {message.reply_to}
            return ((_e.ANSWER,) if last else ()) + ((_e.PLAN,) if said.flag else ())
        case "referral.accept":
            return (_e.ACCEPT_CONDITIONAL,) if said.flag else (_e.ACCEPT,)
        case "assistance.plan" if said.flag and side is Side.RECEIVING:
            return (_e.START_SERVICES, _e.PLAN)
        case "return.response":
            return (_e.CONFIRM,) if said.word == "confirm" else (_e.OBJECT,)
        case "departure.notice":
            return (_e.DEPART,) if said.word == "departed" else (_e.NOT_DEPART,)
        case "arrival.confirmation":
            return (_e.ARRIVE,) if said.word.startswith("met_") else (_e.NOT_MET,)
        case "case.closure":
            return (_e.CLOSE, _e.AGREE)
        case "closure.response":
            return (_e.AGREE,) if said.word == "agree" else (_e.DISAGREE, _e.REOPEN)
        case kind if kind in PLANNING:
            return (_e.PLAN,)
        case kind:
            return _ALWAYS_THE_SAME.get(kind, ())


_ALWAYS_THE_SAME: dict[str, tuple[ReferralEvent, ...]] = {
    "referral.decline": (_e.DECLINE,),
    "referral.withdraw": (_e.WITHDRAW,),
    "return.proposal": (_e.PROPOSE,),
    "return.cancel": (_e.CANCEL,),
    "reintegration.plan": (_e.REINTEGRATE,),
    "monitoring.report": (_e.REPORT,),
}


def carries(now: Situation, withdrawal: Message) -> bool:
    """Whether a withdrawn consent is the one a referral rests on: all of it, the grant for referral, or unknown."""
    granted = next((r.said.purposes for r in reversed(now.records) if r.said.consent == withdrawal.said.consent), None)
    if withdrawal.said.grants is None or granted is None:
        return True
    return any(place < len(granted) and granted[place] == "referral" for place in withdrawal.said.grants)

"""A referral, message by message: what each does to the state, the overlays and the clocks (pure).

A message that may not have an effect is not an error here: it is delivered and shown, and its outcome says why nothing
came of it. `gateway.conversations.rules.fold` decides what is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.conversations.rules.crossing import beats
from gateway.conversations.rules.facts import Message, Side
from gateway.conversations.rules.machines import NUMBERS, REFERRAL, Referral, ReferralEvent
from gateway.conversations.rules.order import Order
from gateway.conversations.rules.situation import (
    DECIDES,
    MAY,
    ONLY,
    REOPENING,
    RESOLVED,
    Outcome,
    Situation,
    carries,
    events,
    moved,
)

_r, _e = Referral, ReferralEvent


def apply(now: Situation, message: Message, order: Order, outcomes: Mapping[str, Outcome]) -> tuple[Situation, Outcome]:
    """The situation after ``message``, and what became of it; unchanged where it has no effect.

    ``outcomes`` is, by id, what became of the messages before.
    """
    if any(beats(other, message) and _counts(now, other, outcomes) for other in order.crossing(message)):
        return now, Outcome.CROSSED
    after, outcome = _applied(now, message, order)
    earlier = now.before
    while outcome is Outcome.OUT_OF_ORDER and earlier is not None:
        if _applied(earlier, message, order)[1] is Outcome.APPLIED:
            return now, Outcome.LATE
        earlier = earlier.before
    return after, outcome


def _counts(now: Situation, other: Message, outcomes: Mapping[str, Outcome]) -> bool:
    """Whether a message had its effect, or stands later in the order and would have it here."""
    if other.rejected:
        return False
    if other.kind == "consent.withdrawal":
        return carries(now, other)
    if other.kind == "safety.alert" or outcomes.get(other.id) is Outcome.APPLIED:
        return True
    return any(_possible(now, other, event) for event in events(other, now))


def _applied(now: Situation, message: Message, order: Order) -> tuple[Situation, Outcome]:
    if message.kind in DECIDES and message.side is Side.RECEIVING:
        now = _opened(now, message.created)
    for event in events(message, now):
        if _possible(now, message, event):
            fault = _guard(now, message, event)
            if fault is not Outcome.APPLIED:
                return now, fault
            return _noted(_requested(moved(now, event, message.created), message, event), message, order), fault
    if now.state in MAY.get(message.kind, ()) and ONLY.get(message.kind, message.side) is message.side:
        return _noted(now, message, order), Outcome.APPLIED
    return now, Outcome.OUT_OF_ORDER


def _possible(now: Situation, message: Message, event: ReferralEvent) -> bool:
    row = NUMBERS.get((now.state, event))
    if row is None or not row.by.allows(message.side):
        return False
    if event in (_e.AGREE, _e.DISAGREE):  # only who did not close may answer
        return now.closure is not None and now.closure.side is not message.side
    return True


def _guard(now: Situation, message: Message, event: ReferralEvent) -> Outcome:
    """What else a move needs (domain 4.6); gates on content are asked elsewhere
    (`gateway.policy.gates.gate_table`).
    """
    version = now.proposal.said.version if now.proposal else None
    match event:
        case _e.PROPOSE if version is not None and (message.said.version or 0) <= version:
            return Outcome.STALE
        case _e.CONFIRM | _e.OBJECT | _e.DEPART | _e.NOT_DEPART if message.said.version != version:
            return Outcome.STALE
        case _e.CLOSE | _e.AGREE if now.alerts:
            return Outcome.BLOCKED
        case _e.REOPEN if not now.consented or message.created > now.since + REOPENING:
            return Outcome.UNFOUNDED
        case _:
            return Outcome.APPLIED


def _opened(now: Situation, at: int) -> Situation:
    for event in (_e.DELIVERED, _e.OPENED):
        if REFERRAL.allows(now.state, event):
            now = moved(now, event, at)
    return now


def _requested(now: Situation, message: Message, event: ReferralEvent) -> Situation:
    """What the receipts say of a request, together with it: rows 4 and 5 (domain 4.5)."""
    if event is not _e.REQUEST:
        return now
    now = replace(now, request=message, decided_from=message.received, paused=0)
    if message.received is not None:
        now = moved(now, _e.DELIVERED, message.received)
    if message.opened is not None:
        now = _opened(now, message.opened)
    return now


def _noted(now: Situation, message: Message, order: Order) -> Situation:
    """What an applied message leaves behind beside the state."""
    match message.kind:
        case "info.request" if message.said.flag and now.state is _r.INFO_REQUESTED:
            return replace(now, questions=(*now.questions, message))
        case "info.reply":
            return replace(now, questions=tuple(q for q in now.questions if q.id != message.reply_to))
        case "referral.accept":
            return replace(now, accepted=message)
        case "return.proposal":
            return replace(now, proposal=message, departure=None)
        case "departure.notice":
            return replace(now, departure=message if now.state is _r.IN_TRANSIT else None)
        case "arrival.confirmation":
            return _arrived(now, message)
        case "reintegration.plan":
            return replace(now, plan=message)
        case "case.closure" if now.state is _r.CLOSING:
            return replace(now, closure=message)
        case _:
            return _overlaid(now, message, order)


def _arrived(now: Situation, message: Message) -> Situation:
    """Row 21 ends the alert that row 22 raised (domain 4.5); other alerts stay."""
    if now.state is _r.IN_TRANSIT:
        return replace(now, alerts=(*now.alerts, message))
    kept = tuple(alert for alert in now.alerts if alert.kind != "arrival.confirmation")
    return replace(now, arrival=message, alerts=kept)


def _overlaid(now: Situation, message: Message, order: Order) -> Situation:
    """The overlays that both sides share (domain 4.8). What is cleared is only what the writer knew."""
    match message.kind:
        case "consent.record":
            kept = tuple(w for w in now.withdrawn if not order.knows(message, w))
            return replace(now, records=(*now.records, message), withdrawn=kept, consented=True)
        case "consent.withdrawal":
            after = replace(now, withdrawn=(*now.withdrawn, message), consented=False)
            ends = carries(now, message) and REFERRAL.allows(now.state, _e.WITHDRAW)
            return moved(after, _e.WITHDRAW, message.created) if ends else after
        case "safety.alert":
            return replace(now, alerts=(*now.alerts, message))
        case "safety.alert.update" if message.said.word in RESOLVED:
            kept = tuple(alert for alert in now.alerts if not _resolves(message, alert, order))
            # The silence that closes a case begins anew when the last alert is over.
            waited = now.state is _r.CLOSING and bool(now.alerts) and not kept
            return replace(now, alerts=kept, since=max(now.since, message.created) if waited else now.since)
        case "data.correction":
            return replace(now, corrections=(*now.corrections, message))
        case "data.correction.ack":
            return replace(now, corrections=tuple(c for c in now.corrections if c.id != message.reply_to))
        case _:
            return now


def _resolves(update: Message, alert: Message, order: Order) -> bool:
    """Ends the alert that it or the ack it quotes replies to, all its writer knew without one, and a missed arrival."""
    quoted = order.find(update.reply_to)
    if quoted is not None and quoted.kind == "safety.alert.ack":
        quoted = order.find(quoted.reply_to)
    meant = quoted is None or quoted.id == alert.id or alert.kind == "arrival.confirmation"
    return meant and order.knows(update, alert)

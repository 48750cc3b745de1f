"""What a state itself asks for: one side has to move, and nobody has to ask (pure; domain 4.5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.conversations.rules.clocks import Setting
from gateway.conversations.rules.duty import Duty, make_duty, make_named_duty
from gateway.conversations.rules.facts import Message, Side
from gateway.conversations.rules.fold import Fold
from gateway.conversations.rules.machines import Enquiry, Referral
from gateway.conversations.rules.situation import DAY, PAUSE, Outcome, Situation
from gateway.foundation.deadlines import Deadline

POINTS: Mapping[str, int] = {"m1": 30, "m3": 91, "m6": 182, "m12": 365}
"""Days after arrival on which a monitoring point falls (domain 5.12); the others have no day of their own."""

_PART = {Side.HOST: "sending", Side.RECEIVING: "receiving"}

_r = Referral


def list_waits(found: Fold, setting: Setting, now: int) -> Iterator[Duty]:
    """List what is owed because of the state that a conversation is in."""
    if found.situation is None:
        yield from _waits_enquiry(found, setting)
    else:
        yield from _waits(found.situation, found, setting, now)


def is_applied(found: Fold, message: Message) -> bool:
    """Whether a message changed the state it met."""
    return found.outcomes[message.id] is Outcome.APPLIED


def _waits_enquiry(found: Fold, setting: Setting) -> Iterator[Duty]:
    question = next((m for m in found.order.messages if m.kind == "enquiry.capacity" and is_applied(found, m)), None)
    if question is not None and found.state is Enquiry.ASKED:
        yield make_duty(setting, "delivered", question.priority, question.created, Side.HOST, question)
    if question is not None and question.received is not None and found.state is Enquiry.DELIVERED:
        start, by = question.received, Side.RECEIVING
        yield make_duty(setting, "enquiry_reply", question.priority, start, by, question, question)


def _waits(now: Situation, found: Fold, setting: Setting, at: int) -> Iterator[Duty]:
    """What the state itself asks for; the side is that of the row (domain 4.5)."""
    host, receiving = Side.HOST, Side.RECEIVING
    match now:
        case Situation(state=_r.SENT, request=Message() as request):
            yield make_duty(setting, "delivered", request.priority, request.created, host, request)
        case Situation(state=_r.DELIVERED | _r.UNDER_REVIEW, request=Message() as request, decided_from=int(start)):
            start += min(now.paused, PAUSE)
            yield make_duty(setting, "decision", request.priority, start, receiving, request, request)
        case Situation(state=_r.ACCEPTED_CONDITIONAL, accepted=Message() as accepted):
            yield make_duty(setting, "conditions", accepted.priority, accepted.created, host, accepted, accepted)
        case Situation(state=_r.ACCEPTED, accepted=Message() as accepted):
            yield make_duty(setting, "disclosure", accepted.priority, accepted.created, host, accepted)
        case Situation(state=_r.PLANNING):
            last = max((m for m in found.order.messages if is_applied(found, m)), key=lambda m: m.created)
            yield from (make_duty(setting, "planning", last.priority, last.created, side, last) for side in Side)
            yield from _waits_joint(found, setting)
        case Situation(state=_r.RETURN_CONFIRMED, proposal=Message() as proposal) if proposal.said.flag:
            yield from _waits_for_who_goes_alone(proposal, found, setting, at)
        case Situation(state=_r.IN_TRANSIT):
            yield from _waits_arrival(now, found, setting, at)
        case Situation(state=_r.ARRIVED, arrival=Message() as arrival):
            yield make_duty(setting, "reintegration_plan", arrival.priority, arrived_at(arrival), receiving, arrival)
        case Situation(state=_r.ACTIVE):
            yield from _waits_monitoring(now, found, setting, at)
        case Situation(state=_r.CLOSING, closure=Message() as closure, alerts=()):
            yield make_duty(
                setting, "closure_response", closure.priority, now.since, closure.side.other, closure, closure
            )
        case Situation(state=_r.EXPIRED, request=Message() as request) if not _confirmed(found, request):
            yield make_duty(setting, "erasure", "ordinary", now.since, receiving, request)
        case _:
            pass
    yield from _waits_alerts(now, found, setting)


def _waits_joint(found: Fold, setting: Setting) -> Iterator[Duty]:
    """The joint conclusion on the risks, from both, once each side assessed its own part (domain 5.13)."""
    assessed = [m for m in found.order.messages if m.kind == "risk.assessment" and is_applied(found, m)]
    own = {m.side: m for m in assessed if m.said.word == _PART[m.side]}
    if len(own) < len(Side) or any(m.said.word == "joint" for m in assessed):
        return
    last = max(own.values(), key=lambda m: m.created)
    yield from (make_duty(setting, "risk_joint", last.priority, last.created, side, last) for side in Side)


def _confirmed(found: Fold, request: Message) -> bool:
    return any(m.kind == "erasure.confirmation" and m.side is not request.side for m in found.order.messages)


def arrived_at(arrival: Message) -> int:
    """When the person arrived, by the confirmation of it."""
    return arrival.said.arrives if arrival.said.arrives is not None else arrival.created


def _waits_arrival(now: Situation, found: Fold, setting: Setting, at: int) -> Iterator[Duty]:
    """The confirmation of the arrival; when it is overdue, or says not met, an alert of the host (domain 5.11)."""
    if now.departure is None or now.proposal is None:
        return
    planned, case = now.proposal.said.arrives, "child" if now.proposal.said.child else "adult"
    start = planned if planned is not None else now.departure.created
    missed = next((alert for alert in now.alerts if alert.kind == "arrival.confirmation"), None)
    confirmation = make_duty(setting, "arrival", case, start, Side.RECEIVING, now.departure)
    if missed is None:
        yield confirmation
    since = missed.created if missed is not None else confirmation.until.at
    raised = any(m.kind == "safety.alert" and found.order.knows(m, now.departure) for m in found.order.messages)
    if not raised and at > since:
        yield make_duty(setting, "alert_raise", case, since, Side.HOST, missed or now.departure)


def _waits_for_who_goes_alone(proposal: Message, found: Fold, setting: Setting, at: int) -> Iterator[Duty]:
    """Who goes against advice may leave without anybody seeing it: when the time to arrive is over and the host told
    neither that they departed nor that they did not, an alert of the host (domain 9.27).
    """
    planned = proposal.said.arrives if proposal.said.arrives is not None else proposal.created
    since = make_duty(setting, "arrival", "adult", planned, Side.RECEIVING, proposal).until.at
    raised = any(m.kind == "safety.alert" and found.order.knows(m, proposal) for m in found.order.messages)
    if not raised and at > since:
        yield make_duty(setting, "alert_raise", "adult", since, Side.HOST, proposal)


def _waits_monitoring(now: Situation, found: Fold, setting: Setting, at: int) -> Iterator[Duty]:
    """The first point of the plan that has come and has no report; where it stays away, the host asks after the person.

    Points count from the arrival; without a journey, from the first day of the plan (domain 5.12).
    """
    begin = _monitored_from(now, setting)
    if now.plan is None or begin is None:
        return
    done = {m.said.word for m in found.order.messages if m.kind == "monitoring.report" and is_applied(found, m)}
    point = min(set(now.plan.said.points) & set(POINTS) - done, key=lambda name: POINTS[name], default=None)
    if point is None or at < (start := begin + POINTS[point] * DAY):
        return
    report = make_duty(setting, "monitoring", point, start, Side.RECEIVING, now.plan)
    yield report
    raised = any(m.kind == "safety.alert" and m.created >= start for m in found.order.messages)
    if not raised and at > report.until.at:
        yield make_duty(setting, "contact_check", point, start, Side.HOST, now.plan)


def _monitored_from(now: Situation, setting: Setting) -> int | None:
    if now.arrival is not None:
        return arrived_at(now.arrival)
    first = now.plan.said.day if now.plan is not None else None
    return None if first is None else setting.end_of(first, Side.RECEIVING).at


def _waits_alerts(now: Situation, found: Fold, setting: Setting) -> Iterator[Duty]:
    """The next word on each open alert, from the side that has taken it."""
    for alert in now.alerts:
        acks = [m for m in found.order.messages if m.kind == "safety.alert.ack" and m.reply_to == alert.id]
        if acks:
            words = [*acks, *(m for m in found.order.messages if m.kind == "safety.alert.update")]
            last = max((m for m in words if found.order.knows(m, alert)), key=lambda m: m.created)
            duty = make_duty(setting, "alert_update", last.priority, last.created, acks[-1].side, alert)
            promised = last.said.by
            if promised is not None and promised < duty.until.at:
                duty = make_named_duty(duty.clock, duty.by, alert.id, Deadline(at=promised))
            yield duty

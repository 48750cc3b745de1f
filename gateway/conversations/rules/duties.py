"""Who owes what until when: what people look at every morning (pure).

Two tables. ``ASKS`` are messages that want an answer, or want to be opened by a person; ``_waits`` are states in which
one side has to move. Both name a clock of `schemas/clocks.json`, so the same list says when to remind and when it is
overdue. A duty ends with its answer, with the state it belongs to, or with the case, and rests while consent is taken
back; what protects the person (alerts, withdrawals, erasure, corrections) outlives all of these.

``owed`` is the list over many conversations, overdue first. ``reminders`` are what has become due of it and was not
told yet: at 50 and at 100 % of a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gateway.conversations.rules.clocks import Setting
from gateway.conversations.rules.facts import Message, Side
from gateway.conversations.rules.fold import Conversation, Fold, fold
from gateway.conversations.rules.machines import REFERRAL, Enquiry, Referral
from gateway.conversations.rules.order import Order
from gateway.conversations.rules.situation import DAY, PAUSE, Outcome, Situation
from gateway.foundation.deadlines import Deadline
from schemas.clocks import load_clocks
from schemas.clocks import load_reminders as percentages

OPENED = "opened"
"""The answer that is no message: the signed receipt that a person opened it, which any reply implies."""

TRAVEL_SOON = 72 * 3_600
"""A cancelled return is urgent when travel is less than this away (domain 5.10)."""

POINTS: Mapping[str, int] = {"m1": 30, "m3": 91, "m6": 182, "m12": 365}
"""Days after arrival on which a monitoring point falls (domain 5.12); the others have no day of their own."""

_PART = {Side.HOST: "sending", Side.RECEIVING: "receiving"}
_LIFE = frozenset({"missing_child", "medical", "self_harm", "violence"})

_r = Referral
_OVER = REFERRAL.final | {_r.CLOSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """``by`` owes what ``clock`` is about until ``until``, because of the message with this id.

    ``reminders`` are pairs of percentage and time.
    """

    clock: str
    by: Side
    because: str
    until: Deadline
    reminders: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A conversation of this node: its local reference, and which side this node is."""

    ref: str
    side: Side
    conversation: Conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One line of the morning list, and how the conversation ``found`` stands in which it is owed."""

    ref: str
    duty: Duty
    ours: bool
    overdue: bool
    found: Fold = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """Somebody has to be told that ``percent`` of the time is over."""

    owed: Owed
    percent: int

    @property
    def label(self) -> str:
        """What is remembered of it, with the percentage as value."""
        return _label(self.owed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A message of type ``kind`` starts ``clock``; any of ``answers`` ends it.

    ``own`` says that its own writer owes the answer. ``lasting`` duties outlive the case, others end with it or, where
    ``states`` is given, with these. ``latest``: a newer one of the same side takes its place.
    """

    kind: str
    clock: str
    answers: frozenset[str]
    case: Callable[[Message, Situation | None], str]
    only: Callable[[Message], bool]
    own: bool
    lasting: bool
    latest: bool
    states: frozenset[Referral] | None


def _priority(message: Message, _: Situation | None) -> str:
    return message.priority


def _travel(message: Message, now: Situation | None) -> str:
    departs = now.proposal.said.departs if now is not None and now.proposal is not None else None
    return "soon" if departs is not None and departs - message.created < TRAVEL_SOON else "later"


def _safety(message: Message, _: Situation | None) -> str:
    return "safety" if message.said.flag else "ordinary"


def _danger(message: Message, _: Situation | None) -> str:
    return "life" if message.said.word in _LIFE else "other"


def _misdirected(message: Message, _: Situation | None) -> str:
    return "misdirected" if message.said.word == "misdirected" else "ordinary"


def _erases(message: Message) -> bool:
    return message.said.erase


def _any(_: Message) -> bool:
    return True


def _ask(
    kind: str,
    clock: str,
    *answers: str,
    case: Callable[[Message, Situation | None], str] = _priority,
    only: Callable[[Message], bool] = _any,
    own: bool = False,
    lasting: bool = False,
    latest: bool = False,
    states: frozenset[Referral] | None = None,
) -> Ask:
    return Ask(
        kind=kind,
        clock=clock,
        answers=frozenset(answers),
        case=case,
        only=only,
        own=own,
        lasting=lasting,
        latest=latest,
        states=states,
    )


ASKS: tuple[Ask, ...] = (
    _ask("referral.request", "opened", OPENED, states=frozenset({_r.DELIVERED})),
    _ask("info.request", "info_reply", "info.reply"),
    _ask("identification.certificate", "acknowledge", OPENED),
    _ask("nationality.request", "nationality_reply", "nationality.reply"),
    _ask("traveldoc.request", "traveldoc_reply", "traveldoc.reply"),
    _ask("family.inquiry", "family_report", "family.report"),
    _ask("family.report", "acknowledge", OPENED),
    _ask("risk.request", "risk_part", "risk.assessment"),
    _ask("bid.report", "bid_confirm", OPENED, "bid.report", latest=True),
    _ask("guardian.notice", "guardian_ack", OPENED),
    _ask("assistance.plan", "plan_reply", OPENED, "assistance.plan", latest=True),
    _ask("return.proposal", "return_response", "return.response", states=frozenset({_r.RETURN_PROPOSED}), latest=True),
    _ask("return.cancel", "cancel_ack", OPENED, case=_travel),
    _ask("reintegration.plan", "acknowledge", OPENED, latest=True),
    _ask("proceedings.notice", "acknowledge", OPENED),
    _ask("referral.withdraw", "withdrawal_ack", OPENED, lasting=True),
    _ask("referral.withdraw", "erasure", "erasure.confirmation", case=_misdirected, only=_erases, lasting=True),
    _ask("referral.decline", "erasure", "erasure.confirmation", case=_misdirected, own=True, lasting=True),
    _ask("consent.withdrawal", "withdrawal_ack", "consent.withdrawal.ack", lasting=True),
    _ask("consent.withdrawal", "erasure", "erasure.confirmation", case=_misdirected, only=_erases, lasting=True),
    _ask("safety.alert", "alert_ack", "safety.alert.ack", case=_danger, lasting=True),
    _ask("safety.alert.update", "acknowledge", OPENED, latest=True, lasting=True),
    _ask("data.correction", "correction_ack", "data.correction.ack", case=_safety, lasting=True),
    _ask("erasure.request", "erasure", "erasure.confirmation", case=_misdirected, lasting=True),
    _ask("subject.access", "access_reply", "subject.access", only=lambda m: not m.said.flag, lasting=True),
    _ask("breach.notice", "breach_ack", OPENED, lasting=True),
    _ask("directory.update", "directory_confirm", "directory.update", own=True, latest=True, lasting=True),
    _ask("stats.request", "stats_due", "stats.submission", lasting=True),
    _ask("stats.submission", "acknowledge", OPENED, lasting=True),
)


#: Owed after consent was taken back too: what protects the person, and receipts of what came before.
_STILL_OWED: frozenset[str] = frozenset(
    {ask.clock for ask in ASKS if ask.lasting or OPENED in ask.answers}
    | {"delivered", "erasure", "arrival", "alert_raise", "alert_update"}
)


def duties(found: Fold, setting: Setting, now: int) -> tuple[Duty, ...]:
    """All that is owed in a conversation that stands as ``found`` says, the earliest first."""
    asked = (_asked(found, setting, ask, message) for ask in ASKS for message in _open(found, ask))
    waits = (
        _waits(found.situation, found, setting, now) if found.situation is not None else _waits_enquiry(found, setting)
    )
    found_here = [duty for duty in (*asked, *waits) if duty.clock in _STILL_OWED or not _taken_back(found.situation)]
    return tuple(sorted(found_here, key=lambda duty: (duty.until.at, duty.clock, duty.by, duty.because)))


def _taken_back(now: Situation | None) -> bool:
    """Whether the consent that the case rests on was taken back whole: then nobody owes what G7 lets nobody send."""
    if now is None:
        return False
    last = now.records[-1].said.consent if now.records else None
    return any(taken.said.grants is None and last in (None, taken.said.consent) for taken in now.withdrawn)


def owed(watched: Iterable[Watched], now: int) -> tuple[Owed, ...]:
    """The morning list: what is overdue first, then by deadline; at the same time what this node owes comes first."""
    found = [
        Owed(ref=item.ref, duty=duty, ours=duty.by is item.side, overdue=now > duty.until.at, found=stands)
        for item in watched
        for stands in [fold(item.conversation, now)]
        for duty in duties(stands, item.conversation.setting, now)
    ]
    return tuple(
        sorted(found, key=lambda one: (not one.overdue, one.duty.until.at, not one.ours, one.ref, one.duty.clock))
    )


def reminders(items: Iterable[Owed], told: Mapping[str, int], now: int) -> tuple[Reminder, ...]:
    """The last reminder of each line that is due and was not told; ``told`` is the percentage by label."""
    found = []
    for item in items:
        due = [percent for percent, at in item.duty.reminders if now > at]
        if due and due[-1] > told.get(_label(item), 0):
            found.append(Reminder(owed=item, percent=due[-1]))
    return tuple(found)


def remembered(items: Iterable[Owed], told: Mapping[str, int], new: Iterable[Reminder]) -> dict[str, int]:
    """What to remember from now on: nothing of what is no longer owed."""
    latest = {**told, **{reminder.label: reminder.percent for reminder in new}}
    return {_label(item): latest[_label(item)] for item in items if _label(item) in latest}


def _label(item: Owed) -> str:
    return f"{item.ref}/{item.duty.clock}/{item.duty.by}/{item.duty.because}"


def _open(found: Fold, ask: Ask) -> Iterator[Message]:
    """The applied messages of the type that nobody has answered, where their duty still holds."""
    state = found.state
    if isinstance(state, Referral) and not _holds(ask, state):
        return
    asking = [m for m in found.order.messages if m.kind == ask.kind and _applied(found, m) and ask.only(m)]
    for place, message in enumerate(asking):
        newer = ask.latest and any(later.side is message.side for later in asking[place + 1 :])
        if not newer and not _answered(found, ask, message):
            yield message


def _holds(ask: Ask, state: Referral) -> bool:
    if ask.states is not None:
        return state in ask.states
    return ask.lasting or state not in _OVER


def _applied(found: Fold, message: Message) -> bool:
    return found.outcomes[message.id] is Outcome.APPLIED


def _answered(found: Fold, ask: Ask, asked: Message) -> bool:
    by = asked.side if ask.own else asked.side.other
    answers = [m for m in found.order.messages if m.side is by and m.id != asked.id and _applied(found, m)]
    if OPENED in ask.answers and (asked.opened is not None or any(m.reply_to == asked.id for m in answers)):
        return True
    meant: set[str | None] = {asked.id, asked.reply_to if ask.own else asked.id}  # who declined confirms to the request
    return any(m.kind in ask.answers and _is_answer(found.order, m, asked, meant) for m in answers)


def _is_answer(order: Order, answer: Message, asked: Message, meant: set[str | None]) -> bool:
    return order.knows(answer, asked) and (answer.reply_to is None or answer.reply_to in meant)


def _asked(found: Fold, setting: Setting, ask: Ask, message: Message) -> Duty:
    by = message.side if ask.own else message.side.other
    if load_clocks()[ask.clock].named_in is not None and message.said.day is not None:
        return _named(ask.clock, by, message.id, setting.end_of(message.said.day, by))
    start = message.received if ask.clock == "opened" and message.received is not None else message.created
    return _duty(setting, ask.clock, ask.case(message, found.situation), start, by, message, message)


def _duty(
    setting: Setting, clock: str, case: str, start: int, by: Side, because: Message, asked: Message | None = None
) -> Duty:
    marks = [
        (percent, setting.until(clock, case, start, by, percent=percent, asked=asked)) for percent in percentages()
    ]
    until = setting.until(clock, case, start, by, asked=asked)
    reminders = tuple((percent, mark.at) for percent, mark in marks)
    return Duty(clock=clock, by=by, because=because.id, until=until, reminders=reminders)


def _named(clock: str, by: Side, because: str, until: Deadline) -> Duty:
    return Duty(clock=clock, by=by, because=because, until=until, reminders=((100, until.at),))


def _waits_enquiry(found: Fold, setting: Setting) -> Iterator[Duty]:
    question = next((m for m in found.order.messages if m.kind == "enquiry.capacity" and _applied(found, m)), None)
    if question is not None and found.state is Enquiry.ASKED:
        yield _duty(setting, "delivered", question.priority, question.created, Side.HOST, question)
    if question is not None and question.received is not None and found.state is Enquiry.DELIVERED:
        start, by = question.received, Side.RECEIVING
        yield _duty(setting, "enquiry_reply", question.priority, start, by, question, question)


def _waits(now: Situation, found: Fold, setting: Setting, at: int) -> Iterator[Duty]:
    """What the state itself asks for; the side is that of the row (domain 4.5)."""
    host, receiving = Side.HOST, Side.RECEIVING
    match now:
        case Situation(state=_r.SENT, request=Message() as request):
            yield _duty(setting, "delivered", request.priority, request.created, host, request)
        case Situation(state=_r.DELIVERED | _r.UNDER_REVIEW, request=Message() as request, decided_from=int(start)):
            start += min(now.paused, PAUSE)
            yield _duty(setting, "decision", request.priority, start, receiving, request, request)
        case Situation(state=_r.ACCEPTED_CONDITIONAL, accepted=Message() as accepted):
            yield _duty(setting, "conditions", accepted.priority, accepted.created, host, accepted, accepted)
        case Situation(state=_r.ACCEPTED, accepted=Message() as accepted):
            yield _duty(setting, "disclosure", accepted.priority, accepted.created, host, accepted)
        case Situation(state=_r.PLANNING):
            last = max((m for m in found.order.messages if _applied(found, m)), key=lambda m: m.created)
            yield from (_duty(setting, "planning", last.priority, last.created, side, last) for side in Side)
            yield from _waits_joint(found, setting)
        case Situation(state=_r.IN_TRANSIT):
            yield from _waits_arrival(now, found, setting, at)
        case Situation(state=_r.ARRIVED, arrival=Message() as arrival):
            yield _duty(setting, "reintegration_plan", arrival.priority, arrived_at(arrival), receiving, arrival)
        case Situation(state=_r.ACTIVE):
            yield from _waits_monitoring(now, found, setting, at)
        case Situation(state=_r.CLOSING, closure=Message() as closure, alerts=()):
            yield _duty(setting, "closure_response", closure.priority, now.since, closure.side.other, closure, closure)
        case Situation(state=_r.EXPIRED, request=Message() as request) if not _confirmed(found, request):
            yield _duty(setting, "erasure", "ordinary", now.since, receiving, request)
        case _:
            pass
    yield from _waits_alerts(now, found, setting)


def _waits_joint(found: Fold, setting: Setting) -> Iterator[Duty]:
    """The joint conclusion on the risks, from both, once each side assessed its own part (domain 5.13)."""
    assessed = [m for m in found.order.messages if m.kind == "risk.assessment" and _applied(found, m)]
    own = {m.side: m for m in assessed if m.said.word == _PART[m.side]}
    if len(own) < len(Side) or any(m.said.word == "joint" for m in assessed):
        return
    last = max(own.values(), key=lambda m: m.created)
    yield from (_duty(setting, "risk_joint", last.priority, last.created, side, last) for side in Side)


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
    confirmation = _duty(setting, "arrival", case, start, Side.RECEIVING, now.departure)
    if missed is None:
        yield confirmation
    since = missed.created if missed is not None else confirmation.until.at
    raised = any(m.kind == "safety.alert" and found.order.knows(m, now.departure) for m in found.order.messages)
    if not raised and at > since:
        yield _duty(setting, "alert_raise", case, since, Side.HOST, missed or now.departure)


def _waits_monitoring(now: Situation, found: Fold, setting: Setting, at: int) -> Iterator[Duty]:
    """The first point of the plan that has come and has no report; where it stays away, the host asks after the person.

    Points count from the arrival; without a journey, from the first day of the plan (domain 5.12).
    """
    begin = _monitored_from(now, setting)
    if now.plan is None or begin is None:
        return
    done = {m.said.word for m in found.order.messages if m.kind == "monitoring.report" and _applied(found, m)}
    point = min(set(now.plan.said.points) & set(POINTS) - done, key=lambda name: POINTS[name], default=None)
    if point is None or at < (start := begin + POINTS[point] * DAY):
        return
    report = _duty(setting, "monitoring", point, start, Side.RECEIVING, now.plan)
    yield report
    raised = any(m.kind == "safety.alert" and m.created >= start for m in found.order.messages)
    if not raised and at > report.until.at:
        yield _duty(setting, "contact_check", point, start, Side.HOST, now.plan)


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
            duty = _duty(setting, "alert_update", last.priority, last.created, acks[-1].side, alert)
            promised = last.said.by
            if promised is not None and promised < duty.until.at:
                duty = _named(duty.clock, duty.by, alert.id, Deadline(at=promised))
            yield duty

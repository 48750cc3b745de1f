"""Who owes what until when: what people look at every morning (pure).

Two tables. ``ASKS`` are messages that want an answer, or want to be opened by a person; `waits` has the states in which
one side has to move. Both name a clock of `schemas/clocks.json`, so the same list says when to remind and when it is
overdue. A duty ends with its answer, with the state it belongs to, or with the case, and rests while consent is taken
back; what protects the person (alerts, withdrawals, erasure, corrections) outlives all of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gateway.conversations.rules.clocks import Setting
from gateway.conversations.rules.duty import Duty, make_duty, make_named_duty
from gateway.conversations.rules.facts import Message
from gateway.conversations.rules.fold import Fold
from gateway.conversations.rules.machines import REFERRAL, Referral
from gateway.conversations.rules.order import Order
from gateway.conversations.rules.situation import Situation
from gateway.conversations.rules.waits import is_applied, list_waits
from schemas.clocks import load_clocks

OPENED = "opened"
"""The answer that is no message: the signed receipt that a person opened it, which any reply implies."""

TRAVEL_SOON = 72 * 3_600
"""A cancelled return is urgent when travel is less than this away (domain 5.10)."""

_LIFE = frozenset({"missing_child", "medical", "self_harm", "violence"})

_r = Referral
_OVER = REFERRAL.final | {_r.CLOSED}


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
    _ask("service.complaint", "acknowledge", OPENED),
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
    found_here = [
        duty
        for duty in (*asked, *list_waits(found, setting, now))
        if duty.clock in _STILL_OWED or not _taken_back(found.situation)
    ]
    return tuple(sorted(found_here, key=lambda duty: (duty.until.at, duty.clock, duty.by, duty.because)))


def _taken_back(now: Situation | None) -> bool:
    """Whether the consent that the case rests on was taken back whole: then nobody owes what G7 lets nobody send."""
    if now is None:
        return False
    last = now.records[-1].said.consent if now.records else None
    return any(taken.said.grants is None and last in (None, taken.said.consent) for taken in now.withdrawn)


def _open(found: Fold, ask: Ask) -> Iterator[Message]:
    """The applied messages of the type that nobody has answered, where their duty still holds."""
    state = found.state
    if isinstance(state, Referral) and not _holds(ask, state):
        return
    asking = [m for m in found.order.messages if m.kind == ask.kind and is_applied(found, m) and ask.only(m)]
    for place, message in enumerate(asking):
        newer = ask.latest and any(later.side is message.side for later in asking[place + 1 :])
        if not newer and not _answered(found, ask, message):
            yield message


def _holds(ask: Ask, state: Referral) -> bool:
    if ask.states is not None:
        return state in ask.states
    return ask.lasting or state not in _OVER


def find_answer(found: Fold, ask: Ask, asked: Message) -> Message | None:
    """The first message that ends what is owed for another one, None while there is none."""
    answers = (m for m in _applied_of(found, ask, asked) if m.kind in ask.answers)
    meant: set[str | None] = {asked.id, asked.reply_to if ask.own else asked.id}  # who declined confirms to the request
    return next((m for m in answers if _is_answer(found.order, m, asked, meant)), None)


def _answered(found: Fold, ask: Ask, asked: Message) -> bool:
    if OPENED in ask.answers:
        quoted = any(m.reply_to == asked.id for m in _applied_of(found, ask, asked))
        if asked.opened is not None or quoted:
            return True
    return find_answer(found, ask, asked) is not None


def _applied_of(found: Fold, ask: Ask, asked: Message) -> Iterator[Message]:
    """What the side has said that owes the answer."""
    by = asked.side if ask.own else asked.side.other
    return (m for m in found.order.messages if m.side is by and m.id != asked.id and is_applied(found, m))


def _is_answer(order: Order, answer: Message, asked: Message, meant: set[str | None]) -> bool:
    return order.knows(answer, asked) and (answer.reply_to is None or answer.reply_to in meant)


def _asked(found: Fold, setting: Setting, ask: Ask, message: Message) -> Duty:
    by = message.side if ask.own else message.side.other
    if load_clocks()[ask.clock].named_in is not None and message.said.day is not None:
        return make_named_duty(ask.clock, by, message.id, setting.end_of(message.said.day, by))
    start = message.received if ask.clock == "opened" and message.received is not None else message.created
    return make_duty(setting, ask.clock, ask.case(message, found.situation), start, by, message, message)

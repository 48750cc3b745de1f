"""A referral folded message by message, and folded on from where something new begins to matter (pure).

What became of a message hangs on those before it in the order, and at three places on later ones: one that crosses it
and counts instead, an answer in time that keeps silence from speaking, and one that it quotes. A trail says for each
message how far it had to look ahead. So of a trail of before those steps stay which neither looked at what has changed
nor would look at what is new; the rest is folded again, and the result is that of folding everything.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.conversations.rules.clocks import Setting
from gateway.conversations.rules.crossing import beats
from gateway.conversations.rules.facts import Message
from gateway.conversations.rules.order import Order, count_same, quotes_any, renumbered
from gateway.conversations.rules.referral import apply
from gateway.conversations.rules.silence import Silence, find_over, is_answer, let_speak, patience_for
from gateway.conversations.rules.situation import Outcome, Situation


@dataclass(frozen=True, slots=True)
class Step:
    """The situation after a message; ``ahead`` is the last place of the order on which this step, or one before it,
    hangs.
    """

    situation: Situation
    ahead: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """That silence spoke before the message at a place, and in which situation."""

    place: int
    silence: Silence
    situation: Situation


@dataclass(frozen=True, slots=True)
class Trail:
    """The messages of a conversation in their order; of a referral, with the clocks of a setting or without, the
    situation after all, the step of each, every silence that spoke before one, and by id what became of each.
    """

    order: Order
    situation: Situation = field(default_factory=Situation)
    setting: Setting | None = None
    steps: tuple[Step, ...] = ()
    spoken: tuple[Spoken, ...] = ()
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)


NOTHING: tuple[Situation, Mapping[str, Outcome]] = (Situation(), {})
"""Where a referral begins."""


def follow(
    order: Order,
    setting: Setting | None,
    *,
    before: Trail | None = None,
    recalled: tuple[Situation, Mapping[str, Outcome]] = NOTHING,
) -> Trail:
    """Fold the messages of a referral in this order. ``before`` is a trail of the same conversation; ``recalled`` is
    the situation to begin with instead of none, after the messages whose outcomes it names.
    """
    kept = 0 if before is None or before.setting is not setting else _count_kept(before, order)
    steps, spoken, outcomes = list[Step](), list[Spoken](), {**recalled[1]}
    if before is not None and kept:
        steps += before.steps[:kept]
        spoken += [said for said in before.spoken if said.place < kept]
        outcomes |= before.outcomes
        for message in before.order.messages[kept:]:
            del outcomes[message.id]
    situation = steps[-1].situation if steps else recalled[0]
    for place, message in enumerate(order.messages[kept:], kept):
        ahead = max([place, *(step.ahead for step in steps[-1:]), *_looks(order, message)])
        if message.id not in outcomes and message.rejected:
            outcomes[message.id] = Outcome.REJECTED
        elif message.id not in outcomes:
            if setting is not None:
                situation, heard = _let_time_pass(situation, order, place, setting, spoken)
                ahead = max(ahead, heard)
            situation, outcomes[message.id] = apply(situation, message, order, outcomes)
        steps.append(Step(situation, ahead))
    return Trail(order, situation, setting, tuple(steps), tuple(spoken), outcomes)


def _let_time_pass(
    situation: Situation, order: Order, place: int, setting: Setting, spoken: list[Spoken]
) -> tuple[Situation, int]:
    """Every silence before the message at ``place``, and at which place one is answered: there where none is."""
    message = order.messages[place]
    while (due := find_over(situation, message.created, setting, patience_for(message))) is not None:
        for later in range(place, len(order.messages)):
            if is_answer(order.messages[later], due, situation):
                return situation, later
        spoken.append(Spoken(place, due, situation))
        situation = let_speak(situation, due)
    return situation, place


def _looks(order: Order, message: Message) -> Iterator[int]:
    """The places of the messages that may count instead of this one, and of what it quotes."""
    yield from (order.place_of(other) for other in order.crossing(message) if beats(other, message))
    quoted = order.find(message.reply_to)
    if quoted is not None:
        yield order.place_of(quoted)
        first = order.find(quoted.reply_to)  # an update on an alert may quote the answer to it
        yield 0 if first is None else order.place_of(first)


def _count_kept(before: Trail, order: Order) -> int:
    """How many steps of before stay as they are with the messages of this order."""
    same = count_same(before.order.messages, order.messages)
    gone, new = before.order.messages[same:], order.messages[same:]
    if quotes_any(order.messages[:same], renumbered(gone, new)):
        return 0
    kept = bisect_left(before.steps, same, key=lambda step: step.ahead)
    for message in new:
        beaten = [order.place_of(other) for other in order.crossing(message) if beats(message, other)]
        heard = [said.place for said in before.spoken if is_answer(message, said.silence, said.situation)]
        kept = min([kept, *beaten, *heard])
    return kept

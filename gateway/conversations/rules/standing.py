"""A standing conversation between two mechanisms, folded: what was asked and not yet answered (pure)."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.conversations.rules.facts import Message
from gateway.conversations.rules.machines import STANDING, OpenQuestionEvent, OpenQuestionState
from gateway.conversations.rules.order import Order
from gateway.conversations.rules.situation import Outcome

_ASKS: Mapping[str, str | None] = {"stats.request": "stats.submission", "breach.notice": None}
"""What asks, and what answers it; None where the receipt that a person opened it is the answer."""

_TELLS = frozenset({"directory.update", "stats.submission"})


def fold_standing(order: Order) -> tuple[OpenQuestionState, dict[str, Outcome]]:
    """State, and what became of each message."""
    state, outcomes = OpenQuestionState.QUIET, {}
    waiting: list[Message] = []
    for message in order.messages:
        outcomes[message.id] = _outcome(message)
        if outcomes[message.id] is not Outcome.APPLIED:
            continue
        if message.kind in _ASKS and message.opened is None:
            state = STANDING.step(state, OpenQuestionEvent.ASK)
            waiting.append(message)
        elif message.kind in _TELLS:
            state = STANDING.step(state, OpenQuestionEvent.TELL)
            answered = next((asked for asked in waiting if _answers(message, asked, order)), None)
            if answered is not None:
                waiting.remove(answered)
                state = state if waiting else STANDING.step(state, OpenQuestionEvent.SETTLE)
    return state, outcomes


def _outcome(message: Message) -> Outcome:
    if message.rejected:
        return Outcome.REJECTED
    known = message.kind in _ASKS or message.kind in _TELLS or message.kind == "reminder.due"
    return Outcome.APPLIED if known else Outcome.OUT_OF_ORDER


def _answers(message: Message, asked: Message, order: Order) -> bool:
    """The one it quotes, or the first of its writer's knowledge."""
    fits = _ASKS[asked.kind] == message.kind and message.side is not asked.side
    return fits and (message.reply_to == asked.id if message.reply_to else order.knows(message, asked))

"""What became of the withdrawals that one side has written: whether the other has confirmed, and what it still owes."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.conversations.rules.duties import ASKS, duties, find_answer
from gateway.conversations.rules.duty import Duty
from gateway.conversations.rules.facts import Message, Side
from gateway.conversations.rules.fold import Conversation, fold
from gateway.conversations.rules.waits import is_applied

WITHDRAWAL = "consent.withdrawal"
_CONFIRM, _ERASE = (ask for ask in ASKS if ask.kind == WITHDRAWAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldWithdrawal:
    """A withdrawal, by which messages the other side has answered it, and what it still owes."""

    withdrawal: Message
    confirmed: Message | None
    erased: Message | None
    owed: tuple[Duty, ...]


def list_withdrawals(conversation: Conversation, side: Side, now: int) -> list[ToldWithdrawal]:
    """The withdrawals of one side in a conversation, in their order."""
    found = fold(conversation, now)
    owed = duties(found, conversation.setting, now)
    return [
        ToldWithdrawal(
            withdrawal=message,
            confirmed=find_answer(found, _CONFIRM, message),
            erased=find_answer(found, _ERASE, message) if _ERASE.only(message) else None,
            owed=tuple(duty for duty in owed if duty.because == message.id and duty.by is side.other),
        )
        for message in found.order.messages
        if message.side is side and message.kind == WITHDRAWAL and is_applied(found, message)
    ]

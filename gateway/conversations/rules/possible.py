"""What may be written now in a conversation, and what it would answer (pure).

Nothing of the rules stands here a second time: each type of the catalogue is tried out as a message that says nothing
but what decides its move, by the same judge as a message that is submitted. Gates, scope and policy look at what is
said, so they have their say when there is something to look at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.conversations.rules.context import ConversationContext
from gateway.conversations.rules.facts import Message, Said
from gateway.conversations.rules.fold import Conversation, JudgementPoint, Possible
from schemas.catalogue import MessageType, load_catalogue
from schemas.types import type_name

ANY = "any"
WORDS: Mapping[str, Sequence[str]] = {
    "return.response": ("confirm", ""),
    "departure.notice": ("departed", ""),
    "arrival.confirmation": ("met_safe", ""),
    "closure.response": ("agree", ""),
}
"""The code that decides which of its moves a message is; with any other word it is the other move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writable:
    """A type that may be written, as the answer to the message ``reply_to`` where it has to be one."""

    body_type: str
    reply_to: str | None


def possible(around: ConversationContext, now: int) -> tuple[Writable, ...]:
    """All that may be written now by the side of ``around``, in the order of the catalogue."""
    kinds = (str(around.conversation.kind), ANY)
    return tuple(
        Writable(body_type=entry.body_type, reply_to=quoted)
        for entry in load_catalogue().types
        if entry.kind in kinds
        for quoted in _quotable(entry, around)
        if any(
            isinstance(around.judge(message, step=JudgementPoint.SUBMISSION), Possible)
            for message in _trials(entry, quoted, around, now)
        )
    )


def _quotable(entry: MessageType, around: ConversationContext) -> Sequence[str | None]:
    """What a type can answer: messages of the other side to which nobody here wrote one yet, else the newest one."""
    if not entry.reply_to:
        return (None,)
    wanted, mine = {type_name(name) for name in entry.reply_to}, type_name(entry.body_type)
    theirs = [
        m for m in around.conversation.messages if m.side is not around.side and m.kind in wanted and not m.rejected
    ]
    answered = {m.reply_to for m in around.conversation.messages if m.side is around.side and m.kind == mine}
    newest = sorted(theirs, key=lambda m: m.n, reverse=True)
    return [m.id for m in newest if m.id not in answered] or [m.id for m in newest[:1]]


def _trials(entry: MessageType, quoted: str | None, around: ConversationContext, now: int) -> Iterator[Message]:
    kind = type_name(entry.body_type)
    version = _version(around.conversation)
    for word in WORDS.get(kind, ("",)):
        yield Message(
            id="",
            side=around.side,
            n=around.next,
            seen=0,
            created=now,
            kind=kind,
            reply_to=quoted,
            said=Said(word=word, version=version + 1 if kind == "return.proposal" else version),
        )


def _version(conversation: Conversation) -> int:
    """The version of the return that is on the table."""
    return max((m.said.version or 0 for m in conversation.messages if m.kind == "return.proposal"), default=0)

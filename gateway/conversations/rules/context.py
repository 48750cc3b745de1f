"""A conversation as one side finds it when one more message is judged (pure).

What is not known refuses nothing: behind a gap, or where the content of a message is gone, the message is possible.
Nor does a conversation stop what nothing may stop (domain 3.10).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.conversations.rules.disclosure import DisclosureStage as Disclosure
from gateway.conversations.rules.disclosure import disclosure_stage
from gateway.conversations.rules.facts import Message, Side
from gateway.conversations.rules.fold import Conversation, Impossible, JudgementPoint, Possible, fold, judge
from gateway.conversations.rules.machines import Kind
from schemas.types import never_blocked


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationContext:
    """``side`` is who writes the message; ``partial`` says that messages which may matter are missing here."""

    conversation: Conversation
    side: Side
    partial: bool = False

    @property
    def next(self) -> int:
        """A number behind all that are there."""
        return 1 + max((message.n for message in self.conversation.messages), default=0)

    def judge(self, message: Message, *, step: JudgementPoint) -> Possible | Impossible:
        """Whether the conversation allows ``message``."""
        if self.partial or never_blocked(message.kind):
            return Possible()
        return judge(self.conversation, message, step=step)

    def step(self, now: int, before: int | None = None) -> Disclosure:
        """How far disclosure has come at ``now``, as far as it is known here; own messages from number ``before`` on
        are left out of it.
        """
        known = [m for m in self.conversation.messages if before is None or m.side is not self.side or m.n < before]
        if self.conversation.kind is not Kind.REFERRAL:
            return Disclosure.BEFORE_ACCEPTANCE
        return disclosure_stage(fold(replace(self.conversation, messages=tuple(known)), now).state)

    def joined(self, message: Message) -> ConversationContext:
        """The same after ``message``."""
        messages = (*self.conversation.messages, message)
        return replace(self, conversation=replace(self.conversation, messages=messages))

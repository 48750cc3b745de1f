"""The one order in which both sides read the messages of a conversation (pure).

Each side numbers its own messages, and each message says in ``seen`` how far its writer had read the other side. That
gives an order of what was known to whom: ``knows``. Two messages of which neither writer knew the other *cross*. Among
these the order has no meaning, but both sides need the same one: the earlier signed time first, then the host's.
Which of two crossing messages counts is not decided here but by the rules of `gateway.conversations.rules.crossing`.

``seen`` may not go down from one message to the next; where it does (a message that waited was written earlier than the
one before it) the higher one counts. A reply knows what it replies to. Claims that contradict each other (each says it
has seen the other) can only come of a fault; they are ordered like a crossing, so that the order always exists.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.conversations.rules.facts import Message, Side

EPOCH = 1 << 32
"""How far the numbers of one epoch of a link lie behind those of the next: more than any link ever counts."""


def place(epoch: int, n: int) -> int:
    """A number that goes on over the epochs of a link: ``n`` itself in the first one (nrm1 12.5)."""
    return (epoch - 1) * EPOCH + n


@dataclass(frozen=True, slots=True)
class Order:
    """The messages of one conversation, each once, in the common order; the order they are given in has no effect."""

    messages: tuple[Message, ...]
    _seen: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        once = {message.id: message for message in self.messages}
        sides = {side: _of(once.values(), side) for side in Side}
        object.__setattr__(self, "_seen", _effective(sides))
        object.__setattr__(self, "messages", tuple(self._merged(sides[Side.HOST], sides[Side.RECEIVING])))

    def knows(self, later: Message, earlier: Message) -> bool:
        """Whether the writer of ``later`` had written or read ``earlier``."""
        if later.side is earlier.side:
            return earlier.n < later.n
        return earlier.n <= self._seen[later.id]

    def cross(self, one: Message, two: Message) -> bool:
        """Whether neither writer knew the other message."""
        return one.id != two.id and not self.knows(one, two) and not self.knows(two, one)

    def crossing(self, message: Message) -> Iterable[Message]:
        """All that cross ``message``."""
        return (other for other in self.messages if other.side is not message.side and self.cross(message, other))

    def _merged(self, host: list[Message], receiving: list[Message]) -> Iterable[Message]:
        i = j = 0
        while i < len(host) and j < len(receiving):
            first, second = host[i], receiving[j]
            after, before = self.knows(first, second), self.knows(second, first)
            takes_host = before if after != before else first.created <= second.created
            yield first if takes_host else second
            i, j = (i + 1, j) if takes_host else (i, j + 1)
        yield from host[i:]
        yield from receiving[j:]


def _of(messages: Iterable[Message], side: Side) -> list[Message]:
    return sorted(
        (message for message in messages if message.side is side), key=lambda message: (message.n, message.id)
    )


def _effective(sides: dict[Side, list[Message]]) -> dict[str, int]:
    """How far each writer had read, by the id of its message."""
    found: dict[str, int] = {}
    for side, messages in sides.items():
        numbers = {message.id: message.n for message in sides[side.other]}
        high = 0
        for message in messages:
            quoted = 0 if message.reply_to is None else numbers.get(message.reply_to, 0)
            high = max(high, message.seen, quoted)
            found[message.id] = high
    return found

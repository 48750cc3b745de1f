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

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import compress, count
from operator import attrgetter, is_not

from gateway.conversations.rules.facts import Message, Side

EPOCH = 1 << 32
"""How far the numbers of one epoch of a link lie behind those of the next: more than any link ever counts."""


def place(epoch: int, n: int) -> int:
    """A number that goes on over the epochs of a link: ``n`` itself in the first one (nrm1 12.5)."""
    return (epoch - 1) * EPOCH + n


@dataclass(frozen=True, slots=True)
class _Line:
    """The messages of one side by number, how far the writer of each had read, and the place of each in the order."""

    messages: list[Message] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def kept(self, changed: Iterable[Message]) -> int:
        """How many of these messages stand before the first of the ``changed``."""
        places = (bisect_left(self.messages, _number(message), key=_number) for message in changed)
        return min(places, default=len(self.messages))

    def fixed(self, kept: int) -> int:
        """How many places of the order do not hang on what stands behind the first ``kept`` messages."""
        return self.places[kept - 1] + 1 if kept else 0

    def index(self, message: Message) -> int:
        """Which of them a message is."""
        return bisect_left(self.messages, _number(message), key=_number)


class Order:
    """The messages of one conversation, each once, in the common order; the order they are given in has no effect.

    ``before`` is an earlier order of the same conversation. It changes nothing but the time that this one takes: what
    stands there before the first change is taken over. A message is unchanged if it is the same object.
    """

    __slots__ = ("_given", "_known", "_lines", "messages")

    def __init__(self, messages: Iterable[Message], before: Order | None = None) -> None:
        self._given = tuple(messages)
        same = 0 if before is None else count_same(before._given, self._given)
        gone, new = () if before is None else before._given[same:], self._given[same:]
        self._known: dict[str, Message] = {} if before is None else {**before._known}
        for message in gone:
            del self._known[message.id]
        self._known |= {message.id: message for message in new}
        if len(self._known) < len(self._given):  # one is given twice
            self._known = {message.id: message for message in self._given}
            before, self._given = None, tuple(self._known.values())
        if before is None or quotes_any(self._given[:same], renumbered(gone, new)):
            before, gone, new = None, (), self._given  # how far a writer had read is another number now
        self._lines: dict[Side, _Line] = {}
        fixed = 0 if before is None else len(before.messages)
        for side in Side:
            line = _Line() if before is None else before._lines[side]
            old = [message for message in gone if message.side is side]
            come = [message for message in new if message.side is side]
            kept = line.kept([*old, *come])
            if old or come:
                fixed = min(fixed, line.fixed(kept))
            self._lines[side] = _line(line, kept, {message.id for message in old}, come, self._known)
        self.messages: tuple[Message, ...] = self._merged(() if before is None else before.messages[:fixed])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Order) and self.messages == other.messages

    def __hash__(self) -> int:
        return hash(self.messages)

    def knows(self, later: Message, earlier: Message) -> bool:
        """Whether the writer of ``later`` had written or read ``earlier``."""
        return earlier.n < later.n if later.side is earlier.side else earlier.n <= self._read(later)

    def cross(self, one: Message, two: Message) -> bool:
        """Whether neither writer knew the other message."""
        return one.id != two.id and not self.knows(one, two) and not self.knows(two, one)

    def crossing(self, message: Message) -> Sequence[Message]:
        """All that cross ``message``: what its writer had not read, up to what was written by one who had read it."""
        theirs = self._lines[message.side.other]
        first = bisect_right(theirs.messages, self._read(message), key=lambda other: other.n)
        return theirs.messages[first : bisect_left(theirs.seen, message.n)]

    def counted(self) -> Iterator[tuple[Message, int]]:
        """Each message with the time by which it counts: its own, or the later one of a message before it. Clocks
        differ, and what was sealed anew is signed later than what stands behind it.
        """
        latest = 0
        for message in self.messages:
            latest = max(latest, message.created)
            yield message, latest

    def find(self, id: str | None) -> Message | None:
        """The message with this id."""
        return None if id is None else self._known.get(id)

    def place_of(self, message: Message) -> int:
        """Which place of the order a message has."""
        line = self._lines[message.side]
        return line.places[line.index(message)]

    def _read(self, message: Message) -> int:
        """How far the writer of a message had read the other side."""
        line = self._lines[message.side]
        return line.seen[line.index(message)]

    def _merged(self, fixed: Sequence[Message]) -> tuple[Message, ...]:
        """Both lines as one: behind what is ``fixed`` again and again the earlier one of the two next messages."""
        order = [*fixed]
        host, receiving = self._lines[Side.HOST], self._lines[Side.RECEIVING]
        for line in (host, receiving):
            del line.places[bisect_left(line.places, len(order)) :]
        while (i := len(host.places)) < len(host.messages) and (j := len(receiving.places)) < len(receiving.messages):
            first, second = host.messages[i], receiving.messages[j]
            after, before = second.n <= host.seen[i], first.n <= receiving.seen[j]
            takes_host = before if after != before else first.created <= second.created
            (host if takes_host else receiving).places.append(len(order))
            order.append(first if takes_host else second)
        for line in (host, receiving):
            rest = line.messages[len(line.places) :]
            line.places.extend(range(len(order), len(order) + len(rest)))
            order += rest
        return tuple(order)


def _line(
    line: _Line, kept: int, gone: Collection[str], come: Sequence[Message], known: Mapping[str, Message]
) -> _Line:
    """A line with other messages behind its first ``kept``: without what is ``gone``, with what has ``come``."""
    later = sorted([*(m for m in line.messages[kept:] if m.id not in gone), *come], key=_number)
    seen = line.seen[:kept]
    for message in later:
        quoted = None if message.reply_to is None else known.get(message.reply_to)
        read = 0 if quoted is None or quoted.side is message.side else quoted.n
        seen.append(max(seen[-1] if seen else 0, message.seen, read))
    return _Line([*line.messages[:kept], *later], seen, line.places[:kept])


def count_same(before: Sequence[Message], now: Sequence[Message]) -> int:
    """How many of the first messages are the same objects in both."""
    return next(compress(count(), map(is_not, before, now)), min(len(before), len(now)))


def renumbered(gone: Iterable[Message], new: Iterable[Message]) -> set[str]:
    """The ids of messages that are only in one of both, or have another number there."""
    before, now = ({(message.id, message.side, message.n) for message in some} for some in (gone, new))
    return {id for id, _, _ in before ^ now}


def quotes_any(messages: Iterable[Message], ids: Set[str]) -> bool:
    """Whether one of these messages quotes one of ``ids``."""
    return not ids.isdisjoint(map(attrgetter("reply_to"), messages))


def _number(message: Message) -> tuple[int, str]:
    return message.n, message.id

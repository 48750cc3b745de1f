"""What the sender of a message may have known when it wrote it (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from gateway.conversations.rules.facts import Message

MOST_UNSURE = 4
"""Of so many messages, the last ones, it is tried whether the sender had each when no receipt says so yet; of those
before them whether it had all or none.
"""


def list_views(messages: Sequence[Message], message: Message) -> Iterator[tuple[Message, ...]]:
    """List the parts of ``messages`` that the sender of ``message`` may have known, by what it says it had seen.

    The sender may not have had a signed refusal that is known here. Nor, behind a gap of its own, a lower number than
    the one it had seen: its receipt, by its own clock, tells when it had what. While a receipt is on its way, or names
    the very second of the message, it is unsure what came first; what it quotes and the highest number that it had seen
    were there, and any part of the others may have been missing to it. What it had refused itself, and whose refusal
    is still on its way, cannot be known here; then it is refused, and may say it again.

    The first, which nearly always decides, has what it had said and seen in the order given.
    """
    known = [m for m in messages if m.id != message.id]
    quoted = next((m.n for m in known if m.id == message.reply_to and m.side is not message.side), 0)
    high = max(message.seen, quoted)
    heard = [m for m in known if (m.n < message.n if m.side is message.side else m.n <= high)]
    yield tuple(heard)
    yield _forgiven(heard)
    own = [m for m in heard if m.side is message.side]
    theirs = sorted((m for m in heard if m.side is not message.side), key=lambda m: m.n)
    before = [*own, *(m for m in theirs if m.received is not None and m.received < message.created)]
    unclear = [m for m in theirs if m.received in (None, message.created)]
    at_once = [m for m in unclear if m.received is not None]
    sure = [m for m in unclear if m.n in (message.seen, quoted)]
    others = [m for m in unclear if m not in sure]
    older, unsure = others[:-MOST_UNSURE], others[-MOST_UNSURE:]
    parts = (
        [*before, *sure, *first, *part]
        for first in ([older, []] if older else [[]])
        for size in range(len(unsure) + 1)
        for part in combinations(unsure, size)
    )
    for view in ([*before, *at_once], *parts):
        yield tuple(view)
        yield _forgiven(view)


def _forgiven(messages: Iterable[Message]) -> tuple[Message, ...]:
    return tuple(replace(message, rejected=False) if message.rejected else message for message in messages)

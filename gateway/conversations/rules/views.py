"""What the sender of a message may have known when it wrote it (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from gateway.conversations.rules.facts import Message

MOST_UNSURE = 6
"""Of so many messages and refusals, the last ones, it is tried whether the sender had each when nothing says so; of
those before them whether it had all or none.
"""


def list_views(messages: Sequence[Message], message: Message) -> Iterator[tuple[Message, ...]]:
    """List the parts of ``messages`` that the sender of ``message`` may have known, by what it says it had seen.

    Behind a gap of its own the sender may not have had a lower number than the one it had seen: its receipt, by its own
    clock, tells when it had what. While a receipt is on its way, or names the very second of the message, it is unsure
    what came first; what it quotes and the highest number that it had seen were there, perhaps with all that has a
    receipt. Nor does anything say which of the signed refusals that are known here it had got, of which each is tried.
    What it had refused itself, and whose refusal is still on its way, cannot be known here; then it is refused, and may
    say it again.

    The first, which nearly always decides, has what it had said and seen in the order given. So have the others, so
    that what is the same need not be folded again.
    """
    known = [m for m in messages if m.id != message.id]
    quoted = next((m.n for m in known if m.id == message.reply_to and m.side is not message.side), 0)
    high = max(message.seen, quoted)
    heard = [m for m in known if (m.n < message.n if m.side is message.side else m.n <= high)]
    yield tuple(heard)
    theirs = [m for m in heard if m.side is not message.side]
    later = {m.id for m in theirs if m.received is not None and m.received > message.created}
    unclear = [m for m in theirs if m.received in (None, message.created) and m.n not in (message.seen, quoted)]
    refused = [m for m in heard if m.side is message.side and m.rejected]
    unheard = [m for m in unclear if m.received is None]
    parts = _list_parts(sorted([*unclear, *refused], key=lambda m: m.created))
    for missing in (unheard, [*unheard, *refused], *parts):
        ids = {m.id for m in missing}
        there = (m for m in heard if m.side is message.side or not (m.id in later or m.id in ids))
        yield tuple(replace(m, rejected=False) if m.id in ids else m for m in there)


def _list_parts(unsure: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """What may have been missing of all that nobody is sure of, from nothing to everything."""
    older, last = unsure[:-MOST_UNSURE], unsure[-MOST_UNSURE:]
    for first in [[], older] if older else [[]]:
        for size in range(len(last) + 1):
            for part in combinations(last, size):
                yield [*first, *part]

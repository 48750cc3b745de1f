"""One pass through the outbox of a peer: each message that waits is taken once, those with lower numbers first.

A message gets its local number before it is stored, and another worker of this node numbers by a clock of its own. So
one with a lower number may be stored after one with a higher number was taken. Whoever was woken looks for those too:
where the pass went on by the highest number alone, such a message waited until the pass was over, which under a load
that does not stop took seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.database.engine import Store
from gateway.foundation.ids import NodeId
from gateway.messages.store import messages
from keys.documents.envelope import MOST_ENVELOPES


class OutboxPass:
    """What of the outbox of one peer was taken, and what comes next. `full` says that the last ones were as many as go
    in one request, so that others may be behind them.
    """

    def __init__(self, store: Store, node: NodeId) -> None:
        self.full = False
        self._store = store
        self._node = node
        self._after = 0
        self._taken: set[int] = set()

    def take(self, refs: Sequence[int]) -> None:
        """Take these messages, in the order of their numbers: they do not come again in this pass."""
        self.full = len(refs) == MOST_ENVELOPES
        self._after = max(self._after, refs[-1])
        self._taken.update(refs)

    async def find_next(self, *, late: bool = False) -> list[int]:
        """Find the numbers of the next messages, as many as go in one request; with `late` also of those that were
        stored behind one that was taken.
        """
        after = self._store.numbers.lowest_stored_behind(self._after) if late else self._after
        most = MOST_ENVELOPES + (len(self._taken) if late else 0)
        found = await self._store.read(lambda c: messages.due(c, self._node, after, most))
        new = [ref for ref in found if ref not in self._taken][:MOST_ENVELOPES]
        if late and len(found) < most:  # all that still waits was seen: what does not is told from nothing any more
            self._taken.intersection_update(found)
        self.full = len(new) == MOST_ENVELOPES
        return new

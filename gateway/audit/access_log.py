"""Reads of case content are recorded: who, what, on which day (nrm1 13.9).

A leaf of the audit log and a row that finds it again are committed before anybody is shown anything. Both name the
reader without a name, once for each thing and day, so that looking at one case all morning is one entry.
"""

from __future__ import annotations

from collections import OrderedDict

from sqlalchemy import Connection

from gateway.audit import access_store
from gateway.audit.access_store import Reading
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.engine import Store
from gateway.operations.roles import Caller
from gateway.ports import Clock

DAY = 24 * 3_600
OWNER = "owner"
KNOWN_AT_MOST = 10_000
"""Readings that are remembered as noted, so that a repetition writes nothing."""


class Reads:
    """Records what was read at one node."""

    def __init__(self, *, store: Store, clock: Clock, actor: Actor) -> None:
        self._store = store
        self._clock = clock
        self._actor = actor
        self._known: OrderedDict[tuple[str, str, str, int], None] = OrderedDict()

    async def record(self, caller: Caller, what: str, id: str, *, n: int | None = None) -> None:
        """Somebody is about to be shown `what` of `id`, or its file `n`: returns once that is on the disk."""
        now, reader = self._clock.now(), caller.actor
        key = (reader, what, id, now // DAY)
        if key in self._known:
            return
        actor = self._actor(reader.encode()).hex()

        def move(connection: Connection) -> None:
            if access_store.add(connection, Reading(reader=reader, what=what, id=id, day=now // DAY, at=now)):
                if n is None:
                    journal.append_leaf(connection, leaf(now, "content.read", id=id, what=what, actor=actor))
                else:
                    journal.append_leaf(connection, leaf(now, "attachment.read", id=id, what=what, n=n, actor=actor))

        await self._store.move(move)
        self._known[key] = None
        while len(self._known) > KNOWN_AT_MOST:
            self._known.popitem(last=False)

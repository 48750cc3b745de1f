"""Whether somebody asks the key service for more than this node needs: told to people, since it may be a thief at its
socket (nrm1 13.6).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.foundation.chores import MINUTE, Chore
from gateway.foundation.workers import Workers
from gateway.ports import Clock
from keys.keystore.service import KeyService, PacedCalls


class KeyPaceWatch:
    """Looks once a minute at what the key service was asked for."""

    def __init__(self, *, store: Store, keys: KeyService, workers: Workers, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._workers = workers
        self._clock = clock
        self._seen: tuple[PacedCalls, ...] = ()

    @property
    def seen(self) -> tuple[PacedCalls, ...]:
        """What it told when it was looked at last; nothing where the keys are in this process."""
        return self._seen

    def chores(self) -> Sequence[Chore]:
        """Look once a minute."""
        return (Chore("key_pace", MINUTE, self.look, leader=False),)

    async def look(self) -> None:
        """Record and raise what was refused since the last look. Raises TransientError: the key service is away."""
        told = await self._workers.off_loop(self._keys.paced_calls)
        before = {one.use: one for one in self._seen}
        more = [(one.use, count) for one in told if (count := count_refused(before.get(one.use), one))]
        if more:
            now = self._clock.now()
            await self._store.move(lambda c: _record(c, more, now))
        self._seen = told


def count_refused(before: PacedCalls | None, now: PacedCalls) -> int:
    """How many were refused since `before`; all of them where the key service has begun anew since."""
    begun_anew = before is None or now.done < before.done or now.refused < before.refused
    return now.refused - (0 if begun_anew or before is None else before.refused)


def _record(connection: Connection, more: Sequence[tuple[str, int]], now: int) -> None:
    for use, count in more:
        journal.append_leaf(connection, leaf(now, "keys.busy", use=use, count=count))
    journal.raise_alarm(connection, at=now, kind="own.keys_busy")

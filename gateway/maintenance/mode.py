"""Whether the node is in maintenance: kept in the database, read again every few seconds, over by itself.

While it lasts nothing new is taken in from people, case systems and peers, and nothing departs. What is under way ends
or stays on disk. What protects a person is taken as ever and goes when it is over: withdrawals, erasures, closing a
case to somebody (the operations that do not `take_in`, `gateway.operations.registry`). Reading works.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.database.meta import get_meta, set_meta
from gateway.errors import Code, TransientError
from gateway.foundation.chores import Chore
from gateway.foundation.time_text import when
from gateway.maintenance.rules import Maintenance, decode_maintenance, encode_maintenance
from gateway.messages.wakeups import Wakeups
from gateway.ports import Clock

KEY = "maintenance"
LOOK_EVERY = 5
"""Seconds after which another process on the same database knows of it."""
NONE = b""


class MaintenanceMode:
    """Implements the question of everybody who takes in or sends: how long is this to wait?"""

    def __init__(self, *, store: Store, wakeups: Wakeups, clock: Clock) -> None:
        self._store = store
        self._wakeups = wakeups
        self._clock = clock
        self._kept: Maintenance | None = None

    def chores(self) -> Sequence[Chore]:
        """Read what another process, or the command line, has written."""
        return (Chore("maintenance", LOOK_EVERY, self.refresh, leader=False),)

    async def refresh(self) -> None:
        """Read it from the database; senders go on at once where it was ended."""
        data = await self._store.read(lambda c: get_meta(c, KEY))
        self._know(None if not data else decode_maintenance(data))

    def current(self) -> Maintenance | None:
        """The maintenance that lasts now, None if there is none."""
        return self._kept if self.seconds_left() else None

    def seconds_left(self) -> int:
        """Compute for how long nothing is taken in and nothing sent; 0 for a node that does its work."""
        return 0 if self._kept is None else self._kept.seconds_left(self._clock.now())

    def require_over(self, left: str) -> None:
        """Return unless maintenance lasts. `left` says what was left unchanged.

        Raises:
            TransientError: maintenance, with the seconds after which it is over.
        """
        if (seconds := self.seconds_left()) and self._kept is not None:
            raise TransientError(
                Code.MAINTENANCE,
                f"people work on this node until {when(self._kept.until, now=self._clock.now())}; {left}",
                hint="send the same again then; telephone what cannot wait",
                again_in=seconds,
            )

    async def begin(self, planned: Maintenance, *, actor: str) -> None:
        """Begin it, or change how long it lasts; `actor` is the pseudonym of who did."""
        entry = leaf(planned.since, "maintenance.begun", actor=actor, until=planned.until, reason=str(planned.reason))

        def move(connection: Connection) -> None:
            set_meta(connection, KEY, encode_maintenance(planned))
            journal.append_leaf(connection, entry)

        await self._store.move(move)
        self._know(planned)

    async def end(self, *, actor: str) -> bool:
        """End it before its time; whether there was any."""
        if self.current() is None:
            return False
        entry = leaf(self._clock.now(), "maintenance.ended", actor=actor)

        def move(connection: Connection) -> None:
            set_meta(connection, KEY, NONE)
            journal.append_leaf(connection, entry)

        await self._store.move(move)
        self._know(None)
        return True

    def _know(self, kept: Maintenance | None) -> None:
        lasted, self._kept = self.seconds_left(), kept
        if lasted and not self.seconds_left():
            self._wakeups.wake_senders()

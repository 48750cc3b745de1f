"""People are told that something waits at their desk, and not what: a message, a draft, an alarm (domain 8.10)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.engine import Store
from gateway.delivery.intake import WAITING
from gateway.errors import GatewayError
from gateway.foundation.logs import logger
from gateway.messages.machines.acceptance import Incoming
from gateway.messages.store import local, messages
from gateway.ports import Adapter, Clock, Notifier

LOOK = 30
"""Seconds between two looks at what waits."""
AT_ONCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits for a person, by numbers that say nothing."""

    alarms: frozenset[int]
    others: frozenset[int]


class EmailNotices:
    """The loop that looks, and tells at most every `seconds`."""

    def __init__(
        self, *, store: Store, adapter: Adapter | None, clock: Clock, notifier: Notifier, seconds: int
    ) -> None:
        self._store = store
        self._adapter = adapter
        self._clock = clock
        self._notifier = notifier
        self._seconds = seconds
        self._told = Waiting(alarms=frozenset(), others=frozenset())
        self._next = 0
        self._log = logger()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.once()
            except GatewayError as error:
                self._log.warning("notify.failed", code=str(error.code))
            await self._clock.sleep(LOOK)

    async def once(self) -> bool:
        """Whether people were told of something that is new since they were told last."""
        now = self._clock.now()
        if 0 < self._next - now <= self._seconds:  # more: the clock was put back
            return False
        waiting = await self._store.read(self._look)
        alarms, others = waiting.alarms - self._told.alarms, waiting.others - self._told.others
        if not alarms and not others:
            self._told = waiting
            return False
        self._next = now + self._seconds
        await self._notifier.tell(urgent=bool(alarms))
        self._told = waiting
        return True

    def _look(self, connection: Connection) -> Waiting:
        """Messages count only where nobody but a person takes them."""
        drafts = [row.ref for row in local.drafts(connection, state=WAITING, limit=AT_ONCE)]
        taken = (
            []
            if self._adapter
            else messages.to_take(connection, but=str(Incoming.AWAITING_ORDER), after=0, limit=AT_ONCE)
        )
        alarms = frozenset(alarm.seq for alarm in journal.open_alarms(connection))
        return Waiting(alarms=alarms, others=frozenset([*drafts, *(row.ref for row in taken)]))

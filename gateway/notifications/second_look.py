"""The second look at an alert of ours whose words may say more about a person than is needed (domain 9.1).

The alert goes at once: nothing holds one. A second person reads it within a day, or it is recorded why nobody can; when
the day is over without either, the alarm comes that wakes who is told of urgent things.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.engine import Store
from gateway.foundation.chores import DAY, HOUR, Chore
from gateway.ports import Clock

ALARMS = ("alert.second_look", "alert.unread")
"""A second person has to look; and nobody has within a day."""


class Look(StrEnum):
    """How a second look ends."""

    NEEDED = "needed"
    """A second person has read it: the words are needed."""
    TOLD = "told"
    """A second person has read it, and has told the other side what to disregard."""
    NOBODY = "nobody"
    """There is no second person to read it; whoever wrote it may say so."""


class SecondLook:
    """Raises the alarm when a day is over in which nobody has looked."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def chores(self) -> Sequence[Chore]:
        """Look for what is overdue."""
        return (Chore("second look", HOUR, self.escalate),)

    async def escalate(self) -> None:
        """Raise the alarm about each alert that waits for more than a day."""
        await self._store.move(self._escalate)

    def _escalate(self, connection: Connection) -> None:
        now = self._clock.now()
        for one in journal.open_alarms(connection):
            if one.kind == "alert.second_look" and now - one.at >= DAY:
                journal.raise_alarm(connection, at=now, kind="alert.unread", peer=one.peer, ref=one.ref)

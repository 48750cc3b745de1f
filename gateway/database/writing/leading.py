"""In whose name a move is written: of the process alone that has the database, or of one worker among several.

A *lease* says which worker does a duty, such as sending to one peer. Whatever a duty writes is written under its lease:
`LEADING` holds it in the task of the duty and in all that this task begins, the writer takes it with each move, and the
`Entry` compares it in the transaction. A worker that was stopped for a while and goes on after another has taken over
can therefore write nothing of that duty.
"""

from __future__ import annotations

from collections.abc import Collection
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, Protocol

from sqlalchemy import Connection

from gateway.errors import Code, TransientError


@dataclass(frozen=True, slots=True)
class Lease:
    """A duty that a worker does; `fence` grows each time that another takes it."""

    what: str
    fence: int


LEADING: Final[ContextVar[Lease | None]] = ContextVar("leading", default=None)
"""The lease under which this task works, None where nobody has to lead."""


class BehindError(Exception):
    """Another worker changed what this one has in memory: it is read again, then the same is tried once more."""


class LeaseLostError(TransientError):
    """Another worker leads this duty by now; nothing was changed."""

    def __init__(self, what: str) -> None:
        super().__init__(Code.LOCKED, f"another worker of this node does this now ({what}); nothing was changed")


class Entry(Protocol):
    """How a transaction that writes begins."""

    def begin(self, connection: Connection, leases: Collection[Lease]) -> None:
        """Let one transaction in at a time, of whichever worker. Raises BehindError, LeaseLostError."""

    def catch_up(self) -> None:
        """Read again what another worker changed; in the thread of the writer, outside of a transaction.

        Raises:
            TransientError: it cannot be read now, or changes faster than it can be read; nothing was written.
        """


class Alone:
    """Implements `Entry` for a process that alone has the database open."""

    def begin(self, connection: Connection, leases: Collection[Lease]) -> None:
        """See `Entry`: nobody else writes."""

    def catch_up(self) -> None:
        """See `Entry`: nobody else changes anything."""

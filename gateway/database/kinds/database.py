"""Where the rows of a node are: a file of SQLite or a PostgreSQL server.

What differs between the two is how a connection is opened, how a transaction that writes begins, and what their
failures are called. Queries are the same for both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine

from gateway.database.writing.leading import Entry

READERS = 2
"""Connections that read at a time."""


class Database(Protocol):
    """Where the rows of a node are."""

    path: Path
    faults: tuple[type[Exception], ...]
    """What it raises when it cannot be used now."""
    hint: str
    """What a person then looks at."""

    def open_engine(self, *, writes: bool) -> Engine:
        """Make an engine for what writes, or for what reads a snapshot."""

    def entry(self) -> Entry:
        """Give the way a transaction that writes begins, as long as nobody says otherwise."""

    def begin_reading(self, connection: Connection) -> None:
        """Begin a snapshot."""

    def end_reading(self, connection: Connection) -> None:
        """Leave the snapshot, also one that failed."""

    def leave(self, connection: Connection) -> None:
        """End the transaction that a commit which failed has left behind."""

    def was_committed(self, error: BaseException) -> bool:
        """Whether the transaction was committed although its commit raised `error`: only the answer was lost. Asks the
        database where that is open.
        """

    def checkpoint(self, *, truncate: bool) -> None:
        """Move the write-ahead log into the database; `truncate` also empties the log file."""

    def copy(self, target: Path) -> None:
        """Copy all rows as they are at one moment into the new file `target` of SQLite, mode 0600; writers are not held
        up. Raises TransientError disk; `target` may be there in part.
        """

    def clear(self) -> None:
        """Take away all tables, or the file: of a database that was just made and is not to stay."""

    def sizes(self, connection: Connection) -> tuple[int, int]:
        """Bytes of the database, and of a log beside it that is moved into it."""

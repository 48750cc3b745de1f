"""The store: one writer, and readers on snapshots, over a database of either kind (`gateway.database.kinds`)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, func, select

from gateway.database import tables
from gateway.database.kinds.database import READERS, Database
from gateway.database.local_numbers import LocalNumbers
from gateway.database.migrating import migrate
from gateway.database.writing.writer import Writer
from gateway.errors import Code, TransientError
from gateway.foundation.work_meter import metered
from gateway.foundation.workers import Threads

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741

_BEGAN = "snapshot began"

NUMBERED = (
    tables.datakey.c.ref,
    tables.message.c.ref,
    tables.draft.c.ref,
    tables.origin.c.ref,
    tables.consent.c.ref,
    tables.statement.c.evidence,
    tables.receipt_batch.c.ref,
    tables.erasure.c.ref,
    tables.local_item.c.ref,
    tables.attachment.c.ref,
    tables.cases.c.card,
    tables.case_change.c.ref,
)
"""Where local numbers stand. A number outlives the content it was given for: erasing must not free it."""
HIGHEST = select(*(select(func.max(column)).scalar_subquery() for column in NUMBERED))
"""The highest number at each of these places, none where nothing stands."""


class Store:
    """One node's database. `move` writes, `read` reads a snapshot; both run off the event loop."""

    def __init__(self, database: Database, *, new: bool = False) -> None:
        self.database = database
        self.path = database.path
        self._write_engine = database.open_engine(writes=True)
        with self._disk():
            try:
                migrate(self._write_engine, new=new)
            except BaseException:
                self._write_engine.dispose()
                raise
        self._read_engine = database.open_engine(writes=False)
        self.writer = Writer(self._write_engine, database)
        self._readers = Threads(READERS, "store-reader")
        self._reader = threading.local()
        self._open: list[Connection] = []
        with self._read_engine.connect() as connection:
            self.numbers = LocalNumbers(max(number or 0 for number in connection.execute(HIGHEST).one()))

    def new_ref(self) -> int:
        """A fresh local number, in order of time; never used before in this database, lost when not written."""
        return self.numbers.new()

    async def move(self, move: Callable[[Connection], T]) -> T:
        """Run one move in a durable transaction (see `gateway.database.writing.writer`).

        Raises:
            TransientError: disk; nothing of the move was written. So do the other two ways in.
        """
        with self._disk():
            return await self.writer.move(move)

    async def move_together(self, batch: Callable[[Connection, Sequence[I]], Sequence[T]], item: I) -> T:
        """Run one item of a function that writes several at once (see `gateway.database.writing.writer`)."""
        with self._disk():
            return await self.writer.move_together(batch, item)

    def move_along(self, move: Callable[[Connection], T]) -> asyncio.Future[T]:
        """Run one move that nobody waits for and that a kill may undo (see `gateway.database.writing.writer`)."""
        return self.writer.move_along(move)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run `query` on a consistent snapshot."""
        with self._disk():
            return await self._readers.run(metered(partial(self.read_here, query)))

    def read_here(self, query: Callable[[Connection], T]) -> T:
        """Run `query` on a consistent snapshot in this thread, which is none of an event loop."""
        connection = getattr(self._reader, "connection", None)
        if connection is None:
            connection = self._reader.connection = self._read_engine.connect()
            self._open.append(connection)
        try:
            return self._read_over(connection, query)
        except self.database.faults:
            if not connection.invalidated:
                raise
            return self._read_over(connection, query)  # a server that cut it may be back already, or another one there

    def _read_over(self, connection: Connection, query: Callable[[Connection], T]) -> T:
        connection.info[_BEGAN] = time.monotonic()
        try:
            self.database.begin_reading(connection)
            return query(connection)
        finally:
            self.database.end_reading(connection)

    async def checkpoint(self, *, truncate: bool = False) -> None:
        """Move the write-ahead log into the database; `truncate` also empties the log file (after erasing)."""
        with self._disk():
            await asyncio.to_thread(self.database.checkpoint, truncate=truncate)

    def close(self) -> None:
        """Finish waiting moves and close every connection."""
        self.writer.close()
        self._readers.end()
        for connection in self._open:
            connection.close()
        self._read_engine.dispose()
        self._write_engine.dispose()

    @contextmanager
    def _disk(self) -> Iterator[None]:
        """The one border at which a full, failing or read-only disk becomes an error of ours."""
        try:
            yield
        except self.database.faults as exc:
            raise TransientError(
                Code.DISK, "the database cannot be used now; nothing was changed", hint=self.database.hint
            ) from exc


def began(connection: Connection) -> float:
    """When the snapshot that `Store.read` gave to a query began at the earliest, by `time.monotonic`; the beginning of
    time in a move.
    """
    found: float = connection.info.get(_BEGAN, 0.0)
    return found

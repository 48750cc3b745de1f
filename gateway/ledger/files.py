"""The files of the ledger: appended as things are taken away, each on a disk of its own (nrm1 13.14).

The database has every entry; a file that lacks some gets them later, so that a disk that is away loses nothing and
stops no act. Nothing in a file is ever changed: only a piece of a line that a crash left at its end goes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.engine import Store
from gateway.errors import Code, GatewayError, RefusedError, RemoteError
from gateway.foundation.chores import Chore
from gateway.foundation.logs import logger
from gateway.ledger import store
from gateway.ledger.reading import Hasher, entries_of, keyed, newer_than_stored, read_ledger
from gateway.ledger.rules import FILE_LIMIT, FIRST, LINE_LIMIT, MARK_EVERY, Entry, Line, chained, split
from gateway.ports import Clock

PACE: Final = 1
"""Seconds between looks at what was taken away: so much of it may be lost with the disk of the database."""
AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """Where a file ends: the number of its last line and the keyed hash of it."""

    n: int
    mac: bytes


class LedgerWriter:
    """Keeps each file at the last entry of the database."""

    def __init__(self, *, store: Store, keys: Hasher, paths: Sequence[Path], clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._paths = tuple(paths)
        self._clock = clock
        self._ends: dict[Path, _End] = {}
        self._failing: bool | None = None
        self._writing = asyncio.Lock()

    def chores(self) -> Sequence[Chore]:
        """Write what was taken away."""
        return (Chore("ledger", PACE, self.write, leader=False),)

    async def write(self) -> None:
        """Append what each file lacks; a person is told of one that cannot be written, and that is all."""
        async with self._writing:
            newest = await self._mark()
            lacking = [path for path in self._paths if path not in self._ends or self._ends[path].n < newest]
            codes = [code for path in lacking if (code := await self._extend(path)) is not None]
            if self._failing is not bool(codes):
                await self._tell(codes)

    async def _mark(self) -> int:
        """The number of the newest entry, after a mark where one is due."""
        now = self._clock.now()

        def overdue(connection: Connection) -> int:
            row = store.last(connection)
            return row.n if row is not None and 0 <= now - row.at < MARK_EVERY else 0

        found = await self._store.read(overdue)
        if not found:
            await self._store.move(lambda c: store.add_mark(c, at=now))
            found = await self._store.read(overdue)
        return found

    async def _extend(self, path: Path) -> Code | None:
        """Bring one file up to date; the code of what stopped that."""
        try:
            end = self._ends.pop(path, None) or await self._find_end(path)
            while rows := await self._store.read(partial(store.after, n=end.n, limit=AT_ONCE)):
                end = await asyncio.to_thread(self._append, path, end, entries_of(self._keys, rows))
            self._ends[path] = end
        except GatewayError as error:
            return error.code
        except OSError:
            return Code.DISK
        return None

    async def _find_end(self, path: Path) -> _End:
        """The end of a file, whose last line is one of this database. Raises GatewayError, OSError."""
        if not path.exists():
            return _End(n=0, mac=FIRST)
        lines = await asyncio.to_thread(read_ledger, self._keys, path)
        if not lines:
            return _End(n=0, mac=FIRST)
        last = lines[-1]
        held = await self._store.read(lambda c: store.after(c, last.entry.n - 1, 1))
        if [last.entry] != entries_of(self._keys, held):
            raise RefusedError(Code.CONFLICT, "the ledger is of another course of this database")
        return _End(n=last.entry.n, mac=last.mac)

    def _append(self, path: Path, end: _End, entries: Sequence[Entry]) -> _End:
        mac, written = end.mac, bytearray()
        for entry in entries:
            (mac,) = keyed(self._keys, [chained(mac, entry)])
            written += entry.line(mac)
        append(path, bytes(written), anew=end.n == 0)
        return _End(n=entries[-1].n, mac=mac)

    async def _tell(self, codes: Sequence[Code]) -> None:
        now = self._clock.now()

        def move(connection: Connection) -> None:
            if codes:
                journal.raise_alarm(connection, at=now, kind="ledger.unwritable")
            else:
                journal.close_alarms(connection, "ledger.unwritable", at=now)

        await self._store.move(move)
        self._failing = bool(codes)
        if codes:
            logger().warning("ledger.postponed", code=str(codes[0]))


def append(path: Path, data: bytes, *, anew: bool) -> None:
    """Put whole lines at the end of a file and onto the disk. A file that has no line yet begins `anew`.

    Raises OSError; what was written of a line is found and taken away at the next try.
    """
    created = not path.exists()
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.ftruncate(handle, 0 if anew else _whole(handle))
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
    finally:
        os.close(handle)
    if created:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _whole(handle: int) -> int:
    """Bytes of the whole lines; what a crash left of one stands behind them, and is shorter than a line can be."""
    size = os.fstat(handle).st_size
    tail = os.pread(handle, LINE_LIMIT, max(0, size - LINE_LIMIT))
    return size - (len(tail) - 1 - tail.rfind(b"\n"))


# --- at the start ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What the files knew: how many entries the database lacked, and the time of the last line of all, 0 for none."""

    entries: int
    until: int


async def take_in(database: Store, keys: Hasher, paths: Sequence[Path]) -> TakenIn:
    """Keep what a file knows and the database does not: of a database that was put back, in whatever way.

    A file that is damaged, or of another course, is no help; `LedgerWriter` tells a person.
    """
    count = until = 0
    for path in paths:
        end = await asyncio.to_thread(_peek, path)
        if end is None:
            continue
        held = await database.read(store.last)
        try:
            if held is None or end.entry.n > held.n:
                lines = await asyncio.to_thread(read_ledger, keys, path)
                entries = await database.read(partial(newer_than_stored, keys, lines=lines))
                await database.move(partial(store.add_read, entries=entries))
                count += len(entries)
        except RefusedError as error:
            logger().warning("ledger.not_read", code=str(error.code))
            continue
        until = max(until, end.entry.at)
    return TakenIn(entries=count, until=until)


def _peek(path: Path) -> Line | None:
    """The last whole line of a file, unproven; None where there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            if size > FILE_LIMIT:
                return None
            file.seek(max(0, size - 3 * LINE_LIMIT))
            lines = split(file.read())[0]
        return Line.parse(lines[-1]) if lines else None
    except (OSError, RemoteError):
        return None

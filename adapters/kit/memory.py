"""The file in which an adapter remembers: a small SQLite database, whole after a kill; and whose turn it is with it.

It is opened for each piece of work and closed after it, so nothing grows with what is remembered, and its state is one
file between two pieces. What was taken out is overwritten there (`secure_delete`). Before 0.2 an adapter remembered in
a file of JSON lines; where one still lies beside the database, it is taken over and removed.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from adapters.kit.files import PRIVATE, Folder, NotPlainError, TooLargeError, world
from adapters.kit.strict_json import LIMIT, read_json
from gateway.errors import Code, RefusedError, TransientError
from gateway.ports import Json
from gateway.strict_json import DEPTH

PATIENCE = 10.0
"""Seconds that a piece of work waits for that of another process."""
WHAT = "the adapter's journal"
_PAUSE = 0.05
_VERSION = 1
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


class Memory:
    """The database at `path`, under the suffix `.db` whatever its own. `schema` makes the tables; `take` brings one
    line of the file of before into them and raises ValueError for what is none.
    """

    def __init__(
        self,
        path: Path,
        *,
        schema: Sequence[str],
        take: Callable[[sqlite3.Connection, Json], None],
        line_limit: int = LIMIT,
        depth: int = DEPTH,
        mode: int = PRIVATE,
    ) -> None:
        self.path = path.with_suffix(".db")
        self._before = path.with_suffix(".jsonl") if path == self.path else path
        self._schema = schema
        self._take = take
        self._line_limit = line_limit
        self._depth = depth
        self._mode = mode

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """Work in one transaction, alone among all processes: it counts when the block has ended, and not if it raised.

        Raises OSError, NotPlainError for a link, TransientError(adapter_busy), RefusedError(adapter_refused) for a file
        that is damaged or of a later version.
        """
        with Folder(self.path.parent) as folder, _told():
            entry = folder.entry(self.path.name)
            if entry is None:
                folder.write(self.path.name, b"", self._mode)
            elif not entry.plain:
                raise NotPlainError
            address = f"file:{quote(str(self.path))}?mode=rw"
            with closing(sqlite3.connect(address, uri=True, isolation_level=None, timeout=PATIENCE)) as connection:
                for setting in ("journal_mode=DELETE", "synchronous=FULL", "secure_delete=ON", "trusted_schema=OFF"):
                    connection.execute(f"PRAGMA {setting}")
                connection.execute("BEGIN IMMEDIATE")
                try:
                    self._make_tables(connection)
                    taken = self._take_over(connection, folder)
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
            if taken:
                folder.remove(self._before.name)

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            what = f"{WHAT} was written by a later version"
            raise RefusedError(Code.ADAPTER_REFUSED, what, hint="run that version, or restore the file of this one")
        if version < _VERSION:
            for statement in self._schema:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={_VERSION}")

    def _take_over(self, connection: sqlite3.Connection, folder: Folder) -> bool:
        """Bring in the file of before, which is removed once this is on disk: after a kill it is taken over anew.

        What a kill left after its last newline was never acknowledged.
        """
        if not folder.has(self._before.name):
            return False
        for number, line in enumerate(folder.lines(self._before.name, self._line_limit), start=1):
            value, faults = read_json(line, limit=self._line_limit, depth=self._depth)
            try:
                self._take(connection, None if faults else value)
            except ValueError as exc:
                damaged = f"line {number} of {WHAT} is damaged"
                raise RefusedError(Code.ADAPTER_REFUSED, damaged, hint="restore the file from a backup") from exc
        return True


@contextmanager
def _told() -> Iterator[None]:
    """Translate what SQLite says; no text of ours repeats a path or a value."""
    try:
        yield
    except sqlite3.DatabaseError as exc:
        symbol = str(getattr(exc, "sqlite_errorname", "") or "")
        if symbol.startswith(_DAMAGED):
            raise RefusedError(Code.ADAPTER_REFUSED, f"{WHAT} is damaged", hint="restore it from a backup") from exc
        if not isinstance(exc, sqlite3.OperationalError):
            raise
        if symbol.startswith(_BUSY):
            raise _in_use() from exc
        hint = "look at the folder, its disk and its rights"
        raise TransientError(Code.ADAPTER_BUSY, f"{WHAT} cannot be used now ({symbol})", hint=hint) from exc


@contextmanager
def told_of_file() -> Iterator[None]:
    """Translate what the disk says of the file: later, or for a person where something else is in its place."""
    with world(WHAT):
        try:
            yield
        except (NotPlainError, TooLargeError) as exc:
            raise RefusedError(Code.ADAPTER_REFUSED, f"{WHAT} was replaced", hint="look at what is there now") from exc


class Turn:
    """Held by `async with` from the question whether something was done until the note that it was: two that ask at
    once would do it twice. The lock is on a file beside the journal, and the system frees it when a process ends.

    Raises TransientError(adapter_busy) after `PATIENCE` seconds.
    """

    def __init__(self, journal: Path) -> None:
        self._path = journal.with_suffix(".turn")
        self._own = asyncio.Lock()
        self._descriptor = -1

    async def __aenter__(self) -> None:
        await self._own.acquire()
        try:
            with told_of_file():
                flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
                self._descriptor = os.open(self._path, flags, 0o600)
                await self._wait()
        except BaseException:
            self._leave()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    async def _wait(self) -> None:
        end = asyncio.get_running_loop().time() + PATIENCE
        while True:
            try:
                return fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if asyncio.get_running_loop().time() >= end:
                    raise _in_use() from None
            await asyncio.sleep(_PAUSE)

    def _leave(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._own.release()


def _in_use() -> TransientError:
    what, hint = f"another process is at work with {WHAT}", "give each node a journal of its own"
    return TransientError(Code.ADAPTER_BUSY, what, hint=hint)

"""Opening the database: pragmas, the BEGIN IMMEDIATE recipe, migrations, the writer and the readers.

SQLite in its default mode loses updates silently, because a SELECT opens no transaction in the driver; the writer
therefore begins every transaction with BEGIN IMMEDIATE, and readers use a second engine with a plain BEGIN on a WAL
snapshot.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, func, inspect, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from gateway.database import tables
from gateway.database.meta import get_meta, set_meta
from gateway.database.migrations import HEAD
from gateway.database.prepared import driver_of
from gateway.database.table_fingerprint import (
    STORED,
    Tables,
    compute_fingerprint,
    describe_tables,
    differences,
    expected_tables,
)
from gateway.database.writer import Writer
from gateway.errors import Code, Finding, RefusedError, TransientError
from gateway.foundation.work_meter import metered
from gateway.foundation.workers import Threads

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741

READERS = 2
_BEGAN = "snapshot began"

SCHEMA_FAULT = re.compile(r"no such (table|column)|already exists|duplicate column")
"""Words of SQLite by which a step says that it met other tables than it was written for; all else is the disk's."""

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

    def __init__(self, path: Path) -> None:
        self.path = path
        self._write_engine = _engine(path, begin="BEGIN IMMEDIATE")
        with _disk():
            try:
                migrate(self._write_engine)
            except BaseException:
                self._write_engine.dispose()
                raise
        self._read_engine = _engine(path, begin="BEGIN")
        self.writer = Writer(self._write_engine)
        self._readers = Threads(READERS, "store-reader")
        self._reader = threading.local()
        self._open: list[Connection] = []
        self._lock = threading.Lock()
        with self._read_engine.connect() as connection:
            self._next = 1 + max(number or 0 for number in connection.execute(HIGHEST).one())

    def new_ref(self) -> int:
        """A fresh local number, in order of time; never used before in this database, lost when not written."""
        with self._lock:
            ref = self._next
            self._next += 1
            return ref

    async def move(self, move: Callable[[Connection], T]) -> T:
        """Run one move in a durable transaction (see `gateway.database.writer`).

        Raises:
            TransientError: disk; nothing of the move was written. So do the other two ways in.
        """
        with _disk():
            return await self.writer.move(move)

    async def move_together(self, batch: Callable[[Connection, Sequence[I]], Sequence[T]], item: I) -> T:
        """Run one item of a function that writes several at once (see `gateway.database.writer`)."""
        with _disk():
            return await self.writer.move_together(batch, item)

    def move_along(self, move: Callable[[Connection], T]) -> asyncio.Future[T]:
        """Run one move that nobody waits for and that a kill may undo (see `gateway.database.writer`)."""
        return self.writer.move_along(move)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run `query` on a consistent snapshot."""
        with _disk():
            return await self._readers.run(metered(partial(self._read, query)))

    def _read(self, query: Callable[[Connection], T]) -> T:
        connection = getattr(self._reader, "connection", None)
        if connection is None:
            connection = self._reader.connection = self._read_engine.connect()
            self._open.append(connection)
        driver = driver_of(connection)
        connection.info[_BEGAN] = time.monotonic()
        driver.execute("BEGIN")
        try:
            return query(connection)
        finally:
            if connection.in_transaction():  # a statement that is not prepared went through SQLAlchemy
                connection.rollback()
            driver.rollback()

    async def checkpoint(self, *, truncate: bool = False) -> None:
        """Move the write-ahead log into the database; `truncate` also empties the log file (after erasing)."""
        mode = "TRUNCATE" if truncate else "PASSIVE"

        def run() -> None:
            with closing(sqlite3.connect(self.path, timeout=5)) as connection:
                connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()

        with _disk():
            await asyncio.to_thread(run)

    def close(self) -> None:
        """Finish waiting moves and close every connection."""
        self.writer.close()
        self._readers.end()
        for connection in self._open:
            connection.close()
        self._read_engine.dispose()
        self._write_engine.dispose()


def began(connection: Connection) -> float:
    """When the snapshot that `Store.read` gave to a query began at the earliest, by `time.monotonic`; the beginning of
    time in a move.
    """
    found: float = connection.info.get(_BEGAN, 0.0)
    return found


@contextmanager
def _disk() -> Iterator[None]:
    """The one border at which a full, failing or read-only disk becomes an error of ours."""
    try:
        yield
    except (OperationalError, sqlite3.OperationalError) as exc:
        raise TransientError(
            Code.DISK, "the database cannot be used now; nothing was changed", hint="check free space and the disk"
        ) from exc


def _engine(path: Path, *, begin: str) -> Engine:
    engine = create_engine(
        f"sqlite+pysqlite:///{path}",
        poolclass=QueuePool,
        pool_size=READERS + 1,
        connect_args={"check_same_thread": False, "timeout": 5},
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=5000",
            "secure_delete=ON",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()

    @event.listens_for(engine, "begin")
    def begin_now(connection: Connection) -> None:
        driver = driver_of(connection)
        if not driver.in_transaction:  # a reader begins its own
            driver.execute(begin)

    return engine


def try_steps(path: Path) -> Tables:
    """Describe the tables that a database which no program has open would have after the next start. The steps are
    tried in memory on tables without rows; the file is only read.

    Raises:
        RefusedError: invalid, where a step does not fit; as `migrate`.
    """
    with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=5)) as stored:
        made = stored.execute(
            "select sql from sqlite_master where sql is not null and name not like 'sqlite_%' order by type = 'index'"
        ).fetchall()
        rows = stored.execute("select version_num from alembic_version").fetchall()
    engine = create_engine("sqlite+pysqlite://")
    try:
        with engine.connect() as connection, connection.begin():
            for (statement,) in made:
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql("insert into alembic_version values (?)", rows)
            if (before := revision(connection)) != HEAD:
                _run_steps(connection, before, whole=True)
            return describe_tables(connection)
    finally:
        engine.dispose()


def revision(connection: Connection) -> str | None:
    """The schema revision of the database, None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("select version_num from alembic_version"))
    return found


def migrate(engine: Engine) -> None:
    """Bring the database to the newest revision inside one transaction, and compare its tables with those that the
    queries are written for.

    Raises:
        RefusedError: invalid, for a revision or for tables that this program does not know; nothing was changed.
    """
    with engine.connect() as connection, connection.begin():
        before, found = revision(connection), describe_tables(connection)
        whole = _as_written(connection, found)
        if before != HEAD:
            _run_steps(connection, before, whole=whole)
            found = describe_tables(connection)
        if faults := differences(found, expected_tables()):
            raise _other_tables([Finding(place=place, rule=rule) for place, rule in faults], whole=whole)
        fingerprint = compute_fingerprint(found).encode()
        if get_meta(connection, STORED) != fingerprint:
            set_meta(connection, STORED, fingerprint)


def _as_written(connection: Connection, found: Tables) -> bool:
    """Whether the tables are those that a program left; a database of before fingerprints says nothing else."""
    stored = get_meta(connection, STORED) if f"table {tables.meta.name}" in found else None
    return stored in (None, compute_fingerprint(found).encode())


def _run_steps(connection: Connection, before: str | None, *, whole: bool) -> None:
    """Alembic is imported only when there is something to do: a node that is up to date does not carry it in memory."""
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "gateway.database:migrations")
    script = ScriptDirectory.from_config(config)
    if before is not None and before not in {step.revision for step in script.walk_revisions()}:
        raise _other_tables([Finding(place=f"revision {before}", rule="unknown")], whole=whole)
    context = MigrationContext.configure(connection, opts={"render_as_batch": True})
    try:
        for step in reversed(list(script.iterate_revisions(HEAD, before))):
            with Operations.context(context):
                step.module.upgrade()
            context.stamp(script, step.revision)
    except OperationalError as exc:
        if not SCHEMA_FAULT.search(str(exc.orig)):
            raise
        raise _other_tables([Finding(place=f"revision {before}", rule="different")], whole=whole) from exc


def _other_tables(faults: Sequence[Finding], *, whole: bool) -> RefusedError:
    what = "are those of another version of this program" if whole else "were changed since a program wrote them"
    remedy = "start the version that wrote the folder" if whole else "put the folder back from its backup"
    return RefusedError(
        Code.INVALID,
        f"the tables of this database {what}; nothing was started or changed",
        hint=f"{remedy}: docs/operations.md, The tables are not those of this version",
        findings=faults,
    )

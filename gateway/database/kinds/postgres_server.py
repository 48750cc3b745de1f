"""A database on a PostgreSQL server (PostgreSQL 15 to 18, psycopg 3)."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any, Self

import psycopg
from sqlalchemy import URL, Connection, Engine, ExceptionContext, NullPool, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from gateway.database.kinds.behind_pooler import (
    TransactionLock,
    refuse_options,
    refuse_pooled,
    set_for_transaction,
)
from gateway.database.kinds.copying import copy_rows
from gateway.database.kinds.database import READERS
from gateway.database.kinds.server_lock import ALONE, ALONE_HERE, SHARED, SHARED_HERE, take_lock
from gateway.database.kinds.several_workers import OneAfterAnother
from gateway.database.kinds.sqlite_file import SqliteFile
from gateway.database.migrating import stamp
from gateway.database.tables import metadata
from gateway.database.writing.leading import Alone, Entry
from gateway.errors import Code, RefusedError, TransientError
from gateway.foundation.config import DatabaseSection

CONNECT_SECONDS = 10
STATEMENT_SECONDS = 60
IDLE_SECONDS = 5
"""Seconds after which the server ends a transaction in which nothing happens: of a process that was stopped, or of a
machine that is gone, which would else hold the lock of those who write.
"""
LINE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
"""When a connection to a server counts as lost, in seconds and milliseconds of libpq: after some ten seconds without a
sign. The kernel alone would repeat itself for a quarter of an hour, and ever more seldom, also when the line is back.
"""
PATIENCE = 60.0
"""Seconds in which a server that was lost in a commit is asked what became of it."""
PAUSE = 0.5
COMMITTED, IN_PROGRESS = "committed", "in progress"
_STATUS = text("select pg_xact_status(cast(:number as xid8))")
_LOCK = "lock of this process"
_SETTINGS = {
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
    "TimeZone": "UTC",
    "client_encoding": "UTF8",
}
_HERE = frozenset({"127.0.0.1", "::1", "localhost", None, ""})

PRIMARY = {"target_session_attrs": "primary"}
"""Of several servers the one that takes writes: what led to it may still lead there when it is a standby."""
_AWAY = (
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.TransactionTimeout,
    psycopg.errors.ReadOnlySqlTransaction,
)
"""How the server tells that it ended a session because its transaction took too long, or that it takes no writes now:
no fault of the statement."""


class PostgresServer:
    """Implements `gateway.database.kinds.database.Database`.

    The connection that writes holds a lock: of one process alone, as the process that has a file of SQLite open is, or
    `shared` by the workers of a node, which keep out one that wants to be alone. A connection that was lost has lost
    the lock, and takes it again before it writes.

    Where a server is `pooled`, each transaction may be in another session: see `behind_pooler`.
    """

    hint = "look at the PostgreSQL server and the way to it; the node goes on by itself when it is back"

    @classmethod
    def at(cls, section: DatabaseSection, path: Path, *, shared: bool = False) -> Self:
        """The one that node.toml names. Raises RefusedError invalid."""
        try:
            url = make_url(section.url or "")
            return cls(
                url, path, ca=section.ca_file, password=section.password_file, pooled=section.pooled, shared=shared
            )
        except ArgumentError:
            raise RefusedError(Code.INVALID, "the address of the database cannot be read") from None

    def __init__(
        self,
        url: URL,
        path: Path,
        *,
        ca: Path | None = None,
        password: Path | None = None,
        pooled: bool = False,
        shared: bool = False,
    ) -> None:
        """`url` names host, port, account and database; the password is in a file of its own. `shared` with other
        workers of the node.
        """
        self.url = url.set(drivername="postgresql+psycopg")
        self.path = path
        self.pooled = pooled
        self.faults: tuple[type[Exception], ...] = (OperationalError, psycopg.OperationalError, *_AWAY)
        self._ca = ca
        self._password = password
        self._shared = shared
        self._writing = ""
        """The number of the transaction that writes now or did last, as the server tells it."""

    def open_engine(self, *, writes: bool) -> Engine:
        """See `Database`."""
        engine = self._make_engine(
            poolclass=QueuePool,
            pool_size=1 if writes else READERS,
            max_overflow=0,
            isolation_level="READ COMMITTED" if writes else "REPEATABLE READ",
        )
        if self.pooled:
            event.listen(engine, "begin", self._set)
        else:
            event.listen(engine, "connect", refuse_pooled)
        if writes:  # in this order: a lock that a pooler leaves on a session of others is not taken at all
            event.listen(engine, "connect", self._own)
            event.listen(engine, "close", _let_go)
            event.listen(engine, "begin", self._begin)
        return engine

    def _make_engine(self, **options: Any) -> Engine:
        """An engine that reaches the server, with these options of SQLAlchemy."""
        engine = create_engine(self.url, connect_args=self._reached(), hide_parameters=True, **options)
        event.listen(engine, "handle_error", _tell_away, retval=True)
        if self._password is not None:
            event.listen(engine, "do_connect", self._with_password)
        event.listen(engine, "handle_error", refuse_options)
        return engine

    def _set(self, connection: Connection) -> None:
        """Begin a transaction behind a pooler: with the lock where there is one, and with what else a session has."""
        if (lock := connection.info.get(_LOCK)) is not None:
            lock.require()
        set_for_transaction(connection, _SETTINGS)

    def _begin(self, connection: Connection) -> None:
        cursor = connection.connection.cursor()
        cursor.execute("select pg_current_xact_id()::text")
        (self._writing,) = cursor.fetchone() or ("",)

    def was_committed(self, error: BaseException) -> bool:
        """See `Database`. Raises nothing: what is not known after `PATIENCE` counts as not committed, and whoever
        repeats it finds what was done.
        """
        if not isinstance(error, self.faults):
            return False
        engine = self._make_engine(poolclass=NullPool, isolation_level="AUTOCOMMIT")
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                with engine.connect() as connection:
                    status = connection.scalar(_STATUS, {"number": self._writing})
            except self.faults:
                status = IN_PROGRESS
            if status != IN_PROGRESS:
                return bool(status == COMMITTED)
            time.sleep(PAUSE)
        return False

    def entry(self) -> Entry:
        """See `Database`."""
        return OneAfterAnother() if self._shared else Alone()

    def begin_reading(self, connection: Connection) -> None:
        """See `Database`: the first statement begins it, which behind a pooler comes from here."""
        if self.pooled:
            connection.begin()

    def end_reading(self, connection: Connection) -> None:
        """See `Database`."""
        if connection.in_transaction():
            connection.rollback()
        self.leave(connection)

    def leave(self, connection: Connection) -> None:
        """See `Database`; one that the server has cut is opened anew at the next use."""
        if connection.invalidated:
            return
        driver = connection.connection.driver_connection
        try:
            if driver is not None and not driver.closed:
                driver.rollback()
                return
        except self.faults:
            pass
        connection.invalidate()

    def checkpoint(self, *, truncate: bool) -> None:
        """The server does so by itself."""

    def copy(self, target: Path) -> None:
        """See `Database`."""
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        reader, writer = self.open_engine(writes=False), SqliteFile(target).open_engine(writes=True)
        try:
            with reader.connect() as of, of.begin(), writer.connect() as into:
                with into.begin():
                    metadata.create_all(into)
                    stamp(into)
                    copy_rows(of, into, lambda _table, _rows: None)
                into.exec_driver_sql("pragma journal_mode=delete")
        except (SQLAlchemyError, psycopg.Error, sqlite3.Error) as exc:
            raise TransientError(
                Code.DISK, "the database cannot be copied; nothing was changed", hint=f"check free space; {self.hint}"
            ) from exc
        finally:
            reader.dispose()
            writer.dispose()

    def clear(self) -> None:
        """See `Database`."""
        engine = self.open_engine(writes=True)
        with engine.begin() as connection:
            metadata.drop_all(connection)
            connection.execute(text("drop table if exists alembic_version"))
        engine.dispose()

    def sizes(self, connection: Connection) -> tuple[int, int]:
        """See `Database`; the server looks after its own log."""
        return connection.scalar(text("select pg_database_size(current_database())")) or 0, 0

    def _tls(self) -> dict[str, str]:
        """A server on another machine is reached over TLS with its name verified, always."""
        if self.url.host in _HERE or str(self.url.query.get("host", "")).startswith("/"):
            return {}
        return {"sslmode": "verify-full", "sslrootcert": "system" if self._ca is None else str(self._ca)}

    def _own(self, connection: psycopg.Connection[Any], record: Any) -> None:
        """Take the lock for as long as the connection lives. Raises RefusedError locked."""
        if self.pooled:
            lock = SHARED_HERE if self._shared else ALONE_HERE
            record.info[_LOCK] = TransactionLock(lambda: psycopg.connect(**self._named()), lock)
        else:
            take_lock(connection, SHARED if self._shared else ALONE)
            connection.commit()

    async def connect(self) -> psycopg.AsyncConnection[tuple[object, ...]]:
        """A connection beside those of the engines, which commits each statement by itself."""
        return await psycopg.AsyncConnection.connect(autocommit=True, **self._named())

    def _named(self) -> dict[str, Any]:
        """Everything that psycopg needs to know, the password too."""
        named: dict[str, Any] = {
            **self.url.query,
            **self.url.translate_connect_args(username="user", database="dbname"),
            **self._reached(),
        }
        self._with_password(None, None, None, named)
        return named

    def _reached(self) -> dict[str, Any]:
        pooled = {"prepare_threshold": None}
        alone = {"options": " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())}
        return {
            "connect_timeout": CONNECT_SECONDS,
            **LINE,
            **PRIMARY,
            **(pooled if self.pooled else alone),
            **self._tls(),
        }

    def _with_password(self, _dialect: Any, _record: Any, _args: Any, named: dict[str, Any]) -> None:
        if self._password is not None:
            named["password"] = self._password.read_text(encoding="utf-8").removesuffix("\n")


def _tell_away(context: ExceptionContext) -> BaseException | None:
    """A process that stood still, or whose line was gone, finds its session ended by `IDLE_SECONDS`; a server
    whose disk is full may take no writes. For whoever asked it is the same as a server that was away.
    """
    error = context.original_exception
    if not isinstance(error, _AWAY):
        return None
    context.is_disconnect = True  # the next session may be one that goes on
    return OperationalError(context.statement, None, error, connection_invalidated=True)


def _let_go(_connection: Any, record: Any) -> None:
    """Release what was held besides a connection that is closed."""
    if (lock := record.info.pop(_LOCK, None)) is not None:
        lock.release()

"""A database that is one file of SQLite, which one process has open."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from gateway.database.kinds.database import READERS
from gateway.database.kinds.snapshot import snapshot
from gateway.database.writing.leading import Alone, Entry


class SqliteFile:
    """Implements `gateway.database.kinds.database.Database`.

    SQLite in its default mode loses updates silently, because a SELECT opens no transaction in the driver; the writer
    therefore begins every transaction with BEGIN IMMEDIATE, and readers use a second engine with a plain BEGIN on a WAL
    snapshot.
    """

    faults: tuple[type[Exception], ...] = (OperationalError, sqlite3.OperationalError)
    hint = "check free space and the disk"

    def __init__(self, path: Path) -> None:
        self.path = path

    def open_engine(self, *, writes: bool) -> Engine:
        """See `Database`."""
        engine = create_engine(
            f"sqlite+pysqlite:///{self.path}",
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
        def begin(connection: Connection) -> None:
            driver = _driver(connection)
            if not driver.in_transaction:  # a reader begins its own
                driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")

        return engine

    def entry(self) -> Entry:
        """See `Database`."""
        return Alone()

    def begin_reading(self, connection: Connection) -> None:
        """See `Database`."""
        _driver(connection).execute("BEGIN")

    def end_reading(self, connection: Connection) -> None:
        """See `Database`."""
        if connection.in_transaction():  # a statement that is not prepared went through SQLAlchemy
            connection.rollback()
        _driver(connection).rollback()

    def leave(self, connection: Connection) -> None:
        """A commit that failed leaves SQLite in its transaction, though SQLAlchemy counts it as ended."""
        driver = _driver(connection)
        if driver.in_transaction:
            driver.rollback()

    def was_committed(self, error: BaseException) -> bool:
        """A file answers itself."""
        return False

    def checkpoint(self, *, truncate: bool) -> None:
        """See `Database`."""
        mode = "TRUNCATE" if truncate else "PASSIVE"
        with closing(sqlite3.connect(self.path, timeout=5)) as connection:
            connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()

    def copy(self, target: Path) -> None:
        """See `Database`."""
        snapshot(self.path, target)

    def clear(self) -> None:
        """See `Database`."""
        self.path.unlink(missing_ok=True)

    def sizes(self, connection: Connection) -> tuple[int, int]:
        """See `Database`."""
        return _size(self.path), _size(self.path.with_name(f"{self.path.name}-wal"))


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _driver(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection, on which the transaction of `connection` is open."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError("the store is SQLite")
    return driver

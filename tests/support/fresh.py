"""Databases of nodes without the work that each of them begins with: in each process migrations run once, and what they
made is what every other new database begins as; a statement is compiled once for all of them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from sqlalchemy import Engine, create_engine

from gateway.database import engine
from gateway.database.kinds.sqlite_file import SqliteFile
from gateway.database.table_fingerprint import STORED

_plain = engine.migrate
_plain_engine = SqliteFile.open_engine
_first: list[Engine] = []


def engine_of(file: SqliteFile, *, writes: bool) -> Engine:
    """As the product's own, but that it knows what any engine of this process has compiled: SQLAlchemy keeps that by
    dialect, and each engine makes a dialect of its own.
    """
    made = _plain_engine(file, writes=writes)
    if _first:
        made.dialect, made._compiled_cache = _first[0].dialect, _first[0]._compiled_cache
    else:
        _first.append(made)
    return made


def migrate(found: Engine, *, new: bool = False) -> None:
    """As the product's own, which is asked about every database but those that are new, and those that say the same of
    themselves as one that it has just made.
    """
    if found.dialect.name != "sqlite":
        _plain(found, new=new)
        return
    with _driver(found) as driver:
        if not _tables(driver):
            _made().backup(driver)
        elif _tables(driver) != _tables(_made()) or _stamps(driver) != _stamps(_made()):
            _plain(found)


@cache
def _made() -> sqlite3.Connection:
    """An empty database, migrated, in memory; threads may copy it at the same time."""
    made = create_engine("sqlite://", connect_args={"check_same_thread": False})
    _plain(made)
    driver = made.raw_connection().driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.commit()
    return driver


def _tables(driver: sqlite3.Connection) -> list[Any]:
    """Every table and index, as it was written."""
    return driver.execute("select type, name, tbl_name, sql from sqlite_master order by type, name").fetchall()


def _stamps(driver: sqlite3.Connection) -> list[Any]:
    """The revision, and the fingerprint of the tables."""
    return [
        driver.execute("select version_num from alembic_version").fetchall(),
        driver.execute("select value from meta where key = ?", (STORED,)).fetchall(),
    ]


@contextmanager
def _driver(found: Engine) -> Iterator[sqlite3.Connection]:
    raw = found.raw_connection()
    try:
        driver = raw.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        yield driver
    finally:
        raw.close()

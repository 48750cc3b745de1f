"""Databases of nodes without the work that each of them begins with: in each process migrations run once, and what they
made is what every other new database is filled with; a statement is compiled once for all of them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sqlalchemy import Engine, create_engine, inspect

from gateway.database import engine

_plain = engine.migrate
_plain_engine = engine._engine
_first: list[Engine] = []


def engine_of(path: Path, *, begin: str) -> Engine:
    """As the product's own, but that it knows what any engine of this process has compiled: SQLAlchemy keeps that by
    dialect, and each engine makes a dialect of its own.
    """
    made = _plain_engine(path, begin=begin)
    if _first:
        made.dialect, made._compiled_cache = _first[0].dialect, _first[0]._compiled_cache
    else:
        _first.append(made)
    return made


def migrate(found: Engine) -> None:
    """As the product's own; a database that is not new is left to that."""
    with found.connect() as connection:
        new = not inspect(connection).get_table_names()
    if new:
        with _driver(found) as driver:
            driver.executescript(_whole())
    _plain(found)


@cache
def _whole() -> str:
    """All that a migrated database holds, as SQL."""
    made = create_engine("sqlite://")
    _plain(made)
    with _driver(made) as driver:
        told = "\n".join(driver.iterdump())
    made.dispose()
    return told


@contextmanager
def _driver(found: Engine) -> Iterator[sqlite3.Connection]:
    raw = found.raw_connection()
    try:
        driver = raw.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        yield driver
    finally:
        raw.close()

"""Steps of SQLite's own machine: what a query costs, with nothing timed."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine


def steps(engine: Engine, poll: Callable[[Connection], object], before: Callable[[Connection], object] = id) -> int:
    """How many steps one poll takes after `before`; what they write is given up."""
    count = itertools.count()
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        transaction = connection.begin()
        before(connection)
        poll(connection)  # statements are prepared
        driver.set_progress_handler(lambda: next(count) and None, 1)
        poll(connection)
        driver.set_progress_handler(None, 0)
        transaction.rollback()
    return next(count)

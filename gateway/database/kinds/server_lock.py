"""The lock that the processes of a node hold on its database on a server: one alone, or the workers together."""

from __future__ import annotations

import time
from typing import Any, Final

import psycopg

from gateway.errors import Code, RefusedError

OWNER: Final = 0x54524D
"""The key of the lock."""
LEAVING: Final = 2.0
"""Seconds in which a process that has just ended may still have the lock: the server has not noticed yet."""
ALONE: Final = "select pg_try_advisory_lock(%s)"
SHARED: Final = "select pg_try_advisory_lock_shared(%s)"
ALONE_HERE: Final = "select pg_try_advisory_xact_lock(%s)"
"""Held until the transaction ends, as the next; those before until the session does."""
SHARED_HERE: Final = "select pg_try_advisory_xact_lock_shared(%s)"


def take_lock(connection: psycopg.Connection[Any], lock: str) -> None:
    """Take the lock, in one of these four ways. Raises RefusedError locked."""
    end = time.monotonic() + LEAVING
    while True:
        (mine,) = connection.execute(lock, (OWNER,)).fetchone() or (False,)
        if mine:
            return
        if time.monotonic() > end:
            raise RefusedError(
                Code.LOCKED,
                "another process uses the database of this node; nothing was started or written",
                hint="stop it first; after a machine was lost it is free when the server has noticed",
            )
        time.sleep(LEAVING / 20)

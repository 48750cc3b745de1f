"""A PostgreSQL server behind a pooler, which may give each transaction of a connection another session of the server
(PgBouncer in transaction mode).

What belongs to a session is lost there without an error, so nothing is left to sessions: what is set is set for each
transaction, statements are not prepared, nobody listens for a NOTIFY, and the lock of the process is that of a
transaction which stays open beside the others and so keeps its session.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, ExceptionContext

from gateway.database.kinds.server_lock import take_lock
from gateway.errors import Code, RefusedError

_NO_OPTIONS: Final = "unsupported startup parameter"
"""Words of PgBouncer for a setting of the session that it does not pass on."""
_PATIENT: Final = "set local idle_in_transaction_session_timeout = 0"
"""Nothing ever happens in the transaction of the lock, and it holds back neither rows nor vacuum."""


class TransactionLock:
    """The lock of a process, held by a transaction of its own."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]], lock: str) -> None:
        """Take it. Raises RefusedError locked."""
        self._connect = connect
        self._lock = lock
        self._connection = self._take()

    def require(self) -> None:
        """Take the lock again where its transaction was lost, with the server or by the pooler.

        Raises:
            RefusedError: locked, where another process has taken it since.
        """
        try:
            self._connection.execute("select 1")
        except psycopg.Error:
            self.release()
            self._connection = self._take()

    def release(self) -> None:
        """Let others take it."""
        with suppress(psycopg.Error):
            self._connection.rollback()
        self._connection.close()

    def _take(self) -> psycopg.Connection[Any]:
        connection = self._connect()
        try:
            connection.execute(_PATIENT)
            take_lock(connection, self._lock)
        except BaseException:
            connection.close()
            raise
        return connection


def set_for_transaction(connection: Connection, settings: Mapping[str, str]) -> None:
    """Set what a session has elsewhere, as the first statement of a transaction."""
    calls = ", ".join("set_config(%s, %s, true)" for _ in settings)
    connection.connection.cursor().execute(
        f"select {calls}",
        [part for setting in settings.items() for part in setting],
    )


def has_pooler(connection: psycopg.Connection[Any]) -> bool:
    """Whether the session that answers is another one than greeted.

    A pooler greets before it has chosen a session of the server, so it makes up the number by which this connection
    could cancel its statements; a front that passes connections on, as HAProxy, does not. Comparing the sessions of two
    transactions proves nothing: a pooler with little to do gives the same one again.
    """
    (answers,) = connection.execute("select pg_backend_pid()").fetchone() or (None,)
    return bool(answers != connection.info.backend_pid)


def refuse_pooled(connection: psycopg.Connection[Any], _record: object) -> None:
    """Refuse a pooler that nobody has said is there. Raises RefusedError invalid."""
    found = has_pooler(connection)
    connection.rollback()
    if found:
        raise _pooler_found()


def refuse_options(context: ExceptionContext) -> None:
    """Refuse it by what it says of settings of a session that it does not pass on. Raises RefusedError invalid."""
    if _NO_OPTIONS in str(context.original_exception):
        raise _pooler_found()


def _pooler_found() -> RefusedError:
    return RefusedError(
        Code.INVALID,
        "a pooler stands before the PostgreSQL server, which changes sessions; nothing was started or changed",
        hint="name the server itself in database.url, or set [database] pooled = true: docs/database.md",
    )

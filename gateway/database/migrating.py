"""The steps of the tables: from the revision of a database to the newest, and the comparison of what it has then with
what the queries are written for.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import takewhile
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.exc import OperationalError

from gateway.database import tables
from gateway.database.kinds.postgres_checks import find_faults
from gateway.database.kinds.several_workers import prepare_for_workers
from gateway.database.meta import get_meta, set_meta
from gateway.database.migrations import HEAD
from gateway.database.revisions import Revisions, Step, UnknownRevisionError, revision, split_steps
from gateway.database.table_fingerprint import (
    STORED,
    Tables,
    compute_fingerprint,
    describe_tables,
    differences,
    expected_tables,
)
from gateway.errors import Code, Finding, RefusedError

STANDS_STILL: Final = 60
"""Seconds after which the server ends a step to other tables of a process that does nothing."""
SCHEMA_FAULT = re.compile(r"no such (table|column)|already exists|duplicate column")
"""Words of SQLite by which a step says that it met other tables than it was written for; all else is the disk's."""
OURS: Final = Revisions()
CHANGING: Final = 0x54524E
"""The key of the lock of a transaction that changes the tables of a server: workers that start at once take turns."""


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


def migrate(engine: Engine, *, new: bool = False, revisions: Revisions = OURS) -> None:
    """Bring the database to the newest revision inside one transaction, and compare its tables with those that the
    queries are written for. A file that is empty is filled; a database on a server only where it is `new`, and there
    the steps that take something away wait for `contract`.

    Raises:
        RefusedError: invalid, for a revision or for tables that this program does not know; exists or not_found, where
            a server holds a node already, or none; conflict, where a step waits behind one that takes something away.
            Nothing was changed.
    """
    with engine.connect() as connection, connection.begin():
        if engine.dialect.name == "sqlite":
            _migrate_file(connection)
        else:
            _migrate_server(connection, revisions, new=new)


def _migrate_file(connection: Connection) -> None:
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


def _migrate_server(connection: Connection, revisions: Revisions, *, new: bool) -> None:
    """As for a file. A server begins with the tables as they are now: it never had those of before."""
    _take_time(connection)
    if faults := [fault for fault in find_faults(connection) if fault.stops]:
        raise RefusedError(
            Code.INVALID,
            "the PostgreSQL server does not keep what a node must keep; nothing was started or changed",
            hint="trm doctor tells the same",
            findings=[Finding(place="database.url", rule=fault.what, hint=fault.hint) for fault in faults],
        )
    _change_alone(connection)
    before = revision(connection)
    waiting: Sequence[Step] = ()
    if new and inspect(connection).get_table_names():
        raise RefusedError(
            Code.EXISTS,
            "the database on the server has tables already; nothing was made",
            hint="name an empty database of its own",
        )
    if new:
        tables.metadata.create_all(connection)
        stamp(connection)
    elif before is None:
        raise RefusedError(
            Code.NOT_FOUND,
            "the database that node.toml names holds no node; nothing was started",
            hint="look at database.url; trm init and trm database move fill an empty one",
        )
    else:
        expanding, waiting = split_steps(_steps_after(revisions, before, whole=True))
        _apply(connection, revisions, before, expanding, whole=True)
    _compare_server(connection, more=bool(waiting))
    prepare_for_workers(connection)


def contract(connection: Connection, *, revisions: Revisions = OURS) -> Sequence[Step]:
    """Take the steps that wait on a server, in the transaction of the caller, who knows that no worker needs what they
    take away; returns them.

    Raises:
        RefusedError: invalid, for tables or a revision that this program does not know; nothing was changed.
    """
    _take_time(connection)
    _change_alone(connection)
    connection.execute(text("set local statement_timeout = 0"))  # a table may be large
    before = revision(connection)
    waiting = find_waiting(connection, revisions=revisions)
    _apply(connection, revisions, before, waiting, whole=True)
    if waiting and not _steps_after(revisions, waiting[-1].revision, whole=True):
        _compare_server(connection, more=False)
    return waiting


def find_waiting(connection: Connection, *, revisions: Revisions = OURS) -> Sequence[Step]:
    """Find the steps at which the tables of a server wait for a person: those that take something away, up to the next
    one that a start takes. Raises RefusedError invalid, for a revision that this program does not know.
    """
    steps = _steps_after(revisions, revision(connection), whole=True)
    return list(takewhile(lambda step: step.contracts, steps))


def _take_time(connection: Connection) -> None:
    # To compare tables takes seconds of this process on a machine that does other things, and the server waits for it.
    connection.execute(text(f"set local idle_in_transaction_session_timeout = '{STANDS_STILL}s'"))


def _change_alone(connection: Connection) -> None:
    connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": CHANGING})


def _compare_server(connection: Connection, *, more: bool) -> None:
    """Compare the tables of a server with those of this version; there may be `more` than it looks at as long as the
    steps that take it away wait.
    """
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    found = compare_metadata(MigrationContext.configure(connection), tables.metadata)
    if any(not (more and _is_more(one)) for one in found):
        raise _other_tables([Finding(place="tables", rule="different")], whole=False)


def _is_more(difference: Any) -> bool:
    """Whether the database has what this version does not look at, or takes an empty value where it writes none."""
    if isinstance(difference, tuple):
        return str(difference[0]).startswith("remove_")
    return all(one[0] == "modify_nullable" and one[-2] for one in difference)


def stamp(connection: Connection) -> None:
    """Say of tables that were made as they are now that they are at the newest revision."""
    connection.execute(text("create table alembic_version (version_num varchar(32) not null primary key)"))
    connection.execute(text("insert into alembic_version values (:head)"), {"head": HEAD})


def _as_written(connection: Connection, found: Tables) -> bool:
    """Whether the tables are those that a program left; a database of before fingerprints says nothing else."""
    stored = get_meta(connection, STORED) if f"table {tables.meta.name}" in found else None
    return stored in (None, compute_fingerprint(found).encode())


def _run_steps(connection: Connection, before: str | None, *, whole: bool) -> None:
    """Take every step that is left: nobody else has the database open."""
    revisions = Revisions()
    _apply(connection, revisions, before, _steps_after(revisions, before, whole=whole), whole=whole)


def _steps_after(revisions: Revisions, before: str | None, *, whole: bool) -> Sequence[Step]:
    try:
        return revisions.after(before)
    except UnknownRevisionError:
        raise _other_tables([Finding(place=f"revision {before}", rule="unknown")], whole=whole) from None


def _apply(
    connection: Connection, revisions: Revisions, before: str | None, steps: Sequence[Step], *, whole: bool
) -> None:
    try:
        revisions.apply(connection, steps)
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

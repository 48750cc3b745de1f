"""The steps of the tables: from the revision of a database to the newest, and the comparison of what it has then with
what the queries are written for.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.exc import OperationalError

from gateway.database import tables
from gateway.database.kinds.postgres_checks import find_faults
from gateway.database.kinds.several_workers import prepare_for_workers
from gateway.database.meta import get_meta, set_meta
from gateway.database.migrations import HEAD
from gateway.database.table_fingerprint import (
    STORED,
    Tables,
    compute_fingerprint,
    describe_tables,
    differences,
    expected_tables,
)
from gateway.errors import Code, Finding, RefusedError

SCHEMA_FAULT = re.compile(r"no such (table|column)|already exists|duplicate column")
"""Words of SQLite by which a step says that it met other tables than it was written for; all else is the disk's."""


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


def migrate(engine: Engine, *, new: bool = False) -> None:
    """Bring the database to the newest revision inside one transaction, and compare its tables with those that the
    queries are written for. A file that is empty is filled; a database on a server only where it is `new`.

    Raises:
        RefusedError: invalid, for a revision or for tables that this program does not know; exists or not_found, where
            a server holds a node already, or none. Nothing was changed.
    """
    with engine.connect() as connection, connection.begin():
        if engine.dialect.name == "sqlite":
            _migrate_file(connection)
        else:
            _migrate_server(connection, new=new)


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


def _migrate_server(connection: Connection, *, new: bool) -> None:
    """As for a file. A server begins with the tables as they are now: it never had those of before."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    if faults := [fault for fault in find_faults(connection) if fault.stops]:
        raise RefusedError(
            Code.INVALID,
            "the PostgreSQL server does not keep what a node must keep; nothing was started or changed",
            hint="trm doctor tells the same",
            findings=[Finding(place="database.url", rule=fault.what, hint=fault.hint) for fault in faults],
        )
    before = revision(connection)
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
    elif before != HEAD:
        _run_steps(connection, before, whole=True)
    if compare_metadata(MigrationContext.configure(connection), tables.metadata):
        raise _other_tables([Finding(place="tables", rule="different")], whole=False)
    prepare_for_workers(connection)


def stamp(connection: Connection) -> None:
    """Say of tables that were made as they are now that they are at the newest revision."""
    connection.execute(text("create table alembic_version (version_num varchar(32) not null primary key)"))
    connection.execute(text("insert into alembic_version values (:head)"), {"head": HEAD})


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

"""What `trm doctor` says of the database of a node."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from gateway.administration.doctor.folder import Check, ok, red, warn
from gateway.database.kinds.postgres_checks import find_faults
from gateway.database.migrating import find_waiting, try_steps
from gateway.database.migrations import HEAD
from gateway.database.opening import database_of
from gateway.database.revisions import revision
from gateway.database.table_fingerprint import differences, expected_tables
from gateway.errors import RefusedError
from gateway.foundation.config import Config, DatabaseSection
from gateway.foundation.node_folder import DATABASE


def check_database(folder: Path, config: Config | None, *, running: bool) -> Check:
    """That the database is whole and fits this version. The file of a running node is in use; a server is asked."""
    section = DatabaseSection() if config is None else config.database
    if running and section.url is None:
        return ok("database", "in use by the running node")
    return _file(folder) if section.url is None else _server(folder, section)


def _server(folder: Path, section: DatabaseSection) -> Check:
    """That the server answers, keeps what a node must keep, and has the tables of this version or of one before."""
    try:
        engine = database_of(folder, section).open_engine(writes=False)
        with engine.connect() as connection:
            faults, found = find_faults(connection), revision(connection)
            waiting = [] if found in {None, HEAD} else find_waiting(connection)
        engine.dispose()
    except RefusedError as error:
        return red("database", error.what, error.hint)
    except (SQLAlchemyError, OSError):
        return red("database", "the PostgreSQL server does not answer", "look at it, and at [database] of node.toml")
    if faults:
        return red("database", "; ".join(fault.what for fault in faults), "; ".join(fault.hint for fault in faults))
    if found is None:
        return red("database", "the database on the server holds no node", "look at database.url of node.toml")
    if waiting:
        return warn(
            "database",
            f"revision {found}: {len(waiting)} steps wait that take away what the version before needs",
            "when no worker of it is left: trm database contract",
        )
    if found != HEAD:
        return warn(
            "database", f"revision {found}, this version has {HEAD}", "it is brought up to date at the next start"
        )
    where = f"on a PostgreSQL server, at revision {HEAD}"
    if section.pooled:
        where += ", behind a pooler: no prepared statements, and workers look every second for what others changed"
    if section.archive_days is None:
        return warn(
            "database",
            f"{where}; nobody has said how long its archives and dumps keep what was erased",
            "find out, and set [database] archive_days, 0 for none: docs/database.md",
        )
    kept = f"archives and dumps are kept for {section.archive_days} days" if section.archive_days else "no archives"
    return ok("database", f"{where}; {kept}, as node.toml says")


def _file(folder: Path) -> Check:
    """That the database of a stopped node can be read, is whole, and has the tables of this version, or of one before
    that the next start brings up to date.
    """

    path = folder / DATABASE
    if not path.exists():
        return red("database", f"{DATABASE} is missing", "restore the node folder from its backup")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            whole = connection.execute("pragma quick_check").fetchone()[0]
            revision = connection.execute("select version_num from alembic_version").fetchone()[0]
    except (sqlite3.Error, TypeError):
        return red("database", f"{DATABASE} cannot be read", "restore the node folder from its backup")
    if whole != "ok":
        return red("database", f"{DATABASE} is damaged", "restore the node folder from its backup")
    try:
        faults = differences(try_steps(path), expected_tables())
    except RefusedError as error:
        faults = [(one.place, one.rule) for one in error.findings]
    if faults:
        return red(
            "database",
            "not the tables of this version: " + ", ".join(f"{place} {rule}" for place, rule in faults),
            "docs/operations.md, The tables are not those of this version",
        )
    if revision != HEAD:
        return warn(
            "database", f"revision {revision}, this version has {HEAD}", "it is brought up to date at the next start"
        )
    return ok("database", f"whole, at revision {HEAD}")

"""Which database a node folder has: the file in it, or the server that node.toml names."""

from __future__ import annotations

from pathlib import Path

from gateway.database.engine import Store
from gateway.database.kinds.database import Database
from gateway.database.kinds.sqlite_file import SqliteFile
from gateway.errors import Code, RefusedError
from gateway.foundation import config
from gateway.foundation.config import DatabaseSection
from gateway.foundation.node_folder import DATABASE


def database_of(folder: Path, section: DatabaseSection, *, shared: bool = False) -> Database:
    """The database of a node folder, `shared` with other workers where it is on a server; nothing is opened. Raises
    RefusedError: it cannot be reached by this program.
    """
    if section.url is None:
        return SqliteFile(folder / DATABASE)
    try:
        from gateway.database.kinds.postgres_server import PostgresServer  # only a node on PostgreSQL needs its driver
    except ImportError as exc:
        raise RefusedError(
            Code.INVALID, "the driver of PostgreSQL is not installed", hint="install trm-gateway[postgres]"
        ) from exc
    return PostgresServer.at(section, folder / DATABASE, shared=shared)


def open_store(folder: Path, *, shared: bool = False) -> Store:
    """Open the database of a node folder: nothing takes the place of one that is gone. `shared` is for a worker, which
    lets others in; everybody else wants to be alone. Raises RefusedError.
    """
    section, path = config.load(folder).database, folder / DATABASE
    if section.url is None and (not path.is_file() or not path.stat().st_size):
        raise RefusedError(
            Code.NOT_FOUND,
            f"{DATABASE} of this node folder is gone; nothing was started",
            hint="put the folder back from its backup with trm restore: docs/backup.md",
        )
    return Store(database_of(folder, section, shared=shared))

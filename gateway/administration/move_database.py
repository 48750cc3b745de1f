"""Moving the rows of a stopped node: from the file of its folder to a PostgreSQL server, from there to another, and
back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from gateway.administration.settings_file import write_section
from gateway.audit import store as audit_store
from gateway.database.engine import Store
from gateway.database.kinds.copying import copy_rows, count_rows
from gateway.database.opening import database_of, open_store
from gateway.errors import Code, RefusedError
from gateway.foundation import config
from gateway.foundation.config import DatabaseSection
from gateway.foundation.node_folder import DATABASE, lock_folder

MOVED = "node.db.moved"
"""What the file is called after its rows went to a server: a person removes it when the node runs there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedDatabase:
    """How many rows of each table were moved, and the root of the audit log, which is the same on both sides."""

    rows: Mapping[str, int]
    root: bytes


async def move_database(folder: Path, to: DatabaseSection, tell: Callable[[str, int], None]) -> MovedDatabase:
    """Copy all rows of the node in `folder` to the empty database `to`, compare both, and change node.toml. `tell` is
    told table and count as it goes.

    Raises:
        RefusedError: locked (the node runs), exists (there are tables already), invalid; the node is where it was.
        TransientError: disk; the node is where it was, and what was copied counts for nothing.
    """
    release = lock_folder(folder)
    try:
        before = config.load(folder).database
        if before == to:
            raise RefusedError(
                Code.CONFLICT, "the rows of this node are there already; nothing was moved", hint="name another place"
            )
        source = open_store(folder)
        try:
            moved = await _copy(folder, source, to, tell)
        finally:
            source.close()
        _settle(folder, before, to)
        return moved
    finally:
        release()


async def _copy(folder: Path, source: Store, to: DatabaseSection, tell: Callable[[str, int], None]) -> MovedDatabase:
    path, database = folder / DATABASE, database_of(folder, to)
    if to.url is None:
        if path.exists():
            raise RefusedError(
                Code.EXISTS, f"{DATABASE} is in the folder already; nothing was moved", hint="move it away first"
            )
        path.touch(mode=0o600)
    target = Store(database, new=True)
    try:
        try:
            rows = await target.move(lambda into: source.read_here(lambda of: copy_rows(of, into, tell)))
            here, there = await source.read(_described), await target.read(_described)
        finally:
            target.close()
        if here != there:
            raise RefusedError(
                Code.INVALID, "what was copied is not the same; the node stays where it was", hint="repeat it"
            )
    except BaseException:
        database.clear()
        raise
    return MovedDatabase(rows=rows, root=here[1])


def _described(connection: Connection) -> tuple[Mapping[str, int], bytes]:
    size = audit_store.size(connection)
    return count_rows(connection), audit_store.tree(connection, size).root()


def _settle(folder: Path, before: DatabaseSection, to: DatabaseSection) -> None:
    """Let node.toml name the new place; from then on the node is there."""
    name_database(folder, to)
    if before.url is None:
        (folder / DATABASE).rename(folder / MOVED)
        for suffix in ("-wal", "-shm"):
            (folder / f"{DATABASE}{suffix}").unlink(missing_ok=True)


def name_database(folder: Path, to: DatabaseSection) -> None:
    """Write into node.toml where the rows are. Raises TransientError disk; it is as it was."""
    write_section(
        folder,
        "database",
        {
            "url": to.url,
            "password_file": to.password_file,
            "ca_file": to.ca_file,
            "archive_days": to.archive_days,
            "pooled": to.pooled or None,
        },
    )

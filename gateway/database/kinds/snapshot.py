"""A consistent copy of the database while the node works, and the check of one that came back (nrm1 13.4).

The copy holds what the database holds: content as ciphertext only, and nothing of what was erased, since freed pages
are zeroed (`secure_delete`).
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.errors import Code, RefusedError, TransientError


def snapshot(source: Path, target: Path) -> None:
    """Copy the database into the new file `target`, mode 0600, as it is at one moment; writers are not held up.

    Raises:
        TransientError: disk; `target` may be there in part.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=5)) as read,
            closing(sqlite3.connect(target)) as write,
        ):
            read.execute("BEGIN")
            read.execute("SELECT count(*) FROM sqlite_master").fetchall()  # the moment that is copied
            read.backup(write)
            write.execute("PRAGMA journal_mode=DELETE").fetchall()
    except sqlite3.Error as exc:
        raise TransientError(
            Code.DISK, "the database cannot be copied; nothing was changed", hint="check free space and the disk"
        ) from exc


def check(path: Path) -> None:
    """Return if every page, index and constraint of a database is whole. Raises RefusedError(invalid)."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
            said = [row[0] for row in connection.execute("PRAGMA integrity_check(1)")]
            said += [str(row[0]) for row in connection.execute("PRAGMA foreign_key_check")]
    except sqlite3.Error as exc:
        raise RefusedError(Code.INVALID, "the database in the backup cannot be read") from exc
    if said != ["ok"]:
        raise RefusedError(Code.INVALID, "the database in the backup is damaged", hint="take an older backup")


def counts(path: Path) -> dict[str, int]:
    """How many messages, peers and audit entries a database holds: what a person recognises it by."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
        return {
            table: int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 (fixed names)
            for table in ("message", "peer", "audit")
        }

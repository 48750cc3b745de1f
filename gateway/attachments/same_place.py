"""Whether the folder of attachments of this machine is the one of the other workers of the node.

A folder of its own would do for one worker alone; the others would not find what came in there. A mark in the folder
and in the database tells one folder from another. It names the number of its own file on its disk, so a copy of the
folder is told from the folder. A bucket has an owner of its own (`gateway.attachments.bucket`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from gateway.database import meta
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError, TransientError

MARK: Final = ".workers"
PLACE: Final = "attachments_place"


async def require_same_folder(rows: Store, folder: Path, rand: Callable[[int], bytes], *, others: bool) -> None:
    """Return if the folder is that of the `others` at work; a worker alone makes its own the one that counts.

    Raises:
        RefusedError: conflict; nothing was started.
        TransientError: disk.
    """
    mark = folder / MARK
    place = await rows.read(lambda c: meta.get_meta(c, PLACE))
    if place is not None and place == _read(mark):
        return
    if others and place is not None:
        raise RefusedError(
            Code.CONFLICT,
            "the folder of attachments here is not the one of the other workers of this node; nothing was started",
            hint="name a bucket in [attachments] of every worker, or mount one folder on all of them: docs/workers.md",
        )
    made = _write(mark, rand(16).hex())

    def move(connection: Connection) -> None:
        meta.set_meta(connection, PLACE, made)

    await rows.move(move)


def _read(mark: Path) -> bytes | None:
    """Read what the mark says, None for none and for a copy of one."""
    with suppress(FileNotFoundError), mark.open("rb") as file:
        held = file.read(100)
        return held if held.endswith(_own_number(file.fileno())) else None
    return None


def _write(mark: Path, name: str) -> bytes:
    try:
        mark.unlink(missing_ok=True)
        with os.fdopen(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            made = name.encode() + _own_number(file.fileno())
            file.write(made)
            file.flush()
            os.fsync(file.fileno())
    except OSError as exc:
        raise TransientError(
            Code.DISK, "the folder of attachments cannot be written; nothing was started", hint="check the disk"
        ) from exc
    return made


def _own_number(descriptor: int) -> bytes:
    return f" {os.fstat(descriptor).st_ino}".encode()

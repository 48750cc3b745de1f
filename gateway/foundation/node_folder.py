"""The files of a node folder by name, and the lock by which one process owns it."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gateway.errors import Code, Finding, RefusedError

DATABASE: Final = "node.db"
KEYSTORE: Final = "keystore"
CHECKPOINT: Final = "checkpoint"
LEDGER: Final = "ledger"
POSITION: Final = "position"
TOKEN: Final = "api-token"  # noqa: S105 (the name of a file)
ROOT_FILES: Final = "root-files"
ATTACHMENTS: Final = "attachments"
GUIDANCE: Final = "guidance"
WEBHOOKS: Final = "webhooks"
RUN: Final = "run"
"""Folder of what exists only while a process owns the node: its lock and its socket."""
LOCK: Final = "lock"
SOCKET: Final = "api.sock"


def require_closed(folder: Path) -> None:
    """Refuse a node folder that every user of the machine can change: the folder itself, its settings, or what lies
    directly in it.

    Raises:
        RefusedError: invalid, with the command that mends it for each; nothing was started.
    """
    open_to_all = [
        Finding(place=path.name, rule="world_writable", hint=f"chmod o-w {path}")
        for path in (folder, *sorted(folder.iterdir()))
        if not path.is_symlink() and path.stat().st_mode & stat.S_IWOTH and not stat.S_ISSOCK(path.stat().st_mode)
    ]
    if open_to_all:
        raise RefusedError(
            Code.INVALID,
            "every user of this machine can change the node folder or its settings; nothing was started",
            hint="; ".join(finding.hint for finding in open_to_all),
            findings=open_to_all,
        )


def lock_folder(folder: Path) -> Callable[[], None]:
    """Take the folder for this process; the returned function gives it up.

    Raises:
        RefusedError: locked (another process owns the folder).
    """
    run = folder / RUN
    run.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(run / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        os.close(handle)
        raise RefusedError(
            Code.LOCKED, "another process owns this node folder", hint="stop it, or use the verbs while it runs"
        ) from exc
    return lambda: os.close(handle)

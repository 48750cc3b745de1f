"""One small file beside the database, written so that a crash leaves the old content or the new one, never a piece."""

from __future__ import annotations

import os
from pathlib import Path

from gateway.errors import Code, TransientError


def read_kept(path: Path, limit: int) -> bytes | None:
    """What is in the file, at most `limit` bytes and one more; None where there is no file."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except FileNotFoundError:
        return None


def write_kept(path: Path, data: bytes) -> None:
    """Put `data` in the place of the file: written aside, mode 0600, fsync, renamed, fsync of the folder.

    Raises:
        TransientError: disk; the old file is as it was.
    """
    aside = path.with_name(f".{path.name}.new")
    try:
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as exc:
        raise TransientError(
            Code.DISK,
            f"{path.name} cannot be written; the old one was left unchanged",
            hint="check free space and the disk",
        ) from exc

"""Files that are whole after a crash: written beside, synced, named; then the folder synced, which holds the name.

Every function raises OSError as it comes, so that its caller says what was left unchanged; ``report_fault`` makes it
an error of ours.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.errors import Code, TransientError


def temporary_of(path: Path) -> Path:
    """Return the one temporary name, so that a file that a crash left behind is overwritten, not kept."""
    return path.with_name(path.name + ".new")


def write_new(path: Path, data: bytes) -> None:
    """Write a file, mode 0600, that does not exist yet. Raises FileExistsError and leaves an existing one alone."""
    write_beside(path, data)
    try:
        os.link(temporary_of(path), path)  # unlike a rename, never replaces
    finally:
        temporary_of(path).unlink()
    sync_folder(path)


def write_beside(path: Path, data: bytes) -> None:
    """Write `data` under the temporary name of `path`, mode 0600, and sync it."""
    temporary = temporary_of(path)
    temporary.unlink(missing_ok=True)
    # Exclusive and without following links: nobody can have put a file or a link there to read the secrets.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def rename_over(path: Path) -> None:
    """Put what ``write_beside`` wrote in the place of `path`; durable only after ``sync_folder``."""
    temporary_of(path).replace(path)


def write_in_place(path: Path, data: bytes, offset: int) -> None:
    """Overwrite bytes of an existing file where they lie, and sync them."""
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.pwrite(descriptor, data, offset) != len(data):
            raise OSError(None, "the disk took only a part")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Sync the folder that `path` is in."""
    # The name is in the folder, not in the file: without this a power cut brings the old generation back.
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def report_fault(path: Path, what: str) -> Iterator[None]:
    """Turn an OSError inside into TransientError(unreachable): `path` cannot be used, or written, as `what` says."""
    try:
        yield
    except OSError as exc:
        raise TransientError(
            Code.UNREACHABLE,
            f"{path.name} cannot be {what}: {(exc.strerror or str(exc)).lower()}",
            hint="is the disk full, or the folder not this user's to write?",
        ) from exc

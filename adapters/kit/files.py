"""Files in folders that others write to as well.

A `Folder` holds an open directory, and every name is used relative to it and without following links: nobody can
swap the folder or a file for a link between a check and its use. A file is on disk whole, under its name, or absent.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from adapters.kit.names import numbered
from gateway.errors import Code, TransientError

PRIVATE = 0o600
_CHUNK = 1 << 20
_FEW = 2
"""Files that are synced one after the other; more are synced at once, so that the disk writes them in one go."""
_SYNCERS = 8
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})
"""How a disk says that a file has one name there, or no more names than these."""


class TooLargeError(Exception):
    """A file is larger than its reader allows. Caught by whoever chose the limit; never leaves an adapter."""


class NotPlainError(Exception):
    """A link, folder, pipe, device, or a file with a second name. Caught by whoever asked; never leaves an adapter."""


@contextmanager
def world(what: str) -> Iterator[None]:
    """Translate an OSError into TransientError(adapter_busy); the text has `what` and the error's symbol, no path."""
    try:
        yield
    except OSError as exc:
        symbol = errno.errorcode.get(exc.errno or 0, "unknown")
        hint = "look at the folder, its disk and its rights"
        raise TransientError(Code.ADAPTER_BUSY, f"{what} cannot be used now ({symbol})", hint=hint) from exc


def read_plain(path: Path, limit: int) -> bytes:
    """Read the bytes of a configured file; links are followed, for an administrator may have made one.

    Raises OSError, NotPlainError for a pipe, folder or device, TooLargeError for more than `limit` bytes.
    """
    return _drain(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), limit, links=True)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte and wait until they are on disk."""
    _write(descriptor, data)
    os.fsync(descriptor)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_each(descriptors: Sequence[int]) -> None:
    """Wait until all of these files are on disk; raises what the first failing one raised."""
    if len(descriptors) <= _FEW:
        for descriptor in descriptors:
            os.fsync(descriptor)
        return
    with ThreadPoolExecutor(min(_SYNCERS, len(descriptors)), thread_name_prefix="sync") as pool:
        list(pool.map(os.fsync, descriptors))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a directory says about one name, without following links."""

    name: str
    plain: bool
    size: int
    inode: int
    changed: int


class Folder:
    """An open directory. Use as a context manager; methods raise OSError as the system gives it."""

    __slots__ = ("_fd",)

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *exc: object) -> None:
        os.close(self._fd)

    def mode(self) -> int:
        """Return the permission bits of the directory itself."""
        return stat.S_IMODE(os.fstat(self._fd).st_mode)

    def device(self) -> int:
        """Return the disk it lies on; a rename works on one disk only."""
        return os.fstat(self._fd).st_dev

    def names(self) -> list[str]:
        """Return every name in the directory, sorted; undecodable bytes come as surrogates and are never plain."""
        return sorted(os.listdir(self._fd))  # noqa: PTH208 (a path has no descriptor)

    def entry(self, name: str) -> Entry | None:
        """Look up `name`; None if there is nothing. A file with a second name (hard link) is not plain: its owner is
        unclear.
        """
        try:
            found = os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return None
        plain = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
        return Entry(name=name, plain=plain, size=found.st_size, inode=found.st_ino, changed=found.st_mtime_ns)

    def has(self, name: str) -> bool:
        """Whether anything has this name."""
        return self.entry(name) is not None

    def read(self, name: str, limit: int, *, shared: bool = False) -> bytes:
        """Read a plain file; raises NotPlainError, TooLargeError. With `shared` a file may have several names, as
        `share` writes.
        """
        return _drain(self.open(name), limit, links=shared)

    def open(self, name: str) -> int:
        """Open a file for reading, of which nothing is known yet; raises NotPlainError for a link or a pipe."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            return os.open(name, flags, dir_fd=self._fd)
        except OSError as exc:
            if exc.errno in {errno.ELOOP, errno.ENXIO}:
                raise NotPlainError from exc
            raise

    def lines(self, name: str, limit: int) -> Iterator[bytes]:
        """Yield the whole lines of a plain file, without their newlines; what stands after the last newline is none.

        Raises NotPlainError, TooLargeError for a line of more than `limit` bytes.
        """
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self._fd)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise NotPlainError
            while line := file.readline(limit + 1):
                if not line.endswith(b"\n"):
                    if len(line) > limit:
                        raise TooLargeError
                    return
                yield line[:-1]

    def stage(self, part: str, data: bytes, mode: int = PRIVATE) -> None:
        """Write a whole new file `part`, durably; an older one is replaced."""
        self.stage_all({part: data}, mode)

    def stage_all(self, files: Mapping[str, bytes], mode: int = PRIVATE) -> None:
        """Write several files like `stage`; their names become durable together."""
        if files:
            self._fill(files, mode)
            self.sync()

    def _fill(self, files: Mapping[str, bytes], mode: int) -> None:
        """Write new files whose content is durable under names that are not durable yet."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptors: list[int] = []
        try:
            for part, data in files.items():
                self.remove(part)
                descriptors.append(os.open(part, flags, mode, dir_fd=self._fd))
                os.fchmod(descriptors[-1], mode)
                _write(descriptors[-1], data)
            _sync_each(descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def write(self, name: str, data: bytes, mode: int = PRIVATE) -> None:
        """Replace `name` by a whole new file in one step: hidden file, fsync, rename, fsync of the directory."""
        part = f".{name}.part"
        self.stage(part, data, mode)
        self.rename_all({part: name})

    def share(self, names: Sequence[str], data: bytes, mode: int = PRIVATE) -> None:
        """Write one whole new file under several new names, durable together; after a kill some exist, the first one
        last.

        It is written and synced once, whatever the number of names. Where a disk knows no second name of a file, each
        name gets a file of its own.
        """
        first, *others = names
        part = f".{first}.part"
        self._fill({part: data}, mode)
        for name in others:
            try:
                os.link(part, name, src_dir_fd=self._fd, dst_dir_fd=self._fd, follow_symlinks=False)
            except OSError as exc:
                if exc.errno not in _NO_LINKS:
                    raise
                self.write(name, data, mode)
        self.rename_all({part: first})

    def rename_all(self, names: Mapping[str, str]) -> None:
        """Rename within the directory, in order, durable together. Replaces what is there."""
        for name, new in names.items():
            os.rename(name, new, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        if names:
            self.sync()

    def grow(self, name: str, data: bytes) -> None:
        """Append to a file that is there; durable when `sync_file` has returned."""
        descriptor = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._fd)
        try:
            _write(descriptor, data)
        finally:
            os.close(descriptor)

    def sync_file(self, name: str) -> None:
        """Make what a file holds durable."""
        descriptor = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._fd)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def move(self, name: str, target: Folder, new: str) -> None:
        """Rename across directories of one disk, durable on both sides. Replaces what is there: ask `has` before."""
        os.rename(name, new, src_dir_fd=self._fd, dst_dir_fd=target._fd)
        target.sync()
        if target is not self:
            self.sync()

    def remove(self, name: str) -> None:
        """Remove `name` if it is there; durable."""
        try:
            os.unlink(name, dir_fd=self._fd)
        except FileNotFoundError:
            return
        self.sync()

    def sync(self) -> None:
        """Make the directory's own changes durable."""
        os.fsync(self._fd)


def free_name(folder: Folder, name: str, taken: Collection[str] = ()) -> str:
    """Return the first of `name` and its numbered forms that nothing in the folder has and that is not `taken`."""
    forms = (numbered(name, number) for number in count(1))
    return next(form for form in forms if form not in taken and not folder.has(form))


def _drain(descriptor: int, limit: int, *, links: bool) -> bytes:
    """Read a descriptor to its end and close it; more than `limit` bytes is TooLargeError."""
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or not (links or found.st_nlink == 1):
            raise NotPlainError
        if found.st_size > limit:
            raise TooLargeError
        data = bytearray()
        while chunk := os.read(descriptor, _CHUNK):
            data += chunk
            if len(data) > limit:
                raise TooLargeError
        return bytes(data)
    finally:
        os.close(descriptor)

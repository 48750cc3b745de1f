"""Attachments on disk, behind `gateway.ports.Files`: one folder, one file for each part, ciphertext only.

The names are random and the node's own. Pieces are made durable together, by who brought them; a kill may leave more at
the end of a file than was told, and the next piece is put over it. What is here says nothing about a case: how long a
part is, and when it came.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from gateway.errors import Code, TransientError

T = TypeVar("T")

THREADS = 2
"""One that writes or reads, one that waits for the disk; each keeps some MiB of the pieces that went through it."""

_NAME = re.compile(r"[0-9a-f]{32}")
_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC


class FileFolder:
    """The files of one node. Made with the folder, which is private to this user."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self._fresh: set[str] = set()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="files")

    async def put(self, name: str, at: int, data: bytes) -> None:
        """See `gateway.ports.Files`, as for all that follow."""
        await self._work(self._put, name, at, data)

    async def sync(self, name: str) -> None:
        """Wait for the disk, and for the name where it is a new one."""
        await self._work(self._make_durable, name)

    async def get(self, name: str, at: int, most: int) -> bytes:
        """Bytes from `at` on."""
        return await self._work(self._get, name, at, most)

    async def size(self, name: str) -> int:
        """Measure how long it is."""
        return await self._work(self._size, name)

    async def erase(self, names: Sequence[str]) -> None:
        """Take them away."""
        await self._work(self._erase, names)

    async def names(self) -> Sequence[str]:
        """All there are."""
        return await self._work(self._names)

    async def free(self) -> int:
        """Measure what the disk has left for this user."""
        return await self._work(self._free)

    async def _work(self, work: Callable[..., T], *arguments: object) -> T:
        with _disk():
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    def _put(self, name: str, at: int, data: bytes) -> None:
        if at == 0:
            self._fresh.add(name)
        with _opened(self._path(name), os.O_WRONLY | os.O_CREAT) as descriptor:
            if (size := os.fstat(descriptor).st_size) < at:
                raise RuntimeError("a piece would leave a hole before it")
            if size > at:
                os.ftruncate(descriptor, at)
            view = memoryview(data)
            while view:
                written = os.pwrite(descriptor, view, at)
                view, at = view[written:], at + written

    def _make_durable(self, name: str) -> None:
        with _opened(self._path(name), os.O_WRONLY) as descriptor:
            os.fdatasync(descriptor)
        if name in self._fresh:
            self._sync()
            self._fresh.discard(name)

    def _get(self, name: str, at: int, most: int) -> bytes:
        try:
            with _opened(self._path(name), os.O_RDONLY) as descriptor:
                return os.pread(descriptor, most, at)
        except FileNotFoundError:
            return b""

    def _size(self, name: str) -> int:
        try:
            return self._path(name).lstat().st_size
        except FileNotFoundError:
            return 0

    def _erase(self, names: Sequence[str]) -> None:
        for name in names:
            self._path(name).unlink(missing_ok=True)
            self._fresh.discard(name)
        if names:
            self._sync()

    def _names(self) -> list[str]:
        return sorted(path.name for path in self._folder.iterdir() if _NAME.fullmatch(path.name))

    def _free(self) -> int:
        found = os.statvfs(self._folder)
        return found.f_bavail * found.f_frsize

    def _path(self, name: str) -> Path:
        if _NAME.fullmatch(name) is None:
            raise RuntimeError("not a name of ours")
        return self._folder / name

    def _sync(self) -> None:
        with _opened(self._folder, os.O_RDONLY | os.O_DIRECTORY) as descriptor:
            os.fsync(descriptor)


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags | _FLAGS, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _disk() -> Iterator[None]:
    """The one border at which a full or failing disk becomes an error of ours; the text has no path."""
    try:
        yield
    except OSError as exc:
        symbol = errno.errorcode.get(exc.errno or 0, "unknown")
        raise TransientError(
            Code.DISK, f"the folder of attachments cannot be used now ({symbol})", hint="check free space and the disk"
        ) from exc

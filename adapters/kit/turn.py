"""One piece of work of an adapter after the other, over all processes that use its journal."""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path
from types import TracebackType

from adapters.kit.memory import PATIENCE, WHAT, told_of_file
from gateway.errors import Code, TransientError

_PAUSE = 0.05


class Turn:
    """Held by `async with` from the question whether something was done until the note that it was: two that ask at
    once would do it twice. The lock is on a file beside the journal, and the system frees it when a process ends.

    Raises TransientError(adapter_busy) after `PATIENCE` seconds.
    """

    def __init__(self, journal: Path) -> None:
        self._path = journal.with_suffix(".turn")
        self._own = asyncio.Lock()
        self._descriptor = -1

    async def __aenter__(self) -> None:
        await self._own.acquire()
        try:
            with told_of_file():
                flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
                self._descriptor = os.open(self._path, flags, 0o600)
                await self._wait()
        except BaseException:
            self._leave()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    async def _wait(self) -> None:
        end = asyncio.get_running_loop().time() + PATIENCE
        while True:
            try:
                return fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if asyncio.get_running_loop().time() >= end:
                    what, hint = f"another process is at work with {WHAT}", "give each node a journal of its own"
                    raise TransientError(Code.ADAPTER_BUSY, what, hint=hint) from None
            await asyncio.sleep(_PAUSE)

    def _leave(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._own.release()

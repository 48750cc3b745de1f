"""Nodes without threads: what they give to worker, reader and writer threads is done by the event loop, one piece after
the other. Whoever gives work away waits as before, and others go on meanwhile; but no thread waits for another one,
which costs more than the work, and what comes first is the same each time.

Whether threads get on with each other is asked of nodes that serve (`support.pair`, `support.nodeproc`).
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from queue import Empty, SimpleQueue
from typing import Any

import pytest
from sqlalchemy import Engine

from gateway.database import engine
from gateway.database.kinds.database import Database
from gateway.database.writing.writer import Writer


class OneThreadLoop(asyncio.SelectorEventLoop):
    """A loop that does itself what is meant for other threads."""

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """Do it when everybody who is ready had a turn."""
        return self.create_task(_do(func, args))

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Nobody has to wake the thread that says this."""
        here = threading.get_ident() == getattr(self, "_thread_id", None)
        return (self.call_soon if here else super().call_soon_threadsafe)(callback, *args, context=context)


async def _do(func: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    return func(*args)


class _Line:
    """In the place of a writer's queue: whatever comes in one turn of the loop is written together after it."""

    def __init__(self, write: Callable[[], None]) -> None:
        self._write = write
        self._waiting: deque[Any] = deque()

    def put(self, item: Any) -> None:
        """Add it to what waits."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._write)
        self._waiting.append(item)

    def get_nowait(self) -> Any:
        """What waits longest. Raises queue.Empty."""
        if not self._waiting:
            raise Empty
        return self._waiting.popleft()

    get = get_nowait


class LoopWriter(Writer):
    """A writer without a thread of its own."""

    def __init__(self, engine: Engine, database: Database) -> None:
        self._database = database
        self.entry = database.entry()
        self._queue: Any = _Line(self._write)
        self._along = SimpleQueue()
        self._connection = engine.connect()
        self._closed = False
        self.groups = self.moves = 0

    def _write(self) -> None:
        while group := self._next_group()[0]:
            self._commit_group(self._connection, group)

    def close(self) -> None:
        """Write what waits, then stop."""
        if not self._closed:
            self._closed = True
            self._write()
            self._connection.close()


@contextmanager
def written_by_the_loop() -> Iterator[None]:
    """For so long stores are opened that a `OneThreadLoop` writes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "Writer", LoopWriter)
        yield

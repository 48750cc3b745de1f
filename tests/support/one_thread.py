"""Nodes without threads: what they give to worker, reader and writer threads is done by the event loop, one piece after
the other. Whoever gives work away waits as before, and others go on meanwhile; but no thread waits for another one,
which costs more than the work, and what comes first is the same each time. Where all wait for a time, it has come.

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
from selectors import SelectorKey, SelectSelector
from typing import Any

import pytest
from sqlalchemy import Engine

from gateway.composition.node import Node
from gateway.database import engine
from gateway.database.kinds.database import Database
from gateway.database.writing.writer import Writer
from gateway.foundation import workers
from gateway.foundation.work_meter import WorkMeter
from gateway.foundation.workers import Threads


class _Skips(SelectSelector):
    """Waits for nobody, since nobody else is there: the time for which it would wait counts as over."""

    seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """Skip the time to the next timer. Raises AssertionError where there is none: nothing goes on any more."""
        assert timeout is not None, "everybody waits for somebody else"
        self.seconds += max(0.0, timeout)
        return []


class OneThreadLoop(asyncio.SelectorEventLoop):
    """A loop that does itself what is meant for other threads, and waits for nothing."""

    def __init__(self) -> None:
        self._skips = _Skips()
        super().__init__(self._skips)

    def time(self) -> float:
        """Seconds that have gone by, or were skipped."""
        return super().time() + self._skips.seconds

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

    def forget(self) -> None:
        """Lose what waits, as the process does that is killed."""
        self._queue, self._along = _Line(self._write), SimpleQueue()

    def _write(self) -> None:
        while group := self._next_group()[0]:
            self._commit_group(self._connection, group)

    def close(self) -> None:
        """Write what waits, then stop."""
        if not self._closed:
            self._closed = True
            self._write()
            self._connection.close()


def cut_off(node: Node) -> None:
    """From now on nothing of a node that is killed is written any more: what was to ride along with another write is
    lost, and the files beside the database stay as they are.
    """
    assert isinstance(node.store.writer, LoopWriter)
    node.store.writer.forget()
    for keeper, name in ((node.ledger, "write"), (node.position, "keep")):
        setattr(keeper, name, _write_nothing)


async def _write_nothing() -> None:
    """In the place of what an orderly end writes."""


class _Turns:
    """In the place of a queue of threads: the loop does what comes when everybody who is ready had a turn."""

    def put(self, item: tuple[Callable[[], Any], asyncio.Future[Any]]) -> None:
        """Do it soon."""
        asyncio.get_running_loop().call_soon(workers._run, *item)


class LoopThreads(Threads):
    """Threads that are none."""

    def __init__(self, count: int, name: str) -> None:
        self._queue: Any = _Turns()
        self._threads = []
        self._ended = False


@contextmanager
def done_by_the_loop() -> Iterator[None]:
    """For so long whatever is opened has no threads: a `OneThreadLoop` does everything, and waits for no thread. What a
    request takes of the processor is not counted: that is a question of the machine, and asking it takes a while.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "Writer", LoopWriter)
        for module in (engine, workers):
            patch.setattr(module, "Threads", LoopThreads)
        patch.setattr(WorkMeter.__init__, "__defaults__", (float,))
        yield

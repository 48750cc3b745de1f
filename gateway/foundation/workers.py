"""Threads for work that computes or reads for a while, so that the event loop goes on meanwhile.

An executor of the library has two futures for each piece of work, one of them with a lock and a condition, and looks
at both from both sides: some fifty calls for a move to a thread and back, of which a message makes twenty.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from gateway.foundation.work_meter import metered

T = TypeVar("T")
Item = TypeVar("Item")
WORKERS = 2
"""Threads for signing and sealing; these let others run meanwhile."""


class Threads:
    """So many threads that take work in the order in which it comes."""

    def __init__(self, count: int, name: str) -> None:
        self._queue: queue.SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}_{number}", daemon=True) for number in range(count)
        ]
        self._ended = False
        for thread in self._threads:
            thread.start()

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` in one of the threads and return or raise what it does. A caller who is cancelled before it began
        keeps it from beginning.
        """
        if self._ended:
            raise RuntimeError("the threads have ended")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put((work, future))
        return await future

    def end(self) -> None:
        """Wait for all that was handed over, and end the threads."""
        if not self._ended:
            self._ended = True
            for _ in self._threads:
                self._queue.put(None)
            for thread in self._threads:
                thread.join()

    def _work(self) -> None:
        while (handed_over := self._queue.get()) is not None:
            _run(*handed_over)
            del handed_over  # what it holds goes when it is done, and not when the next comes


class Workers:
    """The worker threads of one node."""

    def __init__(self) -> None:
        self._threads = Threads(WORKERS, "crypto")

    async def off_loop(self, work: Callable[[], T]) -> T:
        """Run work that computes for a while (signing, sealing) in a worker thread."""
        return await self._threads.run(metered(work))

    async def off_loop_each(self, work: Callable[[Item], T], items: Sequence[Item]) -> list[T]:
        """Run work for each of `items`, in one piece per thread; results in order. Raises what the first failing item
        raised.
        """
        return await self.off_loop_pieces(partial(_each, work), items)

    async def off_loop_pieces(self, work: Callable[[Sequence[Item]], Sequence[T]], items: Sequence[Item]) -> list[T]:
        """Run `work`, which takes several items and answers for each of them, in one piece per thread."""
        share = -(-len(items) // WORKERS)
        pieces = [items[start : start + share] for start in range(0, len(items), share)] if items else []
        done = await asyncio.gather(*(self.off_loop(partial(work, piece)) for piece in pieces))
        return [result for piece in done for result in piece]

    def shutdown(self) -> None:
        """Wait for what runs and end the threads."""
        self._threads.end()


def _run(work: Callable[[], Any], future: asyncio.Future[Any]) -> None:
    if future.cancelled():
        return
    result: Any = None
    error: BaseException | None = None
    try:
        result = work()
    except BaseException as raised:  # noqa: BLE001 (it belongs to the one who waits for it)
        error = raised
    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        future.get_loop().call_soon_threadsafe(_settle, future, result, error)
    del result, error  # an error holds this frame


def _settle(future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def _each(work: Callable[[Item], T], items: Sequence[Item]) -> list[T]:
    return [work(item) for item in items]

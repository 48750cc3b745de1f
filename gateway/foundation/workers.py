"""Threads for work that computes for a while (signing, sealing), so that the event loop goes on meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from gateway.foundation.work_meter import metered

T = TypeVar("T")
Item = TypeVar("Item")
WORKERS = 2
"""Threads for signing and sealing; these let others run meanwhile."""


class Workers:
    """The worker threads of one node."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="crypto")

    async def off_loop(self, work: Callable[[], T]) -> T:
        """Run work that computes for a while (signing, sealing) in a worker thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, metered(work))

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
        self._pool.shutdown()


def _each(work: Callable[[Item], T], items: Sequence[Item]) -> list[T]:
    return [work(item) for item in items]

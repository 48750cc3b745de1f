"""Work that is done at once for everybody who waits for it: while one batch is under way the next one gathers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from gateway.errors import GatewayError

Item = TypeVar("Item")
R = TypeVar("R")
MOST = 64
"""Items of one batch."""
GATHER = 0.002
"""Seconds in which more may come before the first goes: together they cost little more than one."""
LONGEST_REST = 0.5
"""Seconds that anybody waits at most because the last batch took long."""


class Batcher(Generic[Item, R]):
    """Runs `work` for all items that wait, one batch at a time. It answers for each item in order; an item that is
    refused gets its own error and holds up no other. What `work` raises, all of its batch get. With ``rests`` the next
    batch begins after so many times what the last one took, and `LONGEST_REST` at most: what is asked for all the time
    takes a part of it at most, and who asks after one long batch does not wait for as long again.
    """

    def __init__(
        self, work: Callable[[Sequence[Item]], Awaitable[Sequence[R | GatewayError]]], *, rests: float = 0.0
    ) -> None:
        self._work = work
        self._rests = rests
        self._earliest = 0.0
        self._waiting: list[tuple[Item, asyncio.Future[R]]] = []
        self._running: asyncio.Task[None] | None = None

    async def do(self, item: Item) -> R:
        """The answer for one item; a caller who is cancelled does not stop the batch."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await future

    async def do_within(self, item: Item, seconds: float) -> bool:
        """Whether the work for one item was done within so many seconds; what takes longer goes on."""
        try:
            async with asyncio.timeout(seconds):
                await self.do(item)
        except TimeoutError:
            return False
        return True

    async def idle(self, most: float) -> None:
        """Until nothing is under way, and at most so many seconds."""
        if self._running is not None and not self._running.done():
            await asyncio.wait({self._running}, timeout=most)

    async def _run(self) -> None:
        await asyncio.sleep(GATHER)
        while self._waiting:
            await asyncio.sleep(max(0.0, self._earliest - time.monotonic()))
            began = time.monotonic()
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            futures = [future for _, future in batch]
            try:
                answers = await self._work([item for item, _ in batch])
            except asyncio.CancelledError:
                for future in futures:
                    future.cancel()
                raise
            except Exception as error:  # noqa: BLE001 (it belongs to those who wait)
                _settle(futures, [error] * len(futures))
            except BaseException as error:  # the process ends by it: nobody is left to wait for ever
                _settle(futures, [error] * len(futures))
                raise
            else:
                _settle(futures, answers)
            ended = time.monotonic()
            self._earliest = ended + min(LONGEST_REST, self._rests * (ended - began))


def _settle(futures: Sequence[asyncio.Future[R]], answers: Sequence[R | BaseException]) -> None:
    for future, answer in zip(futures, answers, strict=True):
        if future.done():
            continue
        if isinstance(answer, BaseException):
            future.set_exception(answer)
        else:
            future.set_result(answer)

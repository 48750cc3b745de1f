"""How much of the processor one request takes, wherever its pieces run: on the event loop and in threads.

A meter counts the time of the processor in the steps of a coroutine, so that what other requests do while it waits is
not counted. Whatever hands work to a thread meanwhile wraps it with `metered`. The key service has a process of its
own, which is not counted: it paces itself (nrm1 13.7).
"""

from __future__ import annotations

import time
import types
from collections.abc import Callable, Coroutine, Generator
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class WorkMeter:
    """Counts the work of one coroutine. ``processor`` is the time that the calling thread has worked, in seconds."""

    def __init__(self, processor: Callable[[], float] = time.thread_time) -> None:
        self._processor = processor
        self._pieces: list[float] = []

    @property
    def seconds(self) -> float:
        """Seconds of the processor so far."""
        return sum(self._pieces)

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` and count it; returns or raises what it does."""
        before = _METER.set(self)
        try:
            return await self._drive(work)
        finally:
            _METER.reset(before)

    @types.coroutine
    def _drive(self, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
        """Hand every step on to `work` (PEP 380), and look at the processor before and after."""
        failure: BaseException | None = None
        value: Any = None
        while True:
            step = partial(work.send, value) if failure is None else partial(work.throw, failure)
            try:
                waits_for = self.count(step)
            except StopIteration as end:
                result: T = end.value
                return result
            failure = value = None
            try:
                value = yield waits_for
            except BaseException as error:  # noqa: BLE001 (also a cancellation is thrown into the work, which ends by it)
                failure = error

    def count(self, piece: Callable[[], T]) -> T:
        """Run a piece of the work in this thread and count it."""
        begun = self._processor()
        try:
            return piece()
        finally:
            self._pieces.append(self._processor() - begun)


_METER: ContextVar[WorkMeter | None] = ContextVar("work_meter", default=None)


def metered(work: Callable[[], T]) -> Callable[[], T]:
    """Return `work` so that the request on whose behalf it runs in another thread is charged for it."""
    meter = _METER.get()
    return work if meter is None else lambda: meter.count(work)

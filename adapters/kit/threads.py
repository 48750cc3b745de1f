"""Blocking work off the event loop, one piece at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Lock
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(lock: Lock, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` in a thread while holding `lock`, and return what it returns.

    The lock is taken inside the thread: a cancelled caller leaves work running that cannot be stopped, and the next
    call must wait for it, not overtake it.
    """

    def guarded() -> T:
        with lock:
            return work(*args, **kwargs)

    return await asyncio.to_thread(guarded)

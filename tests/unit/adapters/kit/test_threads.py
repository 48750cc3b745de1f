"""Work in threads: one piece after the other, also when its caller went away."""

from __future__ import annotations

import asyncio
from threading import Lock

import pytest
from support.patience import PATIENCE

from adapters.kit.threads import in_thread


async def test_cancelled_work_is_not_overtaken() -> None:
    """Work whose caller went away finishes before the next piece begins."""
    lock, order, started, go = Lock(), [], asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow() -> None:
        loop.call_soon_threadsafe(started.set)
        asyncio.run_coroutine_threadsafe(go.wait(), loop).result(timeout=PATIENCE)
        order.append("first")

    task = asyncio.create_task(in_thread(lock, slow))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    second = asyncio.create_task(in_thread(lock, order.append, "second"))
    await asyncio.sleep(0)
    go.set()
    await second
    assert order == ["first", "second"]

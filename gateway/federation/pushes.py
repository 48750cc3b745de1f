"""Documents that were pushed and answered already, while they are judged (nrm1 9.4).

The answer says nothing of whom this node knows: it goes out before anybody has looked whose document it is. What is
lost here is lost to nobody, since nodes also pull, and whoever pushed asks what is held.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

from gateway.federation.endpoints import Endpoint

AT_ONCE: Final = 32
"""How many pushed documents are judged at once; a further one is let go."""
PATIENCE: Final = 2.0
"""Seconds for which a question about what is held waits for what was pushed before it."""


class PushedDocuments:
    """Judges pushed documents behind their answers. ``judge`` raises for one that proves nothing; ``told`` is called
    with that error, or with a fault of this node.
    """

    def __init__(
        self, judge: Callable[[Endpoint, bytes], Coroutine[Any, Any, None]], told: Callable[[Endpoint, Exception], None]
    ) -> None:
        self._judge = judge
        self._told = told
        self._under_way: set[asyncio.Task[None]] = set()

    def take(self, row: Endpoint, body: bytes) -> None:
        """Begin to judge a document; the caller answers meanwhile."""
        if len(self._under_way) < AT_ONCE:
            task = asyncio.create_task(self._judge(row, body), name="pushed")
            self._under_way.add(task)
            task.add_done_callback(partial(self._end, row))

    async def settled(self) -> None:
        """Wait until what was pushed so far is judged, but not for long."""
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=PATIENCE)

    async def close(self) -> None:
        """Let go of what is not judged yet."""
        under_way = set(self._under_way)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _end(self, row: Endpoint, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._told(row, error)

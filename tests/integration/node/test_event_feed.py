"""The event stream from a position, and from now on."""

from __future__ import annotations

import asyncio
from pathlib import Path

from support.pair import two_nodes

from gateway.database import journal


async def test_from_now_on_nothing_of_before_is_told(tmp_path: Path) -> None:
    """Whoever begins to listen hears what happens next; from the beginning all of it is told."""
    async with two_nodes(tmp_path) as (fr, _):
        await fr.submit("Tulpe")
        last = await fr.running.store.read(journal.last_event)
        hearing = asyncio.ensure_future(anext(aiter(fr.running.desk.events(None))))
        async with asyncio.timeout(30):
            while not hearing.done():  # it listens from some moment on, and hears one of these
                await fr.submit("Rose")
                await asyncio.wait({hearing}, timeout=0.1)
        assert last > 0 and all(seq > last for seq, _ in hearing.result())
        whole = await anext(aiter(fr.running.desk.events(0)))
        assert whole[0][0] <= last

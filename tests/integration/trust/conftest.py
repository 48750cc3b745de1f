"""Two nodes in one process: paired, or met and not yet trusted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from support.nodechild import SteeredClock
from support.pair import START, Two, make_party, two_nodes


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


@pytest_asyncio.fixture
async def met(tmp_path: Path) -> AsyncIterator[Two]:
    """Two serving nodes that have proposed each other; nobody has compared digits."""
    clock = SteeredClock(START)
    two = Two(await make_party(tmp_path, "FR", clock), await make_party(tmp_path, "AL", clock), clock)
    try:
        for party in two:
            await party.start()
        await two.fr.call("peer.add", chain=await two.al.call("node.pairing"), by="admin")
        await two.al.call("peer.add", chain=await two.fr.call("node.pairing"), by="admin")
        yield two
    finally:
        for party in two:
            await party.stop()

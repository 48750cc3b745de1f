"""A node with people, made once in a process; each test has a copy."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.authenticator import ORIGIN
from support.nodechild import CHEAP, SteeredClock
from support.pair import PASSPHRASE, START, make_party
from support.people import House

from gateway.app import open_node
from gateway.composition.doors import people_at


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A node that was made once and knows another country, which it does not trust yet."""
    base, clock = tmp_path_factory.mktemp("people"), SteeredClock(START)

    async def make() -> None:
        parties = [await make_party(base, name, clock) for name in ("AL", "FR")]
        opened = [await open_node(party.folder, PASSPHRASE, at_least=CHEAP, clock=clock) for party in parties]
        chain = (await opened[0][0].desk.call("node.pairing", {})).value
        await opened[1][0].desk.call("peer.add", {"chain": chain})
        for _, stack in opened:
            await stack.aclose()

    asyncio.run(make())
    yield base / "FR"


@pytest_asyncio.fixture
async def house(made: Path, tmp_path: Path) -> AsyncIterator[House]:
    """A copy of it, opened and not served."""
    folder, clock = tmp_path / "FR", SteeredClock(START)
    shutil.copytree(made, folder)
    node, stack = await open_node(folder, PASSPHRASE, at_least=CHEAP, clock=clock)
    async with stack:
        yield House(
            node,
            clock,
            people_at(node, ORIGIN),
        )

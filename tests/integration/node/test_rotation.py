"""A new storage epoch, though something on the disk is damaged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio
from sqlalchemy import Connection
from support.pair import Two, two_nodes


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


def up(two: Two) -> bool:
    """Whether both nodes still serve."""
    return all(party.serving is not None and not party.serving.done() for party in two)


def spoil(query: str) -> Callable[[Connection], Any]:
    """A move that damages the database."""
    return lambda c: c.exec_driver_sql(query)


async def test_damaged_key_does_not_stop_the_rotation(two: Two) -> None:
    """One wrapped key that does not open costs its own message, which a person is told: the epoch changes and the old
    key is destroyed.
    """
    damaged = await two.fr.submit("damaged")
    await two.fr.submit("whole")
    await two.until(lambda: len(two.al.notes()) == 2, seconds=30)
    node = two.fr.running
    await node.store.move(
        spoil("update datakey set wrapped = zeroblob(length(wrapped)) where ref = (select min(ref) from message)")
    )
    before = node.keys.epoch
    await two.fr.call("keys.rotate_epoch", by="admin")
    assert node.keys.epoch == before + 1
    assert not node.keys.old_epochs
    found = [(alarm["kind"], alarm["message"]) for alarm in (await two.fr.call("alarm.list"))["alarms"]]
    assert found == [("content.damaged", damaged)]
    assert (await two.fr.call("node.show"))["alarms"] == 1
    await two.fr.call("keys.rotate_epoch", by="admin")
    assert await two.fr.alarms() == ["content.damaged"]
    assert up(two)

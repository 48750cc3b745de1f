"""The answer to a request is lost, and what the peer says by itself comes before the request is repeated."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from integration.conversations.operations.test_conversations import arrived, requested, standing, state_is
from support.pair import Spoiler, Two, in_two_steps, two_nodes


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


async def test_both_sides_say_the_same_after_a_lost_answer(two: Two) -> None:
    """A later receipt includes the earlier ones, so the clock for the decision runs on both sides."""
    in_two_steps(two.al)
    wire = Spoiler(two.fr)
    wire.lose = 1
    id = await requested(two)
    await two.until(lambda: wire.lose == 0)
    wire.away = True
    await arrived(two, two.al, id)
    await two.until(lambda: state_is(two.fr, id, "awaiting_opening"), seconds=30)
    assert [receipt["status"] for receipt in (await two.fr.show(id))["receipts"]] == ["delivered"]
    here, there = await standing(two.fr), await standing(two.al)
    assert here["state"] == there["state"] == "delivered"
    assert all("decision" in [one["what"] for one in side["owed"]] for side in (here, there))

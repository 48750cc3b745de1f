"""Requests to one peer at a time: while the peer works on one that is not full, the next one goes (nrm1 12.19)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pytest_asyncio
from support.pair import Two, example, two_nodes

from gateway.database.engine import Store
from gateway.database.local_numbers import LocalNumbers
from gateway.delivery.outbound.in_flight import PARTIAL, OutboxPass
from gateway.foundation.ids import NodeId
from gateway.messages.store import messages
from keys.documents.envelope import MOST_ENVELOPES


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


class SlowWire:
    """Requests of messages that wait on their way until they are let through."""

    def __init__(self, two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[int] = []
        self.open = asyncio.Event()
        client = two.fr.running.client
        self._post = client.post_messages
        monkeypatch.setattr(client, "post_messages", self._wait)

    async def _wait(self, peer: Any, envelopes: Sequence[bytes]) -> Any:
        self.sent.append(len(envelopes))
        await self.open.wait()
        return await self._post(peer, envelopes)


async def delivered(two: Two, *ids: str) -> None:
    """Wait until the sender knows that all of them were delivered."""

    async def told() -> bool:
        return {await two.fr.state(id) for id in ids} == {"awaiting_opening"}

    await two.until(told, seconds=120)


async def test_two_partial_requests(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second goes at once; what gathers behind it goes together, when one of them is answered."""
    wire = SlowWire(two, monkeypatch)
    ids = []
    for number in range(PARTIAL):
        ids.append(await two.fr.submit(f"m-{number}"))
        await two.until(lambda sent=number + 1: len(wire.sent) == sent, seconds=5)
    ids += [await two.fr.submit(f"later-{number}") for number in range(3)]
    await two.calm()
    assert wire.sent == [1] * PARTIAL
    wire.open.set()
    await delivered(two, *ids)
    assert sum(wire.sent) == len(ids) and len(wire.sent) < len(ids)
    assert two.al.notes() == ["m-0", "m-1", "later-0", "later-1", "later-2"]


async def test_what_is_stored_late(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message with a lower number that is stored behind one with a higher, as another worker does, waits for no
    request that is under way; nothing goes twice.
    """
    wire, numbers = SlowWire(two, monkeypatch), two.fr.running.store.numbers
    early = [numbers.new() for _ in range(20)]
    first = await two.fr.submit("first")
    await two.until(lambda: wire.sent == [1], seconds=5)
    with monkeypatch.context() as patched:
        patched.setattr(numbers, "new", lambda: early.pop(0))
        second = await two.fr.submit("second")
    await two.until(lambda: wire.sent == [1, 1], seconds=5)
    wire.open.set()
    await delivered(two, first, second)
    assert wire.sent == [1, 1]


async def test_a_pass_forgets_what_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many wait behind it: each look reads as much as is on its way, and not as much as was ever sent."""
    waiting, asked = [*range(10_000, 10_500)], list[int]()

    def due(_: Any, _node: Any, after: int, most: int) -> list[int]:
        asked.append(most)
        return [ref for ref in waiting if ref > after][:most]

    async def read(query: Any) -> Any:
        return query(None)

    monkeypatch.setattr(messages, "due", due)
    needed = cast(Store, SimpleNamespace(numbers=LocalNumbers(0), read=read))  # of a store it needs these two
    outbox = OutboxPass(needed, NodeId("n"))
    sent: list[int] = []
    while refs := await outbox.find_next(late=True):
        outbox.take(refs)
        sent += refs
        waiting = [ref for ref in waiting if ref not in sent[:-MOST_ENVELOPES]]
    assert sent == [*range(10_000, 10_500)]
    assert max(asked) <= 3 * MOST_ENVELOPES


@pytest.mark.parametrize("answered", [True, False])
async def test_a_withdrawal_waits_for_one_round_trip(two: Two, monkeypatch: pytest.MonkeyPatch, answered: bool) -> None:
    """It goes behind the answer to what may rely on its consent; where none comes, it goes without."""
    monkeypatch.setattr("gateway.delivery.outbound.in_flight.ROUND_TRIP", 60.0 if answered else 0.3)
    wire = SlowWire(two, monkeypatch)
    id = await two.fr.submit("m")
    await two.until(lambda: wire.sent == [1], seconds=5)
    urgent = (await two.fr.call("message.submit", **example("consent.withdrawal/1", "AL")))["id"]
    await two.calm()
    if answered:
        assert wire.sent == [1]
        wire.open.set()
    await two.until(lambda: wire.sent == [1, 1], seconds=5)
    wire.open.set()
    await delivered(two, id, urgent)

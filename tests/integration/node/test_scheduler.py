"""Storage epochs change while the node works (nrm1 13.2): nothing that was stored becomes unreadable."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection
from support.pair import Party, Two, two_nodes

from gateway.database import content
from gateway.delivery import handover
from gateway.delivery.outbound import lookout
from gateway.erasure import storage_epochs
from gateway.errors import Code, RefusedError, TransientError
from gateway.ports import Delivery, Notice


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


async def test_rotation_under_load(two: Two) -> None:
    """While both nodes rotate again and again every message arrives and stays readable under the newest epoch."""
    sent: dict[str, str] = {}

    async def submit(lane: int) -> None:
        for number in range(12):
            reference = f"{lane}-{number}"
            while reference not in sent:
                try:
                    sent[reference] = await two.fr.submit(reference)
                except TransientError:
                    await asyncio.sleep(0)

    async def rotate() -> None:
        for _ in range(5):
            for party in two:
                await party.call("keys.rotate_epoch", by="admin")

    await asyncio.gather(rotate(), *(submit(lane) for lane in range(4)))
    await two.until(lambda: sorted(two.al.notes()) == sorted(sent), seconds=60)
    for party in two:
        epoch = party.running.keys.epoch
        await party.call("keys.rotate_epoch", by="admin")
        assert await party.rows("select distinct epoch from datakey") == [(epoch + 1,)]
    for reference, id in sent.items():
        assert (await two.fr.show(id))["content"]["note"] == reference


async def test_rotations_wait_for_each_other(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two people rotate again and again at the same time: no epoch is destroyed before all of it was wrapped anew."""
    store = two.fr.running.store
    checkpoint, pauses = store.checkpoint, itertools.cycle((0.02, 0.0, 0.005))

    async def slow(*, truncate: bool = False) -> None:
        await checkpoint(truncate=truncate)
        await asyncio.sleep(next(pauses) if truncate else 0)

    async def rotate() -> None:
        for _ in range(4):
            await two.fr.call("keys.rotate_epoch", by="admin")

    ids = [await two.fr.submit(f"m{number}") for number in range(20)]
    monkeypatch.setattr(storage_epochs, "REWRAP_BATCH", 5)
    monkeypatch.setattr(store, "checkpoint", slow)
    await asyncio.gather(*(rotate() for _ in range(3)))
    assert [(await two.fr.show(id))["content"]["note"] for id in ids] == [f"m{number}" for number in range(20)]


async def test_what_was_sealed_before_a_rotation_is_not_stored_after_it(two: Two) -> None:
    """Content under an epoch key that is about to go is refused, to be sealed again; it would be lost otherwise."""
    node = two.fr.running
    late = node.sealer.seal(node.store.new_ref(), b"late")
    await two.fr.call("keys.rotate_epoch", by="admin")
    with pytest.raises(TransientError):
        await node.store.move(lambda c: content.put(c, [late]))
    assert await two.fr.rows(f"select * from sealed where ref = {late.ref}") == []


async def test_rotation_while_the_case_system_is_slow(two: Two) -> None:
    """Messages on their way to a slow case system are not lost or held when their storage epoch ends meanwhile."""
    adapter = two.al.running.adapter
    assert adapter is not None
    gate, push = asyncio.Event(), adapter.push

    async def slow(item: Delivery | Notice) -> str:
        await gate.wait()
        return await push(item)

    adapter.push = slow  # type: ignore[method-assign]
    sent = [await two.fr.submit(f"s-{number}") for number in range(5)]

    async def waiting() -> bool:
        return await two.al.rows("select count(*) from inbox") == [(5,)]

    await two.until(waiting)
    await two.al.call("keys.rotate_epoch", by="admin")
    gate.set()
    await two.until(lambda: len(two.al.notes()) == len(sent))
    assert await two.al.alarms() == []


def rotate_after(
    monkeypatch: pytest.MonkeyPatch, party: Party, looked_up: type, spoil: Callable[[Any], None] = lambda found: None
) -> list[object]:
    """The epoch of `party` ends just after the first time that rows were read as `looked_up`; what was read then, which
    `spoil` changes.
    """
    store, met = party.running.store, list[object]()
    read = store.read

    async def overtaken(query: Callable[[Connection], Any]) -> Any:
        found = await read(query)
        one = next(
            (item for item in (found if isinstance(found, tuple) else [found]) if isinstance(item, looked_up)), None
        )
        if one is not None and not met:
            met.append(one)
            spoil(one)
            await party.call("keys.rotate_epoch", by="admin")
        return found

    monkeypatch.setattr(store, "read", overtaken)
    return met


def unopened(waiting: handover._Waiting) -> None:
    """As where the epoch ended between the reading of a row and its opening."""
    gone = RefusedError(Code.UNDECRYPTABLE, "its epoch is gone")
    object.__setattr__(waiting, "plain", dict.fromkeys(waiting.plain, gone))


async def test_a_hand_over_that_meets_a_rotation_goes_on(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """The epoch that a row names is destroyed before its content is opened: the row is read again, nothing is held."""
    met = rotate_after(monkeypatch, two.al, handover._Waiting, unopened)
    await two.fr.submit("met")
    await two.until(lambda: two.al.notes() == ["met"], seconds=30)
    assert met
    assert await two.al.alarms() == []


async def test_a_departure_that_meets_a_rotation_goes_on(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same on the way out: a message is not given up because its row was read a moment too early."""
    met = rotate_after(monkeypatch, two.fr, lookout.Waiting)
    id = await two.fr.submit("met")
    await two.until(lambda: two.al.notes() == ["met"], seconds=30)
    assert met
    assert await two.fr.alarms() == []
    assert await two.fr.state(id) != "failed"

"""The event stream from a position, and from now on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Connection
from support.pair import Party, two_nodes

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


async def test_all_who_follow_are_told_everything_and_it_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty from now on, one from the beginning who is slow, and one who comes later: each hears each event once, in
    order. What happens is not read for each of them.
    """
    ordinary, reads = journal.events_after, list[int]()

    def counted(connection: Connection, after: int, most: int) -> list[journal.Event]:
        reads.append(after)
        return ordinary(connection, after, most)

    monkeypatch.setattr(journal, "events_after", counted)
    async with two_nodes(tmp_path) as (fr, _):
        await fr.submit("Tulpe")
        begun = await fr.running.store.read(journal.last_event)
        told = [await _follow(fr, begun) for _ in range(40)]
        told += [await _follow(fr, 0, pause=0.05)]
        for number in range(3):
            await fr.submit(f"Rose {number}")
        told += [await _follow(fr, 0)]
        end = await fr.running.store.read(journal.last_event)
        async with asyncio.timeout(30):
            while any(not heard or heard[-1] < end for heard, _ in told):  # noqa: ASYNC110 (they hear by themselves)
                await asyncio.sleep(0.01)
        for heard, task in told:
            task.cancel()
            assert heard == sorted(set(heard))
        some, every = told[0][0], told[-1][0]
        assert all(
            [seq for seq in heard if seq <= end] == [seq for seq in some if seq <= end] for heard, _ in told[:40]
        )
        assert [seq for seq in told[40][0] if seq <= end] == [seq for seq in every if seq <= end]
        assert [seq for seq in every if begun < seq <= end] == [seq for seq in some if seq <= end]
        assert 0 < len([after for after in reads if after > begun]) < 40


async def _follow(party: Party, after: int, *, pause: float = 0.0) -> tuple[list[int], asyncio.Task[None]]:
    """What somebody hears from a position on."""
    heard = list[int]()

    async def listen() -> None:
        async for happenings in party.running.desk.events(after):
            heard.extend(seq for seq, _ in happenings)
            await asyncio.sleep(pause)

    return heard, asyncio.create_task(listen())

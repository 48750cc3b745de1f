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
        following = [Follower(fr, begun) for _ in range(40)] + [Follower(fr, 0, pause=0.05)]
        for number in range(3):
            await fr.submit(f"Rose {number}")
        following.append(Follower(fr, 0))
        end = await fr.running.store.read(journal.last_event)
        async with asyncio.timeout(30):
            *some, slow, every = [await one.until(end) for one in following]
        for one in following:
            one.task.cancel()
        assert every == sorted(set(every)) == slow
        assert all(heard == [seq for seq in every if seq > begun] for heard in some)
        assert 0 < len([after for after in reads if after > begun]) < 40


class Follower:
    """Somebody who follows from a position on, and what they heard."""

    def __init__(self, party: Party, after: int, *, pause: float = 0.0) -> None:
        self.heard: list[int] = []
        self._more = asyncio.Event()
        self.task = asyncio.create_task(self._listen(party, after, pause))

    async def _listen(self, party: Party, after: int, pause: float) -> None:
        async for happenings in party.running.desk.events(after):
            self.heard.extend(seq for seq, _ in happenings)
            self._more.set()
            await asyncio.sleep(pause)

    async def until(self, end: int) -> list[int]:
        """Wait until the event of that number was heard; return all up to it."""
        while not self.heard or self.heard[-1] < end:
            await self._more.wait()
            self._more.clear()
        return [seq for seq in self.heard if seq <= end]

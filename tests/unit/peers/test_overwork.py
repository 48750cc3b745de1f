"""gateway.peers.overwork: people hear once per peer and hour, and of no more than numbers."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.federation import SteeredClock

from gateway.database import journal
from gateway.database.engine import Store
from gateway.database.kinds.sqlite_file import SqliteFile
from gateway.foundation import logs
from gateway.foundation.ids import NodeId
from gateway.peers.overwork import Overwork

ONE, OTHER = NodeId("n1one"), NodeId("n1other")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty database."""
    made = Store(SqliteFile(tmp_path / "node.db"))
    yield made
    made.close()


async def alarms(store: Store) -> list[tuple[str, str | None]]:
    """What is open."""
    return [(one.kind, one.peer) for one in await store.read(journal.open_alarms)]


async def test_a_person_hears_once_an_hour_and_of_its_end(store: Store) -> None:
    """However often a peer is turned away: one alarm, one line of the log with the count, and an end by itself."""
    clock = SteeredClock()
    overwork = Overwork(store=store, clock=clock)
    await overwork.tell()
    assert await alarms(store) == []
    written = io.StringIO()
    logs.configure("warning", written)
    for minute in range(90):
        for _ in range(minute % 3):
            overwork.refused(ONE)
        if minute == 30:
            overwork.refused(OTHER)
        clock.mono += 60
        await overwork.tell()
    logged = map(json.loads, written.getvalue().splitlines())
    lines = [(line["event"], line["peer"], line["count"]) for line in logged]
    assert lines == [
        ("peer.overworked", ONE, 1),
        ("peer.overworked", OTHER, 1),
        ("peer.overworked", ONE, 60),
    ]
    assert await alarms(store) == [("peer.overworked", ONE)]  # the other one asked for nothing since an hour ago
    clock.mono += 3_600
    await overwork.tell()
    assert await alarms(store) == []


async def test_an_alarm_that_was_dismissed_comes_again_after_an_hour(store: Store) -> None:
    """And not before, so that a person is not told of one thing every minute."""
    clock = SteeredClock()
    overwork = Overwork(store=store, clock=clock)
    for minutes, expected in ((0, 1), (30, 0), (31, 1)):
        clock.mono += minutes * 60
        overwork.refused(ONE)
        await overwork.tell()
        found = await store.read(journal.open_alarms)
        assert len(found) == expected
        for one in found:
            await store.move(lambda c, seq=one.seq: journal.dismiss_alarm(c, seq, at=1))

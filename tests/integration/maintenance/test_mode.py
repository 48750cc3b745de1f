"""Maintenance of a running node: peers hold, callers are told when to come again, nothing fails, and it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.pair import Party, Two, two_nodes

from gateway.errors import Code, TransientError
from gateway.maintenance.mode import LOOK_EVERY, MaintenanceMode
from gateway.maintenance.rules import LONGEST
from gateway.peers.backoff_rules import SPREAD

HALF_HOUR = 1_800


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


async def begin(party: Party, seconds: int = HALF_HOUR) -> Any:
    """Maintenance of a node, as its operator begins it."""
    return await party.call("maintenance.begin", seconds=seconds, reason="upgrade")


async def entries(party: Party, event: str) -> list[dict[str, Any]]:
    """The entries of the audit log of this kind."""
    listed = (await party.call("audit.list", limit=500))["entries"]
    return [entry for entry in listed if entry["event"] == event]


async def test_a_peer_holds_and_nobody_is_alarmed(two: Two) -> None:
    """It asks once, waits for the time that was announced, says so, and what waits arrives by itself after that."""
    await begin(two.al)
    id = await two.fr.submit("comes when they are done")

    async def told() -> bool:
        (peer,) = (await two.fr.call("node.status"))["peers"]
        return bool(peer["delivery"] == "announced")

    await two.until(told, what="the peer says that people work on it")
    (peer,) = (await two.fr.call("node.status"))["peers"]
    assert HALF_HOUR <= peer["next_try"] - two.clock.now() <= HALF_HOUR + 30
    assert (peer["failing_since"], await two.fr.state(id)) == (None, "queued")
    before = await two.fr.alarms()
    two.clock.advance(HALF_HOUR - 60)
    await two.calm()
    assert (await two.fr.call("node.ready"))["sending_why"] == []
    assert (await two.fr.alarms(), two.al.notes()) == (before, [])
    two.clock.advance(60 + int(SPREAD))
    await two.until(lambda: two.al.notes() == ["comes when they are done"], what="the message arrives")
    assert (await two.al.call("maintenance.show"))["on"] is False
    assert await two.fr.alarms() == before


async def test_who_ends_it_before_calls_the_peers(two: Two) -> None:
    """They need not wait for the time that was announced (nrm1 12.14)."""
    await begin(two.al, LONGEST)
    await two.fr.submit("need not wait all night")
    await two.until(lambda: two.fr.peer().next_try > two.clock.now() + HALF_HOUR, what="the announcement")
    await two.al.call("maintenance.end")
    await two.until(lambda: two.al.notes() == ["need not wait all night"], seconds=60)


async def test_nothing_departs_meanwhile_and_nothing_is_lost(two: Two) -> None:
    """What was taken before it began stays on the disk, and goes when it is over."""
    await two.al.stop()
    id = await two.fr.submit("taken before")
    await begin(two.fr)
    await two.al.start()
    two.clock.advance(HALF_HOUR // 2)
    await two.calm()
    assert (await two.fr.state(id), two.al.notes()) == ("queued", [])
    await two.fr.call("maintenance.end")
    await two.until(lambda: two.al.notes() == ["taken before"], seconds=60)


async def test_what_is_new_is_refused_with_a_time_and_what_is_there_is_shown(two: Two) -> None:
    """What protects a person is taken meanwhile."""
    id = await two.fr.submit("sent before")
    await two.until(lambda: two.al.notes() == ["sent before"], seconds=60)
    await begin(two.fr)
    with pytest.raises(TransientError, match="nothing was taken in") as refused:
        await two.fr.submit("too late")
    assert (refused.value.code, refused.value.again_in) == (Code.MAINTENANCE, HALF_HOUR)
    assert (await two.fr.show(id))["id"] == id
    assert (await two.fr.call("message.erase", id=id, reason="objection"))["erased"]
    ready, status = await two.fr.call("node.ready"), await two.fr.call("node.status")
    until = two.clock.now() + HALF_HOUR
    assert (ready["ready"], ready["why"], ready["maintenance"]) == (False, ["maintenance"], until)
    assert (status["stopped"], status["maintenance"]) == ("maintenance", until)


async def test_it_lasts_through_a_restart_and_its_log_says_who(two: Two) -> None:
    """It is on the disk with who began it and until when; another process on the same rows knows of it too."""
    await begin(two.al)
    await two.al.stop()
    two.clock.advance(60)
    await two.al.start()
    shown = await two.al.call("maintenance.show")
    assert (shown["on"], shown["reason"], shown["seconds_left"]) == (True, "upgrade", HALF_HOUR - 60)
    (begun,) = await entries(two.al, "maintenance.begun")
    assert begun["facts"]["until"] == shown["until"] and len(begun["facts"]["actor"]) > 20
    node = two.al.running
    other = MaintenanceMode(store=node.store, wakeups=node.wakeups, clock=node.clock)
    await other.refresh()
    assert other.current() == node.maintenance.current()
    await two.al.call("maintenance.end")
    assert other.seconds_left()
    (chore,) = other.chores()
    await chore.run()
    assert (other.seconds_left(), chore.every, chore.leader) == (0, LOOK_EVERY, False)
    assert len(await entries(two.al, "maintenance.ended")) == 1
    await two.al.call("maintenance.end")
    assert len(await entries(two.al, "maintenance.ended")) == 1


async def test_the_records_of_the_case_system_lie_where_they_are(two: Two) -> None:
    """Nothing is collected until it is over, and then it is."""
    await begin(two.fr)
    pulled: list[float] = []
    pull = two.fr.running.adapter.pull  # type: ignore[union-attr]

    async def seen() -> Any:
        pulled.append(two.clock.now())
        return await pull()

    two.fr.running.adapter.pull = seen  # type: ignore[union-attr, method-assign]
    two.clock.advance(HALF_HOUR - 60)
    await two.calm()
    assert pulled == []
    two.clock.advance(60)
    await two.until(lambda: bool(pulled), seconds=60)

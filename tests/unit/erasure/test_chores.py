"""gateway.erasure.chores: what is done in which order, once a day, and not by a clock that is in doubt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from sqlalchemy import Connection
from support import rows
from support.nodes import NOW
from support.rest import until_at_rest
from support.robbed_stand_ins import Clock

from gateway.database import journal, meta
from gateway.database.engine import Store
from gateway.erasure.chores import WAITS_SINCE, ErasureChores
from gateway.erasure.retention import RETAINED
from gateway.foundation.chores import DAY, HOUR, MINUTE
from gateway.peers import store as peers
from gateway.peers.link_reset_state import ResetState
from gateway.peers.reset_rows import ResetRow, Restored
from gateway.trust.link_reset import store as resets


class Steps:
    """Whoever does a step: notes which one it was, and what it is told to do. `sure` says whether the time is
    confirmed, `gone` how many messages a request erases.
    """

    def __init__(self) -> None:
        self.done: list[str] = []
        self.sure, self.gone = True, 0

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def step(**how: bool) -> Any:
            self.done.append(" ".join((name, *(word for word, told in how.items() if told))))
            return {"is_confirmed": self.sure, "follow": self.gone}.get(name)

        return step

    def taken(self) -> list[str]:
        """What was done since this was asked last."""
        done, self.done = self.done, []
        return [name for name in done if name != "is_confirmed"]


class House:
    """A node that erases."""

    def __init__(self, store: Store) -> None:
        self.store, self.clock, self.steps = store, Clock(), Steps()
        steps: Any = self.steps
        clock: Any = self.clock
        names = ("eraser", "case_system", "receipts", "retention", "forwarder", "executor", "confirmer", "epochs")
        self.chores = ErasureChores(store=store, time=steps, clock=clock, **dict.fromkeys(names, steps))

    async def day(self) -> tuple[bytes | None, bytes | None]:
        """On which day retention was looked at last, and since when it waits."""
        return await self.store.read(lambda c: (meta.get_meta(c, RETAINED), meta.get_meta(c, WAITS_SINCE)))

    async def told(self) -> list[tuple[str, int]]:
        """What people are told, and when that was."""
        return [(one.kind, one.at) for one in await self.store.read(journal.open_alarms)]


LOOKED = ["run rests"]


@pytest.fixture
def house(store: Store) -> House:
    """Which has erased nothing yet."""
    return House(store)


async def test_what_is_done_how_often(house: House) -> None:
    """Requests each minute, the rest each hour; what was erased does not wait for a look, which may take hours."""
    found = [(chore.name, chore.every, chore.run) for chore in house.chores.chores()]
    assert found == [
        ("erasure requests", MINUTE, house.chores.follow_requests),
        ("retention", HOUR, house.chores.follow_rules),
        ("erase", HOUR, house.chores.erase),
    ]


async def test_rules_are_followed_once_a_day(house: House) -> None:
    """By the day of UTC, and with rests: nobody waits for it, and people have the keys meanwhile."""
    midnight = (NOW // DAY + 1) * DAY
    for at, done in (
        (NOW, LOOKED),
        (NOW + HOUR, []),
        (midnight - 1, []),
        (midnight, LOOKED),
        (midnight + HOUR, []),
    ):
        house.clock.at = at
        await house.chores.follow_rules()
        assert house.steps.taken() == done
        assert await house.day() == (b"%d" % (at // DAY), b"")


async def test_by_a_clock_in_doubt_nothing_is_erased(house: House) -> None:
    """A day that was missed is told to a person, whichever way the clock went, until it is made up for."""
    house.steps.sure = False
    for at, told in ((NOW, []), (NOW + DAY - 1, []), (NOW + DAY, [("erasure.waits", NOW + DAY)])):
        house.clock.at = at
        await house.chores.follow_rules()
        assert (house.steps.taken(), await house.told()) == ([], told)
        assert await house.day() == (None, b"%d" % NOW)
    house.steps.sure = True
    await house.chores.follow_rules()
    assert (house.steps.taken(), await house.told()) == (LOOKED, [])
    house.steps.sure = False
    house.clock.at = NOW + 9 * DAY
    await house.chores.follow_rules()
    assert await house.told() == []
    house.clock.at = NOW + 8 * DAY
    await house.chores.follow_rules()
    assert await house.told() == [("erasure.waits", NOW + 8 * DAY)]


async def test_a_look_of_hours_delays_nothing_that_was_erased(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The case system is asked and the senders are told while it goes on."""
    over = asyncio.Event()

    async def look(**_: bool) -> None:
        await over.wait()

    monkeypatch.setattr(house.steps, "run", look, raising=False)
    running = asyncio.gather(*(chore.run() for chore in house.chores.chores()))
    await until_at_rest()
    done = house.steps.taken()
    over.set()
    await running
    assert {"ask", "clean", "tell"} <= set(done)


@pytest.mark.parametrize("sure", [True, False])
async def test_what_was_erased_goes_on_each_time(house: House, sure: bool) -> None:
    """Also on a node that was put back, but not by a clock in doubt: keys of the envelopes are destroyed. Names that
    nothing is left of ask no clock.
    """
    await house.store.move(lambda c: resets.mark_restored(c, Restored(at=NOW, backup=NOW - 9, sha256="s")))
    house.steps.sure = sure
    for _ in range(2):
        await house.chores.erase()
        assert house.steps.taken() == (["ask", "clean", "tell"] if sure else ["forget_names"])


async def test_a_node_that_was_put_back_waits_for_its_first_link(house: House) -> None:
    """Holds that were placed since its backup are placed again before that."""

    def put_back(connection: Connection) -> None:
        peers.add(connection, rows.peer())
        resets.mark_restored(connection, Restored(at=NOW, backup=NOW - 9, sha256="s"))

    await house.store.move(put_back)
    await house.chores.follow_rules()
    assert (house.steps.taken(), await house.day()) == ([], (None, None))
    row = ResetRow(peer=rows.PEER, state=str(ResetState.OPEN), at=NOW)
    await house.store.move(lambda c: resets.put(c, row))
    await house.chores.follow_rules()
    assert house.steps.taken() == LOOKED


@pytest.mark.parametrize(
    ("sure", "gone", "done"),
    [
        (True, 0, ["spread", "follow", "answer", "end_erased"]),
        (True, 1, ["spread", "follow", "rotate", "answer", "end_erased"]),
        (False, 1, ["spread"]),
    ],
    ids=["nothing went", "something went", "the time is in doubt"],
)
async def test_requests_are_followed(house: House, sure: bool, gone: int, done: list[str]) -> None:
    """Told on in any case; by what went the storage epoch ends, before it is answered."""
    house.steps.sure, house.steps.gone = sure, gone
    await house.chores.follow_requests()
    assert house.steps.taken() == done

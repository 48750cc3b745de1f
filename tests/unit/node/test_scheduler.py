"""Chores run at once, then at their pace; what fails is tried again at the next time."""

from __future__ import annotations

import asyncio

import pytest
from support.patience import PATIENCE

from gateway.errors import Code, RefusedError, TransientError
from gateway.foundation.chores import Chore
from gateway.node.scheduler import Scheduler


class Paces:
    """Implements `gateway.ports.Clock`: notes how long each chore sleeps; nobody wakes up."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> int:
        return 0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.Event().wait()


class Turns(Paces):
    """A clock by which everybody who sleeps wakes up at once."""

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


async def run_until(scheduler: Scheduler, done: asyncio.Event) -> None:
    """Run until `done`; what ends the scheduler before is raised."""
    running, waiting = asyncio.create_task(scheduler.run()), asyncio.create_task(done.wait())
    try:
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        running.cancel()
        waiting.cancel()
        await asyncio.gather(running, waiting, return_exceptions=True)


async def test_chores_begin_in_their_order() -> None:
    """Each once before anybody sleeps, and each sleeps as long as it says."""
    began: list[str] = []
    done = asyncio.Event()

    def chore(name: str, every: int) -> Chore:
        async def run() -> None:
            began.append(name)
            if len(began) == 3:
                done.set()

        return Chore(name, every, run)

    clock = Paces()
    await run_until(Scheduler([chore("keys", 60), chore("erase", 3_600), chore("push", 5)], clock), done)
    assert began == ["keys", "erase", "push"]
    assert clock.slept == [60, 3_600, 5]


@pytest.mark.parametrize("error", [TransientError(Code.DISK, "full"), RefusedError(Code.CLOCK, "back")])
async def test_a_failure_of_the_world_waits_for_the_next_time(error: Exception) -> None:
    """The chore runs again after its pause, and the others go on."""
    runs = {"failing": 0, "other": 0}
    done = asyncio.Event()

    async def failing() -> None:
        runs["failing"] += 1
        raise error

    async def other() -> None:
        runs["other"] += 1
        if min(runs.values()) >= 2:
            done.set()

    await run_until(Scheduler([Chore("failing", 60, failing), Chore("other", 60, other)], Turns()), done)
    assert min(runs.values()) >= 2


async def test_a_fault_of_ours_ends_the_scheduler() -> None:
    """What is no failure of the world is not hidden."""

    async def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:
        await run_until(Scheduler([Chore("broken", 60, broken)], Paces()), asyncio.Event())
    assert caught.value.subgroup(ZeroDivisionError) is not None

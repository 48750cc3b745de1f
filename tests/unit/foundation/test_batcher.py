"""gateway.foundation.batcher: what waits is done at once, and one item holds up no other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from support.patience import PATIENCE

from gateway.errors import Code, RefusedError, TransientError
from gateway.foundation import batcher
from gateway.foundation.batcher import Batcher

NO = RefusedError(Code.INVALID, "no")


class Work:
    """Doubles numbers, refuses 13, fails at 99; remembers its batches and waits for `go`."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.go = asyncio.Event(), asyncio.Event()
        self.go.set()

    async def __call__(self, items: Sequence[int]) -> list[int | RefusedError]:
        """One batch."""
        self.batches.append(list(items))
        self.begun.set()
        await self.go.wait()
        if 99 in items:
            raise TransientError(Code.DISK, "full")
        return [NO if item == 13 else 2 * item for item in items]


async def test_what_comes_together_is_done_together() -> None:
    """Everything that waits is one batch, and answered in order."""
    work = Work()
    gathering: Batcher[int, int] = Batcher(work)
    assert await asyncio.gather(*(gathering.do(number) for number in range(5))) == [0, 2, 4, 6, 8]
    assert work.batches == [[0, 1, 2, 3, 4]]


async def test_what_comes_meanwhile_is_the_next_batch() -> None:
    """One batch at a time, of no more than `MOST`."""
    work = Work()
    work.go.clear()
    gathering: Batcher[int, int] = Batcher(work)
    first = asyncio.create_task(gathering.do(1))
    await work.begun.wait()
    rest = [asyncio.create_task(gathering.do(2)) for _ in range(batcher.MOST + 1)]
    await asyncio.sleep(0)
    work.go.set()
    await asyncio.gather(first, *rest)
    assert [len(batch) for batch in work.batches] == [1, batcher.MOST, 1]


async def test_a_refusal_is_its_own() -> None:
    """The others of the batch get their answers."""
    gathering: Batcher[int, int] = Batcher(Work())
    answers = await asyncio.gather(*(gathering.do(number) for number in (1, 13, 3)), return_exceptions=True)
    assert answers == [2, NO, 6]


async def test_a_failure_is_told_to_all_of_the_batch_and_the_next_one_works() -> None:
    """Nobody waits for ever."""
    gathering: Batcher[int, int] = Batcher(Work())
    answers = await asyncio.gather(*(gathering.do(number) for number in (1, 99)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [TransientError, TransientError]
    assert await gathering.do(4) == 8


async def test_a_caller_who_leaves_stops_nobody() -> None:
    """What was begun for one who no longer listens is finished for the others."""
    work = Work()
    work.go.clear()
    gathering: Batcher[int, int] = Batcher(work)
    leaving, staying = asyncio.create_task(gathering.do(1)), asyncio.create_task(gathering.do(2))
    await work.begun.wait()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    work.go.set()
    assert await staying == 4


async def test_waiting_for_what_is_under_way() -> None:
    """At once where nothing is, until its end where something is, and no longer than allowed."""
    work = Work()
    gathering: Batcher[int, int] = Batcher(work)
    await gathering.idle(60)
    work.go.clear()
    task = asyncio.create_task(gathering.do(1))
    await asyncio.sleep(0)
    await gathering.idle(0.01)
    assert not task.done()
    work.go.set()
    await gathering.idle(60)
    assert await task == 2


class EndError(BaseException):
    """The end of a process."""


async def test_nobody_waits_for_what_has_ended() -> None:
    """What ends the process in the middle of a batch reaches those who wait for it."""

    async def end(_: Sequence[int]) -> list[int]:
        raise EndError

    ending: Batcher[int, int] = Batcher(end)
    with pytest.raises(EndError):
        await asyncio.wait_for(ending.do(1), PATIENCE)
    assert ending._running is not None
    assert isinstance(ending._running.exception(), EndError)


async def test_what_is_asked_for_all_the_time_takes_a_part_of_it_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it rests, a batch that took long is followed by twice as long without one, and the first waits for none.
    After a very long one nobody waits for as long again.
    """
    now, slept, took = [100.0], list[float](), [0.2, 3.0, 0.2]

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    async def work(items: Sequence[int]) -> list[int]:
        now[0] += took.pop(0)
        return [*items]

    monkeypatch.setattr(batcher, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(batcher, "asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": sleep}))
    resting: Batcher[int, int] = Batcher(work, rests=2)
    assert [await resting.do(number) for number in (1, 2, 3)] == [1, 2, 3]
    rested = [slept[at] + slept[at - 1] for at in (3, 5)]
    assert [slept[1], *rested] == pytest.approx([0.0, 0.4, batcher.LONGEST_REST])

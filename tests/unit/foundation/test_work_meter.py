"""The work of one request is counted wherever it runs, and the work of others is not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from gateway.foundation.work_meter import WorkMeter
from gateway.foundation.workers import Workers


class Processor:
    """Time of a processor that runs only when the test works."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at

    def work(self, seconds: float) -> float:
        """Take so long, and return how long."""
        self.at += seconds
        return seconds


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Threads that end with the test."""
    made = Workers()
    yield made
    made.shutdown()


async def test_steps_are_counted_and_pauses_are_not() -> None:
    """Two requests take turns; each is charged for what it did itself."""
    processor = Processor()
    one, other = WorkMeter(processor), WorkMeter(processor)

    async def request(piece: float) -> str:
        for _ in range(3):
            processor.work(piece)
            await asyncio.sleep(0)
        return "done"

    assert await asyncio.gather(one.run(request(1)), other.run(request(10))) == ["done", "done"]
    assert (one.seconds, other.seconds) == (3, 30)


async def test_work_in_threads_is_counted(workers: Workers) -> None:
    """What a request has done in worker threads is its work too; without a meter nothing is."""
    processor = Processor()
    meter = WorkMeter(processor)

    async def request() -> list[float]:
        return await workers.off_loop_each(processor.work, [1.0])

    assert await meter.run(request()) == [1.0]
    assert meter.seconds == 1
    await request()
    assert meter.seconds == 1


async def test_a_request_that_fails_is_counted() -> None:
    """Its failure comes through as it is, also one that was thrown into it."""
    processor = Processor()
    meter = WorkMeter(processor)

    async def request() -> None:
        processor.work(2)
        try:
            await asyncio.Event().wait()
        finally:
            processor.work(3)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await meter.run(request())
    assert meter.seconds == 5

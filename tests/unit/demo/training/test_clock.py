"""The clock of a training: behind by what a file says, and never ahead."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.demo.training.clock import LaggingClock, read_lag, write_lag

WEEK = 7 * 86_400


@pytest.fixture
def path(tmp_path):
    """The file of a clock that is a week behind."""
    path = tmp_path / "clock"
    write_lag(path, WEEK)
    return path


def test_it_is_behind_by_what_the_file_says(path):
    """Two clocks on one file are moved together, at once."""
    one, other = LaggingClock(path), LaggingClock(path)
    assert abs(one.now() - (time.time() - WEEK)) < 5
    write_lag(path, 0)
    assert (read_lag(path), one.lag, other.lag) == (0, 0, 0)
    assert abs(other.now() - time.time()) < 5


def test_the_clock_that_only_runs_moves_with_it(path):
    """A node sees time that passed, and no wall clock that was set: both moved by as much."""
    clock = LaggingClock(path)
    wall, ran = clock.now(), clock.monotonic()
    write_lag(path, WEEK - 86_400)
    assert (clock.now() - wall) - (clock.monotonic() - ran) == pytest.approx(0, abs=2)
    assert clock.monotonic() - ran >= 86_400


def test_who_sleeps_wakes_when_the_time_was_moved(path):
    """A chore of every hour runs after an hour that a file made pass."""
    clock = LaggingClock(path)

    async def sleep_an_hour() -> None:
        sleeping = asyncio.create_task(clock.sleep(3_600))
        await asyncio.sleep(0)
        assert not sleeping.done()
        write_lag(path, WEEK - 3_600)
        await asyncio.wait_for(sleeping, 10)

    asyncio.run(sleep_an_hour())

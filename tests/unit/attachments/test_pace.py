"""The rate of a file is that of the last moments, and 0 where it stands still."""

from __future__ import annotations

import pytest
from support.nodechild import SteeredClock

from gateway.attachments import pace
from gateway.attachments.pace import Pace


class Clock(SteeredClock):
    """Stands where it is put."""

    def __init__(self) -> None:
        super().__init__(start=100)
        self.tick = 100.0

    def monotonic(self) -> float:
        """The tick."""
        return self.tick


@pytest.fixture
def clock() -> Clock:
    """A clock at 100 seconds."""
    return Clock()


def test_the_rate_is_of_the_last_moments(clock: Clock) -> None:
    """What moved, by the seconds since then; what was long ago does not count."""
    watched = Pace(clock)
    for second, done in enumerate((0, 1_000, 5_000)):
        clock.tick = 100.0 + second
        watched.note("a", done)
    assert watched.rate("a") == 2_500
    clock.tick = 105.0
    assert watched.rate("a") == 1_000
    clock.tick = 110.5  # the first point is out of the window now
    watched.note("a", 6_000)
    assert watched.rate("a") == round(5_000 / 9.5)


def test_what_does_not_move_has_no_rate(clock: Clock) -> None:
    """Nothing was noted, one point alone, nothing for long; and a file that begins anew goes not backwards."""
    watched = Pace(clock)
    assert watched.rate("a") == 0
    watched.note("a", 5_000)
    assert watched.rate("a") == 0
    clock.tick += 1
    watched.note("a", 9_000)
    assert watched.rate("a") == 4_000
    clock.tick += pace.WINDOW + 0.1
    assert watched.rate("a") == 0
    watched.note("a", 9_000)
    clock.tick += 1
    watched.note("a", 1_000)
    assert watched.rate("a") == 0


def test_what_is_remembered_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that began first is forgotten first."""
    monkeypatch.setattr(pace, "MOST_FILES", 2)
    watched = Pace(clock)
    for file in "abc":
        watched.note(file, 0)
    clock.tick += 1
    for file in "cb":
        watched.note(file, 100)
    assert [watched.rate(file) for file in "abc"] == [0, 100, 100]

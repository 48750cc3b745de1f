"""How often Python looks for circles: seldom, and not among what was there when a node became ready."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.cli import collector


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Python looks as before when the test is over."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


class Circle:
    """It holds itself, and says when it goes."""

    def __init__(self, gone: list[str]) -> None:
        self.itself: Any = self
        self.gone = gone

    def __del__(self) -> None:
        self.gone.append("gone")


def test_looks_are_seldom():
    """Thirty times as seldom as Python does it by itself."""
    collector.look_seldom()
    young, *older = gc.get_threshold()
    assert (young, older) == (collector.YOUNG, [collector.OLDER] * 2)
    assert young >= 20 * 700


def test_what_was_there_is_set_apart_and_what_comes_is_found():
    """A circle that is made later still goes."""
    gone: list[str] = []
    collector.set_apart()
    assert gc.get_freeze_count() > 1_000
    Circle(gone)
    gc.collect()
    assert gone == ["gone"]

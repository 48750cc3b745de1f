"""What a node does again and again: each slice names its chores, the scheduler runs them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

MINUTE: Final = 60
HOUR: Final = 3_600
DAY: Final = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Chore:
    """One step that can be repeated after a crash at any point, and the seconds between two runs of it.

    `leader` says that one process of a node is enough for it.
    """

    name: str
    every: int
    run: Callable[[], Awaitable[None]]
    leader: bool = True

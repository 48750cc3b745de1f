"""Who leads what: how long a lease lives, how duties are shared out, when a worker may lead at all."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

LIFE: Final = 10_000
"""Milliseconds for which a lease is held without a sign of its holder."""
BEAT: Final = 2.0
"""Seconds between two signs."""
MARGIN: Final = 2_000
"""Milliseconds before the end of a lease in which its holder stops by itself: it cannot know when its sign was read."""
MOST_OFF: Final = 60_000
"""Milliseconds by which the clock of a worker that leads anything may differ from the database's."""
PLACES: Final = 31
"""Workers at most: the place of each is part of the local numbers that it gives."""


def free_place(taken: Iterable[int]) -> int | None:
    """The lowest place from 1 on that nobody has, None where there is none."""
    held = set(taken)
    return next((place for place in range(1, PLACES + 1) if place not in held), None)


def may_lead(off: int) -> bool:
    """Whether a worker whose clock is so many milliseconds ahead of the database's may lead: what it does is dated."""
    return abs(off) <= MOST_OFF


def fair_share(duties: int, alive: int) -> int:
    """Compute how many of so many duties one of so many workers leads at most."""
    return -(-duties // max(1, alive))


def to_give_up(duties: Collection[str], held: Collection[str], alive: int) -> list[str]:
    """Choose which duties a worker leaves to others that have come: what is above its share, last ones first."""
    share = fair_share(len(duties), alive)
    return sorted(held)[share:]

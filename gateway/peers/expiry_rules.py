"""What ends, and when a person is told: 60, 30 and 7 days before, once each (pure).

A renewal takes people and travel, so the first word comes two months ahead. What was told is remembered by the end it
was told about: a successor with a later end starts anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.foundation.ids import NodeId

DAY = 86_400
STEPS = (60, 30, 7)
"""Days before the end at which somebody is told."""

SUBJECTS = (
    *("own.descriptor", "own.sig", "own.http", "own.log", "own.wit", "peer.descriptor", "peer.trust"),
    "region.national",
)
"""What can end: this node's descriptor, the last of its keys of each use, a peer's descriptor, a trust record; the time
for which what the region knows of its countries needs no new look (domain 8.15).
"""

KINDS = tuple(f"{subject}.ends_{days}" for subject in SUBJECTS for days in STEPS)
"""Every alarm that can come of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Something of this node (`peer` None) or about a peer that ends at `at`, Unix seconds."""

    subject: str
    at: int
    peer: NodeId | None = None

    @property
    def label(self) -> str:
        """What is remembered of it."""
        return f"{self.subject}/{self.peer or ''}/{self.at}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Somebody has to be told now that `ending` is at most `days` days away."""

    ending: Ending
    days: int

    @property
    def kind(self) -> str:
        """The alarm."""
        return f"{self.ending.subject}.ends_{self.days}"


def due(endings: Iterable[Ending], told: Mapping[str, int], now: int) -> tuple[Due, ...]:
    """The last step that each ending has passed, where it was not told yet."""
    found = []
    for ending in endings:
        passed = [days for days in STEPS if now >= ending.at - days * DAY]
        if passed and passed[-1] < told.get(ending.label, STEPS[0] + 1):
            found.append(Due(ending=ending, days=passed[-1]))
    return tuple(found)


def remembered(endings: Iterable[Ending], told: Mapping[str, int], new: Iterable[Due]) -> dict[str, int]:
    """What to remember from now on: nothing of what was replaced or is gone."""
    latest = {**told, **{item.ending.label: item.days for item in new}}
    return {ending.label: latest[ending.label] for ending in endings if ending.label in latest}

"""How much is folded in one go, so that what else the node has to do comes in between."""

from __future__ import annotations

FEWEST, FIRST, MOST = 4, 16, 200
"""Conversations folded in one go, at least, at first and at most: they are opened in one call to the key service."""
GO = 0.05
"""Seconds that a go is to take: what else the node has to do waits for one at most."""


def next_go(size: int, took: float) -> int:
    """Compute how many conversations the next go takes, after one of so many took so long."""
    return max(FEWEST, min(MOST, 2 * size, int(size * GO / max(took, 1e-6))))

"""How fast files move, for whoever waits for one: noted where bytes arrive or are confirmed, and kept in memory."""

from __future__ import annotations

from collections import OrderedDict, deque

from gateway.ports import Clock

WINDOW = 10.0
"""Seconds over which a rate is taken; a file that has not moved for so long stands still."""
MOST_FILES = 256
"""Files that are remembered; the one that began first is forgotten first."""


class Pace:
    """What moved lately, by the name of the file in the folder of attachments."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: OrderedDict[str, deque[tuple[float, int]]] = OrderedDict()

    def note(self, file: str, done: int) -> None:
        """So many bytes of the file are there now."""
        points = self._seen.setdefault(file, deque())
        points.append((self._clock.monotonic(), done))
        self._forget_old(points)
        while len(self._seen) > MOST_FILES:
            self._seen.popitem(last=False)

    def rate(self, file: str) -> int:
        """Bytes a second in the last moments; 0 where nothing moved."""
        points = self._seen.get(file, deque())
        self._forget_old(points)
        if len(points) < 2:
            return 0
        (began, first), (_, last) = points[0], points[-1]
        return max(0, round((last - first) / max(self._clock.monotonic() - began, 0.001)))

    def _forget_old(self, points: deque[tuple[float, int]]) -> None:
        while points and self._clock.monotonic() - points[0][0] > WINDOW:
            points.popleft()

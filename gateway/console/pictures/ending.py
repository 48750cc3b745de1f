"""What ends when: thirteen weeks as columns, a lane for each kind, a number for how many (pure).

There is no narrow one: on a telephone the list below says it all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from markupsafe import Markup

from gateway.console.pictures.svg import Box, draw, frame, measure, paint, write

WEEKS = 13
WIDTH, HEAD, LANE = 800, 26, 44
ROOM = 130
"""For the names of the lanes at least."""


class Urgency(IntEnum):
    """How soon it must be done: any time, soon, in the first week."""

    LATER = 0
    SOON = 1
    NOW = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """So many of one lane that end in one week."""

    lane: int
    week: int
    count: int
    urgency: Urgency


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Where lanes and weeks stand, before it is mirrored."""

    height: float
    start: float
    column: float

    def find_cell(self, lane: int, week: int) -> Box:
        """Find the cell of a lane and a week."""
        return Box(x=self.start + week * self.column, y=HEAD + lane * LANE, width=self.column, height=LANE)


def count_marks(endings: Sequence[tuple[int, int]], now: int) -> list[Mark]:
    """Count what ends, each as its lane and a moment, by week from now on. What is over counts in the first week; what
    ends after thirteen weeks is not shown.
    """
    found: dict[tuple[int, int], int] = {}
    for lane, at in endings:
        week = max(0, (at - now) // (7 * 86_400))
        if week < WEEKS:
            found[lane, week] = found.get((lane, week), 0) + 1
    return [Mark(lane=lane, week=week, count=n, urgency=rate(week)) for (lane, week), n in sorted(found.items())]


def rate(week: int) -> Urgency:
    """Rate how soon what ends in a week from now must be done."""
    return Urgency.NOW if week <= 0 else Urgency.SOON if week < 3 else Urgency.LATER


def lay_out(lanes: Sequence[str]) -> Grid:
    """Make the grid of so many lanes; their names have the room that they need."""
    start = max(ROOM, *(measure(name) + 8 for name in lanes))
    return Grid(height=HEAD + LANE * len(lanes), start=start, column=(WIDTH - start) / WEEKS)


def name_weeks(grid: Grid, weeks: Sequence[str]) -> Mapping[int, Box]:
    """Place the names of the weeks; one that would touch the one before it is left out."""
    found, end = dict[int, Box](), 0.0
    for week, name in enumerate(weeks):
        wide = measure(name)
        left = min(max(0.0, grid.start + (week + 0.5) * grid.column - wide / 2), WIDTH - wide)
        if left >= end:
            found[week] = Box(x=left, y=4, width=wide, height=18)
            end = left + wide + 4
    return found


def draw_endings(
    lanes: Sequence[str], weeks: Sequence[str], marks: Sequence[Mark], label: str, *, rtl: bool = False
) -> Markup:
    """Draw the calendar; `weeks` are the first days of the weeks, as text."""
    grid = lay_out(lanes)

    def turn(x: float) -> float:
        return WIDTH - x if rtl else x

    first = grid.find_cell(0, 0)
    lines = [HEAD + LANE * n for n in range(len(lanes) + 1)]
    bars = [grid.start + grid.column * n for n in range(WEEKS + 1)]
    return frame(
        WIDTH,
        grid.height,
        label,
        draw(
            "rect",
            x=turn(first.x + first.width) if rtl else first.x,
            y=HEAD,
            width=first.width,
            height=grid.height - HEAD,
            fill=paint("ours-p"),
        ),
        *(draw("line", x1=0, x2=WIDTH, y1=y, y2=y, stroke=paint("line")) for y in lines),
        *(draw("line", x1=turn(x), x2=turn(x), y1=HEAD, y2=grid.height, stroke=paint("line")) for x in bars),
        *(
            write(weeks[week], turn(box.x + box.width / 2), 18, fill=paint("ink2"))
            for week, box in name_weeks(grid, weeks).items()
        ),
        *(
            write(name, turn(0), HEAD + LANE * lane + 27, anchor="right" if rtl else "left", rtl=rtl, font_weight=700)
            for lane, name in enumerate(lanes)
        ),
        *(_draw_mark(mark, turn(_middle(grid, mark)), HEAD + LANE * mark.lane + LANE / 2) for mark in marks),
    )


def _middle(grid: Grid, mark: Mark) -> float:
    box = grid.find_cell(mark.lane, mark.week)
    return box.x + box.width / 2


def _draw_mark(mark: Mark, x: float, y: float) -> Markup:
    """A square with a number, a circle when soon, a triangle when it must be done this week."""
    if mark.urgency is Urgency.NOW:
        shape = draw("path", d=f"M{x:.1f} {y - 18:.1f}l19 34h-38z", fill=paint("late"))
        return shape + write(str(mark.count), x, y + 12, fill=paint("surface"), font_weight=700)
    pen = {"stroke": paint("soon" if mark.urgency else "control"), "stroke_width": 2}
    if mark.urgency is Urgency.SOON:
        shape = draw("circle", cx=x, cy=y, r=15, fill=paint("soon-p"), **pen)
    else:
        shape = draw("rect", x=x - 14, y=y - 14, width=28, height=28, rx=4, fill=paint("sunken"), **pen)
    return shape + write(str(mark.count), x, y + 5, font_weight=700)

"""How long things wait in one queue: a dot for each on a logarithmic scale, a triangle for what is too old (pure)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from gateway.console.pictures.svg import PEN, Box, draw, frame, measure, paint, write

MINUTE, HOUR, DAY = 60, 3_600, 86_400
SHORTEST, LONGEST = MINUTE, 7 * DAY
TICKS = (MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY)
WIDTHS = {False: 400, True: 90}
HEIGHT, MIDDLE, EDGE = 24, 12, 8
RADIUS = 5
DOT = "a5 5 0 1 0 10 0a5 5 0 1 0-10 0z"
"""A circle of this radius, from its left end."""


def find_place(age: float, width: float, *, rtl: bool = False) -> float:
    """Find where an age stands on the scale, in pixels from the left; older and newer ones at its ends."""
    share = math.log(min(max(age, SHORTEST), LONGEST) / SHORTEST) / math.log(LONGEST / SHORTEST)
    place = EDGE + share * (width - 2 * EDGE)
    return width - place if rtl else place


def draw_ages(ages: Sequence[float], limit: int, label: str, *, narrow: bool = False, rtl: bool = False) -> Markup:
    """Draw the ages (seconds) of one queue, with a mark at its limit."""
    width = WIDTHS[narrow]
    mark = find_place(limit, width, rtl=rtl)
    fresh, old = ((mark, width), (0, mark)) if rtl else ((0, mark), (mark, width))
    return frame(
        width,
        HEIGHT,
        label,
        *(
            draw("line", x1=x1, x2=x2, y1=MIDDLE, y2=MIDDLE, stroke=paint(token), stroke_width=6)
            for (x1, x2), token in ((fresh, "ok-p"), (old, "late-p"))
        ),
        draw("line", x1=mark, x2=mark, y1=3, y2=HEIGHT - 3, stroke=paint("late"), stroke_width=2),
        *(_draw_all(ages, limit, width, too_old=too_old, rtl=rtl) for too_old in (False, True)),
        size="row narrow" if narrow else "row wide",
    )


def _draw_all(ages: Sequence[float], limit: int, width: float, *, too_old: bool, rtl: bool) -> Markup:
    """Draw all dots, or all triangles, as one path: there are up to forty in each of ten pictures of a page."""
    places = [find_place(age, width, rtl=rtl) for age in ages if (age > limit) is too_old]
    if too_old:
        return draw("path", d="".join(f"M{x:.1f} 5l7 13h-14z" for x in places), fill=paint("late"))
    dots = "".join(f"M{x - RADIUS:.1f} {MIDDLE}{DOT}" for x in places)
    return draw("path", d=dots, fill=paint("ours"))


def place_ticks(names: Sequence[str], *, rtl: bool = False) -> list[tuple[str, Box]]:
    """Place the names of `TICKS` above the wide scale; one that would touch the one before it is left out."""
    width, found = WIDTHS[False], list[tuple[str, Box]]()
    for tick, name in zip(TICKS, names, strict=True):
        wide = measure(name)
        left = min(max(0.0, find_place(tick, width) - wide / 2), width - wide)
        if not found or left >= found[-1][1].x + found[-1][1].width + 6:
            found.append((name, Box(x=left, y=0, width=wide, height=18)))
    if rtl:
        found = [(name, Box(x=width - b.x - b.width, y=0, width=b.width, height=18)) for name, b in found]
    return found


def draw_ticks(names: Sequence[str], *, rtl: bool = False) -> Markup:
    """Draw the scale above the rows; each row says its oldest in words, so this is for the eye only."""
    width = WIDTHS[False]
    texts = (
        write(name, box.x + box.width / 2, MIDDLE + 3, fill=paint("ink2")) for name, box in place_ticks(names, rtl=rtl)
    )
    view = f"0 0 {width} 18"
    return draw("svg", *texts, class_="row wide", width=width, height=18, viewBox=view, aria_hidden="true", **PEN)

"""Delivery day by day as bars: received within an hour, later, not yet; and small bars in a row of a table (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from gateway.console.pictures.svg import Box, draw, frame, measure, paint, write

SIZES = {False: (800, 220), True: (300, 190)}
TOP, BOTTOM = 14, 26
SMALL = 12
"""Days of the small bars."""
TOKENS = ("ours", "soon", "late")


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day: how it is written below, and its three counts."""

    name: str
    within_hour: int
    later: int
    not_yet: int

    @property
    def counts(self) -> tuple[int, int, int]:
        """The counts as they are stacked, from below."""
        return self.within_hour, self.later, self.not_yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One part of the bar of a day."""

    kind: int
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A text, and the room that it takes."""

    text: str
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Where everything stands."""

    width: float
    height: float
    bars: tuple[Bar, ...]
    lines: tuple[tuple[int, float], ...]
    names: tuple[Name, ...]


def choose_lines(most: int) -> list[int]:
    """Choose where lines lie across the bars: two or three, at round numbers, nought among them."""
    step = 1
    while most >= 3 * step:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return [n for n in (0, step, 2 * step) if n <= max(1, most)]


def lay_out(days: Sequence[Day], *, narrow: bool = False, rtl: bool = False) -> Chart:
    """Place bars, lines and the names of some days; time runs as the text does."""
    width, height = SIZES[narrow]
    lines = choose_lines(max((sum(day.counts) for day in days), default=0))
    top = max(lines[-1], *(sum(day.counts) for day in days)) if days else lines[-1]
    start, base = measure(str(lines[-1])) + 8, height - BOTTOM
    slot = (width - start) / max(1, len(days))
    scale = (base - TOP) / top
    bars, names = [], list[Name]()
    end = 0.0
    for place, day in enumerate(days):
        x, y = start + place * slot, float(base)
        for kind, count in enumerate(day.counts):
            if count:
                y -= count * scale
                box = Box(x=x + slot * 0.1, y=y, width=slot * 0.8, height=count * scale)
                bars.append(Bar(kind=kind, box=box if not rtl else _mirror(box, width)))
        wide = measure(day.name)
        left = min(max(start, x + slot / 2 - wide / 2), width - wide)
        if place % 7 == 0 and left >= end:
            box = Box(x=left, y=height - 18, width=wide, height=16)
            names.append(Name(text=day.name, box=box if not rtl else _mirror(box, width)))
            end = left + wide + 12
    return Chart(
        width=width,
        height=height,
        bars=tuple(bars),
        lines=tuple((n, base - n * scale) for n in lines),
        names=tuple(names),
    )


def draw_delivery(days: Sequence[Day], label: str, *, narrow: bool = False, rtl: bool = False) -> Markup:
    """Draw the bars of all days."""
    chart = lay_out(days, narrow=narrow, rtl=rtl)
    pattern = f"hatch{narrow:d}"
    fills = (paint("ours"), f"url(#{pattern})", paint("late"))
    edge = chart.width if rtl else 0.0
    return frame(
        chart.width,
        chart.height,
        label,
        make_hatch(pattern),
        *(draw("line", x1=0, x2=chart.width, y1=y, y2=y, stroke=paint("line")) for _, y in chart.lines),
        *(
            write(str(n), edge, y - 2, anchor="right" if rtl else "left", rtl=rtl, fill=paint("ink2"))
            for n, y in chart.lines
        ),
        *(
            _draw_boxes(
                [bar.box for bar in chart.bars if bar.kind == kind], fill=fills[kind], stroke=paint(TOKENS[kind])
            )
            for kind in range(len(fills))
        ),
        *(
            write(name.text, name.box.x + name.box.width / 2, chart.height - 6, fill=paint("ink2"))
            for name in chart.names
        ),
        narrow=narrow,
    )


def make_hatch(name: str) -> Markup:
    """Make the hatching of what came later: it is told apart without a colour."""
    lines = draw("path", d="M-2 8L8-2M0 14L14 0", stroke=paint("soon"), stroke_width=2)
    paper = draw("rect", width=8, height=8, fill=paint("soon-p"))
    return draw("pattern", paper, lines, id=name, width=8, height=8, patternUnits="userSpaceOnUse")


def draw_key(kind: int) -> Markup:
    """Draw the little square of one count for the legend beside its word."""
    inside = make_hatch("hatch-key") if kind == 1 else Markup("")
    fill = "url(#hatch-key)" if kind == 1 else paint(TOKENS[kind])
    square = draw("rect", x=1, y=1, width=14, height=14, fill=fill, stroke=paint(TOKENS[kind]))
    return draw("svg", inside, square, width=16, height=16, aria_hidden="true")


def draw_small(counts: Sequence[int], label: str, *, rtl: bool = False) -> Markup:
    """Draw small bars for one row of a table, in one colour: its state is the word beside it."""
    width, height, most = 8 * SMALL, 20, max(1, *counts) if counts else 1
    bars = []
    for place, count in enumerate(counts):
        tall = count / most * (height - 2)
        bars.append(Box(x=8.0 * place + 1, y=height - 1 - tall, width=6, height=tall))
    return frame(
        width,
        height,
        label,
        draw("line", x1=0, x2=width, y1=height - 0.5, y2=height - 0.5, stroke=paint("control")),
        _draw_boxes([_mirror(one, width) if rtl else one for one in bars], fill=paint("ink2")),
        size="row",
    )


def draw_share(count: int, most: int, *, rtl: bool = False) -> Markup:
    """Draw one count of a table as a bar beside its number, which says it all to who cannot see it."""
    width, length = 160, 160 * count / max(1, most)
    box = Box(x=0, y=1, width=length, height=10)
    bar = _draw_boxes([_mirror(box, width) if rtl else box], fill=paint("ours"))
    return draw("svg", bar, width=width, height=12, viewBox=f"0 0 {width} 12", aria_hidden="true")


def _mirror(box: Box, width: float) -> Box:
    return Box(x=width - box.x - box.width, y=box.y, width=box.width, height=box.height)


def _draw_boxes(boxes: Sequence[Box], **pen: str) -> Markup:
    """Draw rectangles of one look as one shape: an element for each would make the page heavy."""
    sizes = ([f"{round(n, 1):g}" for n in (box.x, box.y, box.width, box.height)] for box in boxes)
    steps = (f"M{x} {y}h{width}v{height}h-{width}z" for x, y, width, height in sizes)
    return draw("path", d="".join(steps), **pen)

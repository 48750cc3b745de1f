"""Bars of delivery, small bars and shares: heights are the counts, nothing outside, time as the text runs."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.console.pictures.delivery import (
    Day,
    choose_lines,
    draw_delivery,
    draw_key,
    draw_share,
    draw_small,
    lay_out,
)

COUNTS = st.integers(0, 5_000)
DAYS = st.lists(
    st.builds(Day, name=st.text("0aж ", min_size=1, max_size=12), within_hour=COUNTS, later=COUNTS, not_yet=COUNTS),
    min_size=1,
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(DAYS, st.booleans(), st.booleans())
def test_everything_lies_inside_and_names_do_not_touch(days: list[Day], narrow: bool, rtl: bool):
    """Whatever was counted: bars and names lie in the picture, and the names of days beside each other."""
    chart = lay_out(days, narrow=narrow, rtl=rtl)
    boxes = [bar.box for bar in chart.bars] + [name.box for name in chart.names]
    assert [box for box in boxes if not box.lies_in(chart.width, chart.height)] == []
    names = sorted((name.box for name in chart.names), key=lambda box: box.x)
    assert not any(one.overlaps(other) for one, other in pairwise(names))


def test_a_bar_is_as_high_as_its_count():
    """Stacked from below: within an hour, later, not yet; an empty day has none."""
    chart = lay_out(
        [Day(name="1", within_hour=4, later=2, not_yet=2), Day(name="2", within_hour=0, later=0, not_yet=0)]
    )
    first, second, third = (bar.box for bar in chart.bars)
    assert [bar.kind for bar in chart.bars] == [0, 1, 2]
    assert first.height == pytest.approx(2 * second.height) and second.height == pytest.approx(third.height)
    assert first.y == pytest.approx(second.y + second.height)
    zero = dict(chart.lines)[0]
    assert first.y + first.height == pytest.approx(zero)


def test_time_runs_as_the_text_does():
    """In Arabic the first day is on the right."""
    days = [Day(name=str(n), within_hour=1, later=0, not_yet=0) for n in range(30)]
    plain, turned = (lay_out(days, rtl=rtl) for rtl in (False, True))
    assert plain.bars[0].box.x < plain.bars[-1].box.x
    assert turned.bars[0].box.x > turned.bars[-1].box.x
    assert turned.bars[0].box.x == pytest.approx(plain.width - plain.bars[0].box.x - plain.bars[0].box.width)


@pytest.mark.parametrize(
    ("most", "lines"),
    [(0, [0, 1]), (1, [0, 1]), (2, [0, 1, 2]), (10, [0, 5, 10]), (21, [0, 10, 20]), (400, [0, 200, 400])],
)
def test_lines_lie_at_round_numbers(most: int, lines: list[int]):
    """Two or three of them."""
    assert choose_lines(most) == lines


def test_the_three_kinds_differ_without_a_colour():
    """What came later is hatched; the picture has a sentence, and no style."""
    drawn = str(draw_delivery([Day(name="1", within_hour=1, later=1, not_yet=1)], "1 of 3 within an hour"))
    fills = [path.get("fill") for path in ET.fromstring(drawn).findall("path")]
    assert fills == ["var(--ours)", "url(#hatch0)", "var(--late)"]
    assert 'aria-label="1 of 3 within an hour"' in drawn and "style" not in drawn
    assert "hatch-key" in draw_key(1) and "hatch" not in draw_key(0)


def heights(picture: str) -> list[float]:
    """The heights of all rectangles in a picture."""
    return [float(height) for height in re.findall(r"v([0-9.]+)h-", picture)]


def test_small_bars_and_shares_are_as_long_as_their_counts():
    """The highest fills the row; nothing at all draws nothing but its line."""
    assert heights(draw_small([0, 1, 2], "3")) == [0, 9, 18]
    assert heights(draw_small([], "none")) == []
    assert 'd="M120 1h40v' in draw_share(1, 4, rtl=True)

"""Ages on a logarithmic scale: order, ends, limit, and mirrored where the text is."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.console.pictures.ages import (
    DAY,
    HOUR,
    MINUTE,
    TICKS,
    WIDTHS,
    draw_ages,
    draw_ticks,
    find_place,
    place_ticks,
)

AGES = st.floats(0, 400 * DAY)


@settings(max_examples=60, deadline=None)
@given(AGES, AGES, st.sampled_from(sorted(WIDTHS.values())))
def test_what_is_older_stands_further(one: float, other: float, width: float):
    """From a minute to seven days, newer and older ones at the ends; mirrored it is the same from the other side."""
    younger, older = sorted((one, other))
    assert 0 < find_place(younger, width) <= find_place(older, width) < width
    assert find_place(one, width, rtl=True) == pytest.approx(width - find_place(one, width))


def test_ten_times_as_old_is_as_far_again():
    """A scale of orders of magnitude."""
    places = [find_place(MINUTE * 10**n, 400) for n in range(4)]
    steps = [later - earlier for earlier, later in pairwise(places)]
    assert steps == pytest.approx([steps[0]] * 3)


def test_what_is_too_old_is_a_triangle():
    """Beyond the limit, and not at it; with the mark of the limit, and no style."""
    drawn = str(draw_ages([MINUTE, HOUR, HOUR + 1, DAY], HOUR, "4 wait"))
    root = ET.fromstring(drawn)
    dots, triangles = (path.attrib["d"] for path in root.iter("path"))
    assert (dots.count("M"), dots.count("a5 5"), triangles.count("M"), triangles.count("l7 13")) == (2, 4, 2, 2)
    assert (root.get("role"), root.get("aria-label"), root.get("class")) == ("img", "4 wait", "row wide")
    assert "style" not in drawn


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("a0ж", min_size=1, max_size=14), min_size=len(TICKS), max_size=len(TICKS)), st.booleans())
def test_names_of_the_scale_do_not_touch(names: list[str], rtl: bool):
    """One that has no room is left out, the first never is, and none is outside."""
    placed = place_ticks(names, rtl=rtl)
    boxes = sorted((box for _, box in placed), key=lambda box: box.x)
    assert placed[0][0] == names[0]
    assert not any(one.overlaps(other) for one, other in pairwise(boxes))
    assert all(box.lies_in(WIDTHS[False], 18) for box in boxes)
    assert 'aria-hidden="true"' in draw_ticks(names, rtl=rtl)

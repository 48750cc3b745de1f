"""The calendar of what ends: weeks, urgency, room for names, mirrored where the text is."""

from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.console.pictures.ending import WEEKS, WIDTH, Mark, Urgency, count_marks, draw_endings, lay_out, name_weeks

NOW, DAY = 1_790_000_000, 86_400


def test_what_ends_is_counted_by_week():
    """By lane; what is over already in the first week, what is far away not at all."""
    endings = [(0, NOW - 1), (0, NOW + 6 * DAY), (0, NOW + 7 * DAY), (1, NOW + 90 * DAY), (1, NOW + 91 * DAY)]
    assert count_marks(endings, NOW) == [
        Mark(lane=0, week=0, count=2, urgency=Urgency.NOW),
        Mark(lane=0, week=1, count=1, urgency=Urgency.SOON),
        Mark(lane=1, week=12, count=1, urgency=Urgency.LATER),
    ]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text("aж", min_size=1, max_size=20), min_size=1, max_size=4),
    st.lists(st.text("a0ж", min_size=1, max_size=20), min_size=WEEKS, max_size=WEEKS),
)
def test_names_have_room(lanes: list[str], weeks: list[str]):
    """Whatever the language: no name outside, none over another, every cell inside."""
    grid = lay_out(lanes)
    names = list(name_weeks(grid, weeks).values())
    assert not any(one.overlaps(other) for one, other in combinations(names, 2))
    cells = [grid.find_cell(lane, week) for lane in range(len(lanes)) for week in range(WEEKS)]
    assert all(box.lies_in(WIDTH + 0.01, grid.height + 0.01) for box in (*names, *cells))


def test_urgency_is_a_shape():
    """A triangle this week, a circle soon, a square later, each with its number."""
    marks = [Mark(lane=0, week=2 * n, count=n + 3, urgency=urgency) for n, urgency in enumerate(sorted(Urgency)[::-1])]
    drawn = str(draw_endings(["Keys"], [str(n) for n in range(WEEKS)], marks, "12 end"))
    root = ET.fromstring(drawn)
    assert (len(root.findall("path")), len(root.findall("circle"))) == (1, 1)
    assert ["".join(text.itertext()) for text in root.findall("text")][-3:] == ["3", "4", "5"]
    assert root.get("aria-label") == "12 end" and "style" not in drawn


def test_time_runs_as_the_text_does():
    """In Arabic this week is on the right, beside the names of the lanes."""
    mark = Mark(lane=0, week=1, count=1, urgency=Urgency.SOON)
    weeks = [str(n) for n in range(WEEKS)]
    plain, turned = (
        ET.fromstring(str(draw_endings(["Keys"], weeks, [mark], "", rtl=rtl))).find("circle") for rtl in (False, True)
    )
    assert plain is not None and turned is not None
    assert abs(float(plain.get("cx", "")) + float(turned.get("cx", "")) - WIDTH) <= 0.5

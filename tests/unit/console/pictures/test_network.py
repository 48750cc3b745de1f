"""The picture of the network: everybody in their direction, nothing outside, no two labels over each other."""

from __future__ import annotations

import math
from itertools import combinations
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.console.pictures.network import (
    LOOKS,
    OURS,
    RADIUS,
    LinkState,
    Node,
    Peer,
    draw_network,
    find_direction,
    find_tag,
    lay_out,
)
from gateway.console.pictures.svg import Box

PARIS, RABAT, KYIV, WARSAW = (48.9, 2.4), (34.0, -6.8), (50.4, 30.5), (52.2, 21.0)


def peer(direction: float | None = 0.0, name: str = "Albania", waiting: int = 0) -> Peer:
    """One peer whose link works."""
    return Peer(
        code="AL", name=name, detail="heard 2 min ago", waiting=waiting, state=LinkState.WORKS, direction=direction
    )


PEERS = st.lists(
    st.builds(
        peer,
        direction=st.none() | st.floats(-math.pi, math.pi),
        name=st.text("aWж م", min_size=1, max_size=60),
        waiting=st.integers(0, 100_000),
    ),
    min_size=1,
    max_size=20,
)


def circle(node: Node) -> Box:
    """The square around the circle of a peer."""
    return Box(x=node.x - RADIUS, y=node.y - RADIUS, width=2 * RADIUS, height=2 * RADIUS)


@settings(max_examples=60, deadline=None)
@given(PEERS)
def test_nothing_is_outside_and_nothing_overlaps(peers: list[Peer]):
    """Of one to twenty peers in any direction, with names of any length: circles, labels, and ourselves."""
    layout = lay_out(peers)
    us = Box(x=layout.x - OURS, y=layout.y - OURS, width=2 * OURS, height=2 * OURS)
    boxes = [us, *map(circle, layout.nodes), *(node.label for node in layout.nodes if node.label)]
    assert len(layout.nodes) == len(peers)
    assert [box for box in boxes if not box.lies_in(layout.width, layout.height)] == []
    assert [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])] == []


@settings(max_examples=60, deadline=None)
@given(PEERS)
def test_the_narrow_one_has_room_for_its_numbers(peers: list[Peer]):
    """Circles and tags lie inside; a tag covers no other peer and no other tag."""
    layout = lay_out(peers, narrow=True)
    tags = [(node, find_tag(node)) for node in layout.nodes]
    assert [box for _, box in tags if not box.lies_in(layout.width, layout.height)] == []
    for (one, tag), (other, its) in combinations(tags, 2):
        assert not tag.overlaps(its) and not circle(one).overlaps(circle(other))
        assert not tag.overlaps(circle(other)) and not its.overlaps(circle(one))


@settings(max_examples=60, deadline=None)
@given(PEERS)
def test_no_line_crosses_a_label(peers: list[Peer]):
    """A link ends at its peer, and labels lie outside of all of them."""
    layout = lay_out(peers)
    for node in layout.nodes:
        for step in range(1, 100):
            x = layout.x + (node.x - layout.x) * step / 100
            y = layout.y + (node.y - layout.y) * step / 100
            point = Box(x=x, y=y, width=0.01, height=0.01)
            assert not any(other.label and other.label.overlaps(point) for other in layout.nodes)


@pytest.mark.parametrize(("there", "left", "north"), [(RABAT, True, False), (KYIV, False, True), (WARSAW, False, True)])
def test_a_country_stands_where_it_lies(there: tuple[float, float], left: bool, north: bool):
    """From Paris, Morocco is in the south-west, Ukraine and Poland in the north-east."""
    (node,) = (layout := lay_out([peer(find_direction(PARIS, there))])).nodes
    assert (node.left, node.y < layout.y) == (left, north)


def test_who_lies_further_north_stands_higher():
    """On one side, in the order of their directions; who has none stands last where there are fewer."""
    south, east, north, lost = peer(-1.0), peer(0.1), peer(1.2), peer(None)
    nodes = lay_out([south, lost, north, east]).nodes
    heights = {id(node.peer): node.y for node in nodes if not node.left}
    assert heights[id(north)] < heights[id(east)] < heights[id(south)]
    assert [node.peer for node in nodes if node.left] == [lost]


def test_no_direction_is_made_up():
    """Of a country that is not in the region pack, and of one in the same place."""
    assert find_direction(PARIS, None) is None
    assert find_direction(None, PARIS) is None
    assert find_direction(PARIS, PARIS) is None


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("state", LinkState)
def test_a_state_is_a_line_and_a_shape_beside_its_colour(state: LinkState, narrow: bool):
    """Dashes or a shape of its own; no style, nothing unescaped, and a sentence for who cannot see it."""
    looks = [(look.dashes, look.shape) for look in LOOKS.values()]
    assert len(set(looks)) == len(LinkState)
    one = Peer(code="MA", name="<b>", detail="5 waiting", waiting=5, state=state, direction=-2.0)
    drawn = str(draw_network("FR", [one], "1 of 1 links work", narrow=narrow))
    root = ET.fromstring(drawn)
    assert (root.get("role"), root.get("aria-label")) == ("img", "1 of 1 links work")
    assert "style" not in drawn and "<b>" not in drawn
    texts = ["".join(element.itertext()) for element in root.iter("text")]
    assert texts == (["FR", "MA", "5"] if narrow else ["FR", "MA", "<b>", "5 waiting"])


def test_a_label_ends_at_its_peer_in_either_direction_of_writing():
    """The anchor of a text is its beginning, which is on the right in Arabic: it is turned, the picture is not."""
    there = peer(find_direction(PARIS, KYIV), waiting=1)
    anchors = [
        [
            element.get("text-anchor")
            for element in ET.fromstring(str(draw_network("FR", [there], "", rtl=rtl))).iter("text")
        ]
        for rtl in (False, True)
    ]
    assert anchors == [[None, None, "start", "start"], [None, None, "end", "end"]]

"""The network of a node: itself in the middle, every peer in its direction, a line for each link (pure).

Peers stand on an ellipse, to the left or to the right as they lie from here, from north to south, each with room for
its label: so no line crosses a label, and no two labels touch. It is a picture of links and not a map, so it is not
mirrored for a language that is written from right to left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from markupsafe import Markup

from gateway.console.pictures.svg import SMALLEST, Box, draw, frame, measure, paint, write

WIDE, NARROW = 800, 300
GAP = 52
"""Between two peers of one side, from middle to middle: a label of two lines, and a node with its tag."""
RADIUS, OURS = 21, 27
MARGIN = 46
"""Around the nodes: half of one, and its tag."""
BESIDE = 30
"""From the middle of a node to its label."""
LONGEST = 320
"""Width of a label; a longer one is only in the table."""
LOWEST = 130
"""Half of the height of a picture of few peers."""
ARC = 0.9
"""How far up and down the ellipse peers stand: at its ends those of both sides would meet."""


class LinkState(StrEnum):
    """How a link is, the worst first."""

    DOWN = "down"
    SLOW = "slow"
    AGREEMENT = "agreement"
    PAUSED = "paused"
    WORKS = "works"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLook:
    """Colour (a token of the style sheet), line and shape of a state; its word stands in the legend and the table."""

    colour: str
    dashes: str | None
    shape: str | None


LOOKS: Mapping[LinkState, LinkLook] = {
    LinkState.WORKS: LinkLook(colour="ok", dashes=None, shape="tick"),
    LinkState.SLOW: LinkLook(colour="soon", dashes="9 6", shape="clock"),
    LinkState.DOWN: LinkLook(colour="late", dashes="1 7", shape="cross"),
    LinkState.PAUSED: LinkLook(colour="block", dashes=None, shape=None),
    LinkState.AGREEMENT: LinkLook(colour="theirs", dashes="16 6", shape="hourglass"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One peer: its code in the node, its name and a second line beside it, how many messages wait for it, and its
    direction from here in radians (0 east, counter-clockwise), None where nobody knows.
    """

    code: str
    name: str
    detail: str
    waiting: int
    state: LinkState
    direction: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Where a peer stands."""

    peer: Peer
    x: float
    y: float
    left: bool
    label: Box | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where everything stands in a picture of this size."""

    width: float
    height: float
    x: float
    y: float
    nodes: tuple[Node, ...]


def find_direction(here: tuple[float, float] | None, there: tuple[float, float] | None) -> float | None:
    """Find the direction from one place to another, both as degrees north and east; None where one is unknown."""
    if here is None or there is None or here == there:
        return None
    north = there[0] - here[0]
    east = (there[1] - here[1] + 180) % 360 - 180
    return math.atan2(north, east * math.cos(math.radians((here[0] + there[0]) / 2)))


def lay_out(peers: Sequence[Peer], *, narrow: bool = False) -> Layout:
    """Place every peer; a narrow picture has no labels."""
    width = NARROW if narrow else WIDE
    left, right = _split(peers)
    room = [0.0 if narrow else max(map(_width, side), default=0.0) for side in (left, right)]
    reach = max((len(side) - 1) * GAP / 2 / ARC for side in (left, right))
    reach = max(float(LOWEST), reach)
    middle = reach * ARC + MARGIN
    if not left or not right:
        half = width - sum(room) - MARGIN - (OURS + 8)
        centre = float(width - OURS - 8 if left else OURS + 8)
    else:
        half = (width - sum(room) - 2 * MARGIN) / 2
        centre = room[0] + MARGIN + half
    nodes = [
        _place(peer, y, middle=middle, reach=reach, half=half, centre=centre, left=side is left, narrow=narrow)
        for side in (left, right)
        for peer, y in zip(side, _spread([_height(peer, reach * ARC) for peer in side], reach * ARC), strict=True)
    ]
    return Layout(width=width, height=2 * middle, x=centre, y=middle, nodes=tuple(nodes))


def draw_network(ours: str, peers: Sequence[Peer], label: str, *, narrow: bool = False, rtl: bool = False) -> Markup:
    """Draw the picture; `ours` is the code of this node's country."""
    layout = lay_out(peers, narrow=narrow)
    return frame(
        layout.width,
        layout.height,
        label,
        draw("rect", width=layout.width, height=layout.height, rx=4, fill=paint("sunken")),
        draw("g", *(_draw_link(layout, node) for node in layout.nodes), stroke_width=3),
        draw("circle", cx=layout.x, cy=layout.y, r=OURS, fill=paint("ours")),
        write(ours, layout.x, layout.y + 5, fill=paint("on-ours"), font_weight=700),
        draw(
            "g", *(_draw_node(node, narrow=narrow, rtl=rtl) for node in layout.nodes), stroke_width=3, font_weight=700
        ),
        narrow=narrow,
    )


def _split(peers: Sequence[Peer]) -> tuple[list[Peer], list[Peer]]:
    """Put each peer on its side, north first; one without a direction stands last where there are fewer."""
    known = [peer for peer in peers if peer.direction is not None]
    sides = (
        [peer for peer in known if math.cos(peer.direction or 0) < 0],
        [peer for peer in known if math.cos(peer.direction or 0) >= 0],
    )
    for side in sides:
        side.sort(key=lambda peer: -math.sin(peer.direction or 0))
    for peer in peers:
        if peer.direction is None:
            min(sides, key=len).append(peer)
    return sides


def _width(peer: Peer) -> float:
    width = max(measure(peer.name), measure(peer.detail))
    return width if width <= LONGEST else 0.0


def _height(peer: Peer, most: float) -> float:
    """How far below the middle a peer would stand if it were alone."""
    return most if peer.direction is None else -math.sin(peer.direction) * most


def _spread(heights: Sequence[float], most: float) -> list[float]:
    """Move what is sorted apart, as little as is needed: `GAP` between any two, and none beyond `most`."""
    found: list[float] = []
    for height in heights:
        found.append(max(height, found[-1] + GAP if found else -most))
    limit = most
    for place in reversed(range(len(found))):
        found[place] = min(found[place], limit)
        limit = found[place] - GAP
    return found


def _place(
    peer: Peer, y: float, *, middle: float, reach: float, half: float, centre: float, left: bool, narrow: bool
) -> Node:
    out = half * math.sqrt(1 - (y / reach) ** 2)
    x, y, width = centre + (-out if left else out), middle + y, _width(peer)
    start = x - BESIDE - width if left else x + BESIDE
    label = None if narrow or not width else Box(x=start, y=y - 19, width=width, height=38)
    return Node(peer=peer, x=x, y=y, left=left, label=label)


def _draw_link(layout: Layout, node: Node) -> Markup:
    look, away = LOOKS[node.peer.state], math.dist((layout.x, layout.y), (node.x, node.y))
    east, south = (node.x - layout.x) / away, (node.y - layout.y) / away
    x, y = (layout.x + node.x) / 2, (layout.y + node.y) / 2
    line = draw(
        "line",
        x1=layout.x + east * OURS,
        y1=layout.y + south * OURS,
        x2=node.x - east * RADIUS,
        y2=node.y - south * RADIUS,
        stroke=paint(look.colour),
        stroke_dasharray=look.dashes,
        stroke_linecap="round" if node.peer.state is LinkState.DOWN else None,
    )
    disc = draw("circle", cx=x, cy=y, r=10, fill=paint(look.colour))
    pen = {"stroke": paint("surface"), "fill": "none"}
    if look.shape is None:
        return line + disc + draw("path", d=f"M{x - 3:.1f} {y - 5:.1f}v10m6 0v-10", **pen)
    return line + disc + draw("use", href=f"#s-{look.shape}", x=x - 7, y=y - 7, width=14, height=14, **pen)


def _draw_node(node: Node, *, narrow: bool, rtl: bool) -> Markup:
    peer, colour = node.peer, LOOKS[node.peer.state].colour
    circle = draw("circle", cx=node.x, cy=node.y, r=RADIUS, fill=paint("surface"), stroke=paint(colour))
    drawn = circle + write(peer.code, node.x, node.y + 5)
    if narrow and peer.waiting:
        return drawn + _draw_tag(str(peer.waiting), node, colour)
    if node.label is None:
        return drawn
    anchor, x = ("right", node.x - BESIDE) if node.left else ("left", node.x + BESIDE)
    name = write(peer.name, x, node.y - 3, anchor=anchor, rtl=rtl)
    fill = paint("ink2" if peer.state is LinkState.WORKS else colour)
    return (
        drawn + name + write(peer.detail, x, node.y + SMALLEST + 1, anchor=anchor, rtl=rtl, fill=fill, font_weight=400)
    )


def find_tag(node: Node) -> Box:
    """Find where the number of what waits stands at a node of the narrow picture."""
    width = max(18.0, measure(str(node.peer.waiting)) + 6)
    return Box(x=node.x + 24 - width, y=node.y - 28, width=width, height=18)


def _draw_tag(text: str, node: Node, colour: str) -> Markup:
    box = find_tag(node)
    return draw("rect", x=box.x, y=box.y, width=box.width, height=box.height, rx=4, fill=paint(colour)) + write(
        text, box.x + box.width / 2, box.y + 14, fill=paint("surface"), font_weight=700
    )

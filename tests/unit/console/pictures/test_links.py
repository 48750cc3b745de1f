"""How a link is: what people decided comes before what the machines found, and what is broken stands first."""

from __future__ import annotations

from typing import Any

import pytest
from support.consoles import NOW
from support.operated import HELD, PEER

from gateway.console.pictures import links
from gateway.console.pictures.links import judge_link, list_links
from gateway.console.pictures.network import LinkState

NOTHING = {"count": 0, "oldest": None}
CALM: dict[str, Any] = PEER | {
    "delivery": "idle",
    "queued": NOTHING,
    "unreceived": NOTHING,
    "failing_since": None,
    "contact": NOW - 120,
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, LinkState.WORKS),
        ({"delivery": "waiting", "queued": {"count": 1, "oldest": NOW - 900}}, LinkState.WORKS),
        ({"delivery": "waiting", "queued": {"count": 1, "oldest": NOW - 901}}, LinkState.SLOW),
        ({"unreceived": {"count": 1, "oldest": NOW}}, LinkState.SLOW),
        ({"delivery": "failing", "failing_since": NOW - 3_599}, LinkState.SLOW),
        ({"delivery": "failing", "failing_since": NOW - 3_600}, LinkState.DOWN),
        ({"delivery": "announced"}, LinkState.PAUSED),
        ({"delivery": "failing", "failing_since": 0, "state": "suspended"}, LinkState.PAUSED),
        ({"delivery": "held"}, LinkState.AGREEMENT),
        ({"state": "proposed"}, LinkState.AGREEMENT),
        ({"state": "verified"}, LinkState.AGREEMENT),
    ],
)
def test_a_link_has_one_state(changes: dict[str, Any], expected: LinkState):
    """What people decided comes before what the machines found."""
    assert judge_link(CALM | changes, NOW) is expected


def test_what_is_broken_stands_first():
    """Down before slow before agreed; revoked trust is no link any more."""
    status = {
        "peers": [
            CALM | {"name": "C"},
            PEER | {"name": "D"},
            HELD | {"name": "B"},
            CALM | {"name": "R", "state": "revoked"},
        ]
    }
    lines = {"peers": [{"name": name, "node": f"n1{name}", "country": "AL"} for name in "BCDR"]}
    assert [link.peer["name"] for link in list_links(status, lines, NOW)] == ["D", "B", "C"]


def test_every_state_has_its_words():
    """A word, how its line looks, a chip, what to do."""
    for table in (links.WORDS, links.LINES, links.ACTS, links.CHIPS):
        assert set(table) == set(LinkState)

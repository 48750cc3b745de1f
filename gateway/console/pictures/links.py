"""How the link to each peer is, and what to do: what `node.status` and `peer.list` say, as one state (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.console.pictures.network import LinkState
from gateway.console.states import Table
from gateway.console.words import N_

HOUR = 3_600
PATIENCE = 900
"""Seconds for which a message may wait before its link is called slow."""
NO_LINK = frozenset({"revoked"})
UNAGREED = frozenset({"proposed", "verified"})
STOPPED = frozenset({"suspended", "suspended_for_cause"})
ORDER = tuple(LinkState)
WORDS: Table = {
    "works": N_("Works"),
    "slow": N_("Slow"),
    "down": N_("Down"),
    "paused": N_("Paused"),
    "agreement": N_("Not agreed"),
}
LINES: Table = {
    "works": N_("solid line"),
    "slow": N_("dashed line"),
    "down": N_("dotted line"),
    "paused": N_("solid line, two bars"),
    "agreement": N_("long dashes, an hourglass"),
}
"""How each is drawn, for the legend."""
ACTS: Table = {
    "works": "",
    "slow": N_("Wait: it tries again by itself"),
    "down": N_("Call the people who run their node"),
    "paused": N_("It goes on when people say so"),
    "agreement": N_("Two administrators have to agree first"),
}
CHIPS: Mapping[str, tuple[str, str]] = {
    "works": ("ok", "tick"),
    "slow": ("soon", "clock"),
    "down": ("late", "late"),
    "paused": ("", "blocked"),
    "agreement": ("theirs", "hourglass"),
}
"""Class and shape of the chip of a state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The link to one peer: `peer` is its line of `node.status`, `node` and `country` those of `peer.list`."""

    peer: Mapping[str, Any]
    node: str
    country: str
    state: LinkState


def list_links(status: Mapping[str, Any], peers: Mapping[str, Any], now: int) -> list[Link]:
    """List every link that there is, the worst first, then by what waits."""
    lines = {one["name"]: one for one in peers["peers"]}
    links = [
        Link(
            peer=one,
            node=lines[one["name"]]["node"],
            country=lines[one["name"]]["country"],
            state=judge_link(one, now),
        )
        for one in status["peers"]
        if one["name"] in lines and one["state"] not in NO_LINK
    ]
    return sorted(links, key=lambda link: (ORDER.index(link.state), -link.peer["queued"]["count"], link.country))


def judge_link(peer: Mapping[str, Any], now: int) -> LinkState:
    """Judge one line of `node.status`: what people decided comes first, then whether it answers, then how quickly."""
    if peer["state"] in STOPPED or peer["delivery"] == "announced":
        return LinkState.PAUSED
    if peer["state"] in UNAGREED or peer["delivery"] == "held":
        return LinkState.AGREEMENT
    if peer["delivery"] == "failing":
        return LinkState.DOWN if now - (peer["failing_since"] or now) >= HOUR else LinkState.SLOW
    oldest = peer["queued"]["oldest"]
    if peer["unreceived"]["count"] or (oldest is not None and now - oldest > PATIENCE):
        return LinkState.SLOW
    return LinkState.WORKS

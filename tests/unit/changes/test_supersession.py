"""Supersession: a later change takes back what it decides anew, and only then is the earlier one over."""

from __future__ import annotations

from support.tables import table

from gateway.changes.rules import (
    Action,
)
from gateway.changes.supersession import superseded


@table(
    "what, actions, over",
    [
        ("nothing", [], []),
        ("one", ["peer.activate"], [None]),
        ("a stop and its end", ["peer.activate", "peer.suspend", "peer.resume"], [None, 2, None]),
        ("a widening that waited, and less since", ["peer.activate", "peer.widen", "peer.narrow"], [None, 2, None]),
        ("scope and expiry one after the other", ["peer.activate", "peer.narrow", "peer.renew"], [2, None, None]),
        ("revoked", ["peer.activate", "peer.suspend", "peer.revoke"], [2, 2, None]),
        ("what decides nothing of these", ["peer.confirm_roots", "link.reset", "peer.revoke"], [None, None, None]),
        ("with roots confirmed between", ["peer.activate", "peer.confirm_roots", "peer.revoke"], [2, None, None]),
        ("a policy", ["policy.begin", "policy.widen", "policy.narrow"], [1, 2, None]),
        ("a damaged one", [None, "peer.revoke"], [None, None]),
    ],
)
def test_row_94_what_was_superseded(what: str, actions: list[str | None], over: list[int | None]) -> None:
    """Each change with the place of the later one that left nothing of it."""
    assert superseded([None if action is None else Action(action) for action in actions]) == over

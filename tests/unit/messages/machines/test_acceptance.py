"""The incoming machine: entries, order, hand-over, and the person who looks at what is held."""

from __future__ import annotations

import pytest

from gateway.foundation.state_machine import IllegalStep
from gateway.messages.machines.acceptance import (
    ACCEPTANCE,
    FINAL,
    WAITING,
    Incoming,
    IncomingEvent,
    allows,
    exportable,
    step,
)

S, E = Incoming, IncomingEvent


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((E.HANDED, E.OPENED), S.OPENED),
        ((E.HANDED, E.HANDED, E.OPENED, E.OPENED, E.HANDED), S.OPENED),
        ((E.ADAPTER_REFUSED, E.RETRY, E.HANDED), S.HANDED_OVER),
        ((E.ADAPTER_REFUSED, E.HANDED), S.HANDED_OVER),
        ((E.ADAPTER_REFUSED, E.REJECT), S.REFUSED),
    ],
    ids=["as it should be", "acknowledged again", "mended", "taken at the desk", "sent back"],
)
def test_a_life_ends_where_the_theory_says(events, expected):
    """The named lives of a message end in the named state."""
    state = S.AWAITING_HANDOVER
    for event in events:
        state = step(state, event)
    assert expected == state


@pytest.mark.parametrize("event", [E.GAP_FILLED, E.GAP_TIMEOUT])
def test_a_gap_ends_by_filling_or_by_patience(event):
    """Both ways lead to the hand-over; the flag out_of_order is the caller's."""
    assert step(S.AWAITING_ORDER, event) is S.AWAITING_HANDOVER


@pytest.mark.parametrize("state", [S.AWAITING_ORDER, S.AWAITING_HANDOVER, S.HELD, S.REFUSED])
def test_nothing_is_opened_that_was_not_handed_over(state):
    """An answer that comes before the acknowledgement does not end the hand-over."""
    assert not allows(state, E.OPENED)
    with pytest.raises(IllegalStep, match="acceptance"):
        step(state, E.OPENED)


def test_the_owed_and_the_final_do_not_meet():
    """HANDED_OVER is neither owed by this node nor final: a human still has to open it."""
    assert not FINAL & WAITING
    assert set(Incoming) - FINAL - WAITING == {S.HANDED_OVER}
    assert {row.source for row in ACCEPTANCE.table if row.event is E.RETRY} == {S.HELD}


@pytest.mark.parametrize(
    ("header", "may"),
    [
        ({"handling": {"export_to_local": "full"}}, True),
        ({"handling": {"export_to_local": "summary"}}, False),
        ({"handling": {"export_to_local": "none"}}, False),
        ({"handling": {}}, False),
        ({"handling": "full"}, False),
        ({}, False),
    ],
)
def test_the_case_system_has_what_its_sender_lets_it_have(header, may):
    """A word that is not there permits nothing."""
    assert exportable(header) is may

"""A conversation put together from its messages: what each says counts in the order that both sides have."""

from __future__ import annotations

from typing import Any

import pytest
from support.rows import message

from gateway.conversations.history import Opened, Side
from gateway.conversations.loaded import ReadMessage, make_loaded
from gateway.conversations.rules import facts
from gateway.messages.store.messages import IN, OUT

HOST, RECEIVING = facts.Side.HOST, facts.Side.RECEIVING


def read(ref: int, n: int, status: str, *, created: int, side: facts.Side = HOST, seen: int = 0) -> ReadMessage:
    """A message that tells a legal status, at the signed time `created`; this node is the receiving side."""
    named: dict[str, Any] = {"id": f"{side} {n}", "created": created}
    ours, direction = (Side.THEIRS, IN) if side is HOST else (Side.OURS, OUT)
    content = {"legal_status": status}
    return ReadMessage(
        row=message(ref, direction=direction, n=n),
        message=facts.Message(side=side, n=n, seen=seen, kind="referral.request", **named),
        said=Opened(body_type="referral.request/1", side=ours, header={}, content=content, **named),
    )


@pytest.mark.parametrize("first", [1, 2])
def test_what_was_sealed_anew_is_not_said_again(first):
    """The first message was refused, sealed anew and signed after the second one: the second still counts, in whatever
    order they came.
    """
    messages = {1: read(first, 1, "irregular", created=900), 2: read(3 - first, 2, "asylum_pending", created=500)}
    held = make_loaded([messages[first], messages[3 - first]], None, whole=True)
    assert held.history().legal_status == "asylum_pending"
    assert [said.created for said in held.said.values()] == [900, 900]


def test_a_slow_clock_takes_nothing_back():
    """Our clock is behind that of the peer: what we say after we have read theirs counts all the same."""
    theirs = read(1, 4, "irregular", created=900)
    ours = read(2, 7, "asylum_pending", created=700, side=RECEIVING, seen=4)
    held = make_loaded([theirs, ours], None, whole=True)
    assert held.history().legal_status == "asylum_pending"
    crossing = read(2, 7, "asylum_pending", created=700, side=RECEIVING)
    assert make_loaded([theirs, crossing], None, whole=True).history().legal_status == "irregular"


def test_each_keeps_its_time_where_the_times_go_up():
    """Nothing is made anew then."""
    messages = [read(n, n, "irregular", created=100 * n) for n in (1, 2, 3)]
    held = make_loaded(messages, None, whole=True)
    assert [held.said[one.row.ref] is one.said for one in messages] == [True, True, True]

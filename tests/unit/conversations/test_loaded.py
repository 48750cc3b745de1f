"""A conversation put together from its messages: what each says counts in the order in which its side numbered them."""

from __future__ import annotations

from typing import Any

import pytest
from support.rows import message

from gateway.conversations.history import Opened, Side
from gateway.conversations.loaded import ReadMessage, make_loaded
from gateway.conversations.rules import facts
from gateway.messages.store.messages import IN


def read(ref: int, n: int, status: str, *, created: int, **row: Any) -> ReadMessage:
    """A message of the peer that tells a legal status, at the signed time `created`."""
    content = {"legal_status": status}
    said = Opened(
        body_type="referral.request/1", side=Side.THEIRS, created=created, n=n, header={}, content=content, id=f"m{n}"
    )
    told = facts.Message(id=f"m{n}", side=facts.Side.HOST, n=n, seen=0, created=created, kind="referral.request")
    return ReadMessage(row=message(ref, direction=IN, n=n, **row), message=told, said=said)


@pytest.mark.parametrize("first", [1, 2])
def test_what_was_sealed_anew_is_not_said_again(first):
    """The first message was refused, sealed anew and signed after the second one: the second still counts, in whatever
    order they came.
    """
    messages = {1: read(first, 1, "irregular", created=900), 2: read(3 - first, 2, "asylum_pending", created=500)}
    held = make_loaded([messages[first], messages[3 - first]], None, whole=True)
    assert held.history().legal_status == "asylum_pending"
    assert [said.created for said in held.said.values()] == [900, 900]


def test_each_keeps_its_time_where_the_times_go_up():
    """Nothing is made anew then."""
    messages = [read(n, n, "irregular", created=100 * n) for n in (1, 2, 3)]
    held = make_loaded(messages, None, whole=True)
    assert [held.said[one.row.ref] is one.said for one in messages] == [True, True, True]


def test_the_other_side_has_numbers_and_times_of_its_own():
    """A late number of the peer moves nothing of ours."""
    theirs = read(1, 1, "irregular", created=900)
    said = Opened(body_type="info.reply/1", side=Side.OURS, created=500, n=7, header={}, content={}, id="m7")
    told = facts.Message(id="m7", side=facts.Side.RECEIVING, n=7, seen=0, created=500, kind="info.reply")
    held = make_loaded([theirs, ReadMessage(row=message(2, n=7), message=told, said=said)], None, whole=True)
    assert held.said[2] is said

"""gateway.cases.list_rules: what the list of cases goes by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.cases.list_rules import ListedCase, Talk
from gateway.foundation.ids import CaseId, NodeId

AL, MA = NodeId("n1al"), NodeId("n1ma")


def talk(peer: NodeId = AL, **facts: Any) -> Talk:
    """A conversation that goes on."""
    return replace(Talk(key=(b"one", peer), live=True), **facts)


def case(*talks: Talk) -> ListedCase:
    """A case that began a while ago."""
    return ListedCase(id=CaseId("one"), at=100, talks=talks)


def test_a_case_goes_by_all_that_is_said_in_it() -> None:
    """The first deadline of each side, what happened last, the furthest stage of what goes on."""
    found = case(talk(theirs=1_100, moved=800, stage=3), talk(MA, ours=1_500, moved=200, stage=0))
    assert (found.ours, found.theirs, found.moved, found.stage, found.closed) == (1_500, 1_100, 800, 3, False)
    found = case(talk(live=False, stage=4), talk(MA, stage=1))
    assert (found.moved, found.stage, found.closed) == (100, 1, False)
    assert (case().closed, case().stage) == (False, None)


def test_a_case_is_closed_when_nobody_has_to_do_anything() -> None:
    """What was withdrawn stays in the list until the other side has acknowledged it."""
    over = talk(live=False, stage=2)
    assert case(over).closed
    assert case(over).stage == 2
    assert not case(replace(over, theirs=500)).closed
    assert not case(over, talk(MA)).closed


def test_what_is_over_first() -> None:
    """By the deadline, and of two at the same time where this node acts."""
    later, theirs, ours = talk(ours=900), talk(theirs=500), talk(MA, ours=500)
    assert case(later, theirs, ours).first == ours
    assert case(later, theirs).first == theirs
    assert case(talk()).first is None

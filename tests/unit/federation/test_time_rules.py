"""Whether a clock is confirmed, for everything that can have been seen of the time (nrm1 12.17)."""

from __future__ import annotations

from typing import Any

from support.tables import table

from gateway.federation.time_rules import AGREES, GAP, SKEW, Doubt, Known, Reading, Signed, TimeStanding, judge_time

NOW = 1_800_000_000
RAN = 5_000.0
BEGUN = Reading(NOW - 600, RAN - 600)
"""The start, ten minutes ago; nobody has set the clock since."""


def said(off: int = 0, *, ago: int = 60, set_since: int = 0) -> Signed:
    """What a peer signed `ago` seconds ago, whose clock is `off` seconds ahead of ours as it is now; ours was set by
    `set_since` seconds after it came.
    """
    return Signed(NOW - ago + off, Reading(NOW - ago - set_since, RAN - ago))


def judged(ahead: int = 0, **known: Any) -> TimeStanding:
    """What is thought of our clock when it is set `ahead` now."""
    facts = {"begun": BEGUN, "believed": BEGUN.wall, "floor": 0, "signed": {}, "person": None} | known
    return judge_time(Known(**facts), Reading(NOW + ahead, RAN))


PERSON = Reading(NOW - 30, RAN - 30)
ROWS: list[tuple[str, int, dict[str, Any], Doubt | None, bool]] = [
    ("nobody has said anything", 0, {}, Doubt.UNSEEN, False),
    ("a peer agrees", 0, {"signed": {"a": said()}}, None, False),
    ("a peer agrees just so", 0, {"signed": {"a": said(AGREES)}}, None, False),
    ("a peer is a second too far", 0, {"signed": {"a": said(AGREES + 1)}}, Doubt.CONTRADICTED, False),
    ("a peer is behind", 0, {"signed": {"a": said(-AGREES - 1)}}, Doubt.CONTRADICTED, False),
    ("a peer said it weeks ago", 0, {"signed": {"a": said(ago=400)}}, None, False),
    ("one agrees, one does not", 0, {"signed": {"a": said(), "b": said(9_000)}}, None, False),
    (
        "one agrees, two do not",
        0,
        {"signed": {"a": said(), "b": said(9_000), "c": said(-9_000)}},
        Doubt.CONTRADICTED,
        False,
    ),
    ("a person says so", 0, {"person": PERSON}, None, False),
    (
        "a person does not overrule a peer",
        0,
        {"person": PERSON, "signed": {"a": said(9_000)}},
        Doubt.CONTRADICTED,
        False,
    ),
    ("the clock was set after a peer had agreed", 3_600, {"signed": {"a": said()}}, Doubt.MOVED, False),
    ("it was set by less than what agrees", 500, {"signed": {"a": said()}}, None, False),
    ("it was set after a person had agreed", 3_600, {"person": PERSON}, Doubt.MOVED, False),
    ("it was set and nobody had agreed", 3_600, {}, Doubt.MOVED, False),
    ("it was set by more than a day", GAP + 1, {"signed": {"a": said()}}, Doubt.MOVED, True),
    ("it was set back by more than a day", -GAP - 1, {}, Doubt.MOVED, True),
    ("it slept for a day, a peer says so", GAP + 1, {"signed": {"a": said(GAP + 1)}}, None, False),
    (
        "it slept, one peer says so, another was heard before",
        GAP + 1,
        {"signed": {"a": said(GAP + 1), "b": said(), "c": said()}},
        None,
        False,
    ),
    ("the node was off for a day", 0, {"believed": BEGUN.wall - GAP - 1}, Doubt.UNSEEN, True),
    ("the node was off for less", 0, {"believed": BEGUN.wall - GAP}, Doubt.UNSEEN, False),
    ("it was off, and a peer agrees", 0, {"believed": 1, "signed": {"a": said()}}, None, False),
    ("it was off, and a person agrees", 0, {"believed": 1, "person": PERSON}, None, False),
    ("the node never ran", 0, {"believed": None}, Doubt.UNSEEN, False),
    (
        "every peer is more than a day away",
        0,
        {"signed": {"a": said(GAP + 60), "b": said(-2 * GAP)}},
        Doubt.CONTRADICTED,
        True,
    ),
    ("earlier than what was signed", 0, {"floor": NOW + SKEW + 1, "signed": {"a": said()}}, Doubt.BACK, True),
    ("earlier by what clocks may differ", 0, {"floor": NOW + SKEW, "signed": {"a": said()}}, None, False),
]


@table("what, ahead, known, doubt, held", ROWS)
def test_what_was_seen_decides(what: str, ahead: int, known: dict[str, Any], doubt: Doubt | None, held: bool) -> None:
    """Each row: what was seen, the doubt that is left, and whether ordinary sending waits."""
    found = judged(ahead, **known)
    assert (found.doubt, found.held) == (doubt, held)
    assert found.confirmed is (doubt is None)
    assert found.steady is (not held and doubt in (None, Doubt.UNSEEN))


def test_a_clock_that_is_right_again_is_confirmed_by_what_was_seen_before() -> None:
    """Set away and set right: the time that was signed before agrees again, and nobody has to be asked."""
    signed = {"a": said()}
    assert judged(200 * GAP, signed=signed).held
    assert judged(0, signed=signed).confirmed


def test_each_peer_is_told_by_how_much_it_differs() -> None:
    """Seconds by which ours is ahead; a peer that was heard before the clock was set says nothing about it."""
    found = judged(0, signed={"a": said(30), "b": said(-40), "c": said(7_200, set_since=7_200)})
    assert found.off == {"a": -30, "b": 40}

"""Verdicts on numbers: each rule of nrm1 5.2 by name."""

from __future__ import annotations

import pytest

from gateway.errors import Code
from gateway.messages.machines.numbering import (
    FIRST_EPOCH,
    MAX_AHEAD,
    Entry,
    Gap,
    LinkView,
    New,
    Refuse,
    Repeat,
    apply,
    judge,
    out_of_order,
    ready,
)


def entry(n: int) -> Entry:
    """Number n of the true chain: ids, links and prevs are told apart by n alone."""
    return Entry(id=f"id{n}", prev=None if n == 1 else f"link{n - 1}", link_hash=f"link{n}")


def view(high: int, *gaps: tuple[int, int], epoch: int = FIRST_EPOCH) -> LinkView:
    """A link that has accepted every number up to ``high`` that is not in a gap."""
    missing = [Gap(*gap) for gap in gaps]
    known = {n: entry(n) for n in range(1, high + 1) if not any(n in gap for gap in missing)}
    return LinkView(epoch=epoch, high=high, known=known, gaps=tuple(missing))


def verdict(link: LinkView, n: int, **changed: object) -> object:
    """The judgement of the true number n, with some of it changed."""
    true = entry(n)
    said: dict[str, object] = {"epoch": 1, "n": n, "id": true.id, "prev": true.prev, "link_hash": true.link_hash}
    return judge(link, **(said | changed))


def test_the_first_number_of_a_link():
    """Number 1 on an empty link is new and opens nothing."""
    assert verdict(view(0), 1) == New(fills_gap=False, opens_gap=None, behind_gap=False)


def test_the_next_number():
    """The number after the highest is new."""
    assert verdict(view(4), 5) == New(fills_gap=False, opens_gap=None, behind_gap=False)


def test_a_number_ahead_opens_a_gap():
    """What lies between the highest and the new number is missing, and the new number waits behind it."""
    assert verdict(view(4), 8) == New(fills_gap=False, opens_gap=Gap(5, 7), behind_gap=True)


def test_the_first_message_seen_may_be_the_third():
    """On an empty link everything below is missing."""
    assert verdict(view(0), 3) == New(fills_gap=False, opens_gap=Gap(1, 2), behind_gap=True)


def test_filling_a_gap_from_below():
    """The lowest missing number is not behind a gap."""
    assert verdict(view(8, (5, 7)), 5) == New(fills_gap=True, opens_gap=None, behind_gap=False)


def test_filling_a_gap_from_above():
    """A number inside a gap still waits for those below it."""
    assert verdict(view(8, (5, 7)), 7) == New(fills_gap=True, opens_gap=None, behind_gap=True)


def test_the_next_number_behind_an_old_gap():
    """The chain is whole at its end, but hand-over still waits."""
    assert verdict(view(8, (5, 7)), 9) == New(fills_gap=False, opens_gap=None, behind_gap=True)


def test_a_repeat():
    """The same number and link hash is the same message."""
    assert verdict(view(4), 3) == Repeat()


@pytest.mark.parametrize(
    ("link", "n", "changed", "code", "words"),
    [
        (view(4), 3, {"id": "id9", "link_hash": "other"}, Code.EQUIVOCATION, "used by another id"),
        (view(4), 3, {"link_hash": "other"}, Code.EQUIVOCATION, "used with another content"),
        (view(4), 5, {"id": "id3"}, Code.BAD_CHAIN, "known under another number"),
        (view(4), 5, {"epoch": 2}, Code.LINK_RESET_REQUIRED, "another epoch"),
        (view(4, epoch=3), 5, {}, Code.ROLLBACK, "has ended"),
        (view(4, epoch=3), 3, {}, Code.ROLLBACK, "has ended"),
        (view(4), 5 + MAX_AHEAD, {}, Code.BAD_CHAIN, "too far ahead"),
        (view(0), 1, {"prev": "link0"}, Code.BAD_CHAIN, "null exactly"),
        (view(4), 5, {"prev": None}, Code.BAD_CHAIN, "null exactly"),
        (view(4), 8, {"prev": None}, Code.BAD_CHAIN, "null exactly"),
        (view(4), 5, {"prev": "link3"}, Code.BAD_CHAIN, "the number before"),
        (view(8, (5, 7)), 5, {"prev": "link3"}, Code.BAD_CHAIN, "the number before"),
        (view(8, (5, 7)), 7, {"link_hash": "other"}, Code.BAD_CHAIN, "the number after"),
        (view(8, (5, 5)), 5, {"link_hash": "other"}, Code.BAD_CHAIN, "the number after"),
        (view(4), 0, {"prev": None}, Code.BAD_CHAIN, "start at 1"),
    ],
    ids=[
        "same number other id",
        "same number other content",
        "same id other number",
        "epoch of the future",
        "epoch of the past",
        "old epoch repeated",
        "100 001 ahead",
        "first with prev",
        "next without prev",
        "ahead without prev",
        "wrong prev",
        "wrong prev into a gap",
        "link refused by n+1",
        "fills the gap but n+1 disagrees",
        "number zero",
    ],
)
def test_one_fault_one_code(link, n, changed, code, words):
    """Each named fault alone gives its code."""
    found = verdict(link, n, **changed)
    assert isinstance(found, Refuse)
    assert code is found.code
    assert words in found.rule


def test_exactly_100_000_ahead_is_accepted():
    """The limit itself is inside."""
    assert isinstance(verdict(view(4), 4 + MAX_AHEAD), New)


def test_a_bad_chain_consumes_nothing():
    """The same id and number with the right prev is accepted afterwards (nrm1 5.2)."""
    link = view(4)
    assert isinstance(verdict(link, 5, prev="wrong"), Refuse)
    assert isinstance(verdict(link, 5), New)


@pytest.mark.parametrize(("n", "lost"), [(3, 3), (5, 4)])
def test_a_view_that_can_not_be_true_is_our_bug(n, lost):
    """A number that is neither missing nor known is never judged as new."""
    link = view(4)
    known = {k: v for k, v in link.known.items() if k != lost}
    with pytest.raises(RuntimeError, match="lacks a number"):
        verdict(LinkView(epoch=1, high=4, known=known), n)


@pytest.mark.parametrize(
    ("link", "n", "expected"),
    [
        (view(4), 5, (5, ())),
        (view(4), 8, (8, (Gap(5, 7),))),
        (view(8, (5, 7)), 6, (8, (Gap(5, 5), Gap(7, 7)))),
        (view(8, (5, 7)), 5, (8, (Gap(6, 7),))),
        (view(8, (5, 7)), 7, (8, (Gap(5, 6),))),
        (view(8, (5, 5)), 5, (8, ())),
        (view(8, (2, 3), (5, 7)), 11, (11, (Gap(2, 3), Gap(5, 7), Gap(9, 10)))),
    ],
)
def test_apply_keeps_gaps_as_ranges(link, n, expected):
    """A gap is cut, shortened or closed, and a new one is added at the end."""
    assert expected == apply(link, n)


def test_a_number_is_consumed_once():
    """Applying a consumed number is a bug of ours."""
    with pytest.raises(RuntimeError, match="consumed before"):
        apply(view(4), 3)


@pytest.mark.parametrize(("first", "last"), [(0, 1), (3, 2)])
def test_a_gap_is_a_range(first, last):
    """A gap holds at least one number and starts at 1."""
    with pytest.raises(ValueError, match="first <= last"):
        Gap(first, last)


@pytest.mark.parametrize(
    ("n", "now", "expected"),
    [(4, 1_000, True), (8, 1_000, False), (8, 1_599, False), (8, 1_600, True), (8, 401, False), (8, 400, True)],
)
def test_hand_over_waits_ten_minutes_for_a_gap(n, now, expected):
    """A number before the gap goes at once, one behind it 600 s after the gap was first seen; also where the clock was
    put back since by as much.
    """
    assert expected == ready(n, (Gap(5, 7),), 1_000, now)


def test_out_of_order_is_told_by_the_gaps():
    """Only a missing lower number makes a hand-over out of order."""
    assert out_of_order(8, (Gap(5, 7),))
    assert not out_of_order(4, (Gap(5, 7),))
    assert not out_of_order(8, ())


def test_a_gap_without_its_time_is_our_bug():
    """A shell that forgot when it saw the gap would wait for ever."""
    with pytest.raises(RuntimeError, match="first sight"):
        ready(8, (Gap(5, 7),), None, 1_000)

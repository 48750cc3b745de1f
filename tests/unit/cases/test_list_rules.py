"""gateway.cases.list_rules: which cases a list shows, in which order, page after page, and how many there are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.cases.list_rules import ListedCase, Order, Owes, Talk, Wanted, count, take_page
from gateway.foundation.ids import CaseId, NodeId

NOW = 1_000
AL, MA = NodeId("n1al"), NodeId("n1ma")


def talk(peer: NodeId = AL, **facts: Any) -> Talk:
    """A conversation that goes on."""
    return replace(Talk(key=(b"one", peer), live=True), **facts)


def case(id: str, *talks: Talk, **facts: Any) -> ListedCase:
    """A case that began a while ago."""
    return replace(ListedCase(id=CaseId(id), at=100, card=None, talks=talks), **facts)


LATE = case("late", talk(ours=900, moved=300, stage=1), mine=True)
WAITS = case("waits", talk(theirs=1_100, moved=800, stage=3), talk(MA, ours=1_500, moved=200, stage=0))
QUIET = case("quiet", talk(moved=500, stage=2), flagged=True)
OVER = case("over", talk(live=False, stage=4), talk(MA, live=False, ours=None))
EMPTY = case("empty", at=900)
ALL = (LATE, WAITS, QUIET, OVER, EMPTY)


def taken(wanted: Wanted) -> list[str]:
    """The cases that are wanted."""
    return [one.id for one in ALL if wanted.takes(one, NOW)]


def test_each_wish_narrows_the_list() -> None:
    """What came to its end is in a list of its own, and each of the others is of what goes on."""
    assert {str(name): taken(wanted) for name, wanted in WISHES.items()} == {
        "none": ["late", "waits", "quiet", "empty"],
        "closed": ["over"],
        "overdue": ["late"],
        "mine": ["late"],
        "flagged": ["quiet"],
        "us": ["late", "waits"],
        "them": ["waits"],
        "stage": ["waits"],
        "peer": ["waits"],
        "peer, closed": ["over"],
        "two": [],
    }


WISHES = {
    "none": Wanted(),
    "closed": Wanted(closed=True),
    "overdue": Wanted(overdue=True),
    "mine": Wanted(mine=True),
    "flagged": Wanted(flagged=True),
    "us": Wanted(owes=Owes.US),
    "them": Wanted(owes=Owes.THEM),
    "stage": Wanted(stage=3),
    "peer": Wanted(peer=MA),
    "peer, closed": Wanted(peer=MA, closed=True),
    "two": Wanted(mine=True, flagged=True),
}


def test_the_parts_are_counted() -> None:
    """All but what came to its end are of what goes on."""
    assert count(ALL, NOW) == {
        "open": 4,
        "mine": 1,
        "overdue": 1,
        "ours": 2,
        "theirs": 1,
        "flagged": 1,
        "closed": 1,
    }


def test_each_order() -> None:
    """By deadline what has none comes last and what moved last first; by rest what rests longest; by age the newest."""
    orders = {order: [one.id for one in take_page(ALL, order, 9, None)[0]] for order in Order}
    assert orders == {
        Order.DUE: ["late", "waits", "empty", "quiet", "over"],
        Order.RESTS: ["over", "late", "quiet", "waits", "empty"],
        Order.NEWEST: ["empty", "late", "over", "quiet", "waits"],
    }


times = st.none() | st.integers(min_value=0, max_value=5)
drawn = st.lists(
    st.tuples(st.integers(min_value=0, max_value=3), st.lists(st.tuples(times, times, times), max_size=2)), max_size=12
)


@given(drawn, st.sampled_from(Order), st.integers(min_value=1, max_value=4))
def test_pages_have_each_case_once(
    rows: list[tuple[int, list[tuple[int | None, ...]]]], order: Order, limit: int
) -> None:
    """In one order, however many share a place in it."""
    cases = [
        case(f"c{number}", *(talk(ours=ours, theirs=theirs, moved=moved) for ours, theirs, moved in talks), at=at)
        for number, (at, talks) in enumerate(rows)
    ]
    whole = [one.id for one in take_page(cases, order, len(cases) + 1, None)[0]]
    found, after = list[str](), None
    while True:
        page, after = take_page(cases, order, limit, after)
        found += [one.id for one in page]
        if after is None:
            break
    assert found == whole
    assert sorted(found) == sorted(one.id for one in cases)

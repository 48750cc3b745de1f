"""Local numbers: one process counts, workers never give the same one, all in the order of time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.cluster.rules import PLACES
from gateway.database.local_numbers import BEGIN_MS, LocalNumbers

NOW = 1_800_000_000_000


def test_one_process_counts_on():
    """From the highest there is."""
    numbers = LocalNumbers(41)
    assert [numbers.new() for _ in range(3)] == [42, 43, 44]


@given(
    st.lists(st.tuples(st.integers(1, PLACES), st.integers(-2, 5)), min_size=1, max_size=300),
    st.integers(0, (NOW - BEGIN_MS + 10) << 12),
)
def test_workers_never_give_the_same_number(steps: list[tuple[int, int]], highest: int):
    """Each grows, whatever the clocks do, beyond what there was, and a program that counts in doubles reads all."""
    clock, given_out, of = [NOW], set[int](), dict[int, LocalNumbers]()
    last: dict[int, int] = {}
    for place, ms in steps:
        clock[0] += ms
        if place not in of:
            of[place] = LocalNumbers(highest)
            of[place].share(place, lambda: clock[0])
        number = of[place].new()
        assert number not in given_out
        assert highest < number < 2**53
        assert last.get(place, 0) < number
        given_out.add(number)
        last[place] = number


def test_more_than_a_moment_holds_go_into_the_next():
    """A clock that stands still stops nobody."""
    numbers = LocalNumbers(0)
    numbers.share(3, lambda: NOW)
    made = [numbers.new() for _ in range(1_000)]
    assert made == sorted(set(made))
    assert {number >> 7 & 31 for number in made} == {3}


def test_stored_behind_a_higher_one():
    """One process stores soon what it numbered; the clock of another worker may be a minute off, as may this one."""
    alone, here, slow = LocalNumbers(41), LocalNumbers(41), LocalNumbers(41)
    first = alone.new()
    assert alone.lowest_stored_behind(alone.new()) < first
    here.share(1, lambda: NOW + 60_000)
    slow.share(2, lambda: NOW - 59_000)
    assert here.lowest_stored_behind(here.new()) < slow.new()

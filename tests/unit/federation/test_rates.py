"""The token buckets of receive step 1: fair, bounded, exact."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.federation import SteeredClock

from gateway.federation.rates import TokenBuckets, WorkBudgets


def buckets(clock: SteeredClock, *, rate: float = 2.0, burst: float = 4.0, addresses: int = 3) -> TokenBuckets:
    """Four at once, then two a second."""
    return TokenBuckets(monotonic=clock.monotonic, rate=rate, burst=burst, addresses=addresses)


def test_a_burst_is_granted_and_then_the_rate() -> None:
    """Four requests at once pass, the fifth waits half a second."""
    clock = SteeredClock()
    bucket = buckets(clock)
    assert [bucket.take("192.0.2.1") for _ in range(5)] == [True, True, True, True, False]
    clock.mono += 0.5
    assert [bucket.take("192.0.2.1") for _ in range(2)] == [True, False]


def test_one_address_does_not_use_up_the_tokens_of_another() -> None:
    """Each address has its own bucket."""
    bucket = buckets(SteeredClock())
    assert bucket.take("192.0.2.1", 4.0)
    assert not bucket.take("192.0.2.1")
    assert bucket.take("192.0.2.2")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "192.0.2.1", False),
    ],
)
def test_addresses_of_one_customer_share_a_bucket(one: str, other: str, same: bool) -> None:
    """IPv6 counts by /64, and an IPv4 address is itself however it is written."""
    bucket = buckets(SteeredClock())
    assert bucket.take(one, 4.0)
    assert bucket.take(other, 4.0) is not same


def test_the_memory_is_bounded() -> None:
    """With more addresses than it holds, the one that was quiet for longest is forgotten."""
    bucket = buckets(SteeredClock())
    for last in range(1, 10):
        assert bucket.take(f"192.0.2.{last}", 4.0)
    assert len(bucket) == 3
    assert not bucket.take("192.0.2.9")
    assert bucket.take("192.0.2.1")


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0.1, 5)), max_size=50))
def test_never_more_than_burst_plus_rate(steps: list[tuple[float, float]]) -> None:
    """Over any stretch of time the tokens spent stay within burst + rate x seconds."""
    clock = SteeredClock()
    bucket = buckets(clock)
    spent = 0.0
    for pause, cost in steps:
        clock.mono += pause
        if bucket.take("192.0.2.1", cost):
            spent += cost
    assert spent <= 4.0 + 2.0 * clock.mono + 1e-6


def test_a_budget_may_be_overdrawn_and_is_paid_off() -> None:
    """What was begun is finished; then the peer waits until the debt is gone, and another peer does not."""
    clock = SteeredClock()
    budgets = WorkBudgets(monotonic=clock.monotonic, share=0.5, saved=10.0)
    budgets.spend("one", 9.0)
    assert budgets.allows("one")
    budgets.spend("one", 6.0)
    assert not budgets.allows("one")
    assert budgets.allows("other")
    clock.mono += 10.0
    assert not budgets.allows("one")
    clock.mono += 0.1
    assert budgets.allows("one")


def test_no_more_than_the_limit_is_saved() -> None:
    """A peer that was quiet for a day has what it may save and no more."""
    clock = SteeredClock()
    budgets = WorkBudgets(monotonic=clock.monotonic, share=0.5, saved=10.0)
    budgets.spend("one", 1.0)
    clock.mono += 86_400.0
    budgets.spend("one", 10.0)
    assert not budgets.allows("one")

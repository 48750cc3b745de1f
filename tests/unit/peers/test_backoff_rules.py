"""How long a sender waits, and when a person is told."""

from __future__ import annotations

from gateway.errors import Code
from gateway.peers import backoff_rules
from gateway.peers.backoff_rules import Refusals

HOUR = 3_600


def test_the_wait_doubles_up_to_its_end():
    """By number of failures and code the longest wait in seconds; chance makes it as short as half."""
    expected = {
        (1, Code.UNREACHABLE): 1,
        (2, Code.REJECTED): 2,
        (6, Code.NOT_ACTIVE): 32,
        (12, Code.BAD_SIGNATURE): 2_048,
        (13, Code.BAD_SIGNATURE): HOUR,
        (500, Code.REJECTED): HOUR,
        (8, Code.UNKNOWN_RECIPIENT_KEY): 128,
        (10, Code.REVOKED_KEY): 300,
        (1, Code.LINK_RESET_REQUIRED): 300,
        (40, Code.LINK_RESET_REQUIRED): 300,
    }
    assert {key: backoff_rules.delay(*key, 1.0) for key in expected} == expected
    assert [backoff_rules.delay(3, Code.REJECTED, chance) for chance in (0.0, 0.5)] == [2.0, 3.0]


def test_six_refusals_of_one_kind_are_told():
    """The count begins anew with another code, and what is no answer of the peer neither counts nor ends it."""
    said = [Code.REJECTED] * 3 + [Code.NOT_ACTIVE] * 2 + [Code.UNREACHABLE] + [Code.NOT_ACTIVE] * 4
    refusals: Refusals | None = None
    told = []
    for second, code in enumerate(said):
        refusals = backoff_rules.count(refusals, code, second)
        told.append(backoff_rules.must_tell(refusals, second))
    assert told == [False] * 9 + [True]
    assert refusals == Refusals(code=Code.NOT_ACTIVE, times=6, since=0)


def test_an_hour_without_a_valid_answer_is_told():
    """Whatever the peer said meanwhile; one that is only away has other alarms."""
    first = backoff_rules.count(None, Code.MALFORMED, 100)
    later = backoff_rules.count(first, Code.BAD_SIGNATURE, 100 + HOUR - 1)
    assert not backoff_rules.must_tell(later, 100 + HOUR - 1)
    assert backoff_rules.must_tell(later, 100 + HOUR)
    for away in (Code.UNREACHABLE, Code.PROXY_AWAY, Code.PROXY_LOGIN, Code.PROXY_REFUSED):
        assert backoff_rules.count(None, away, 100) is None
    assert not backoff_rules.must_tell(None, 100 + HOUR)

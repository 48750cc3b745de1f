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


def test_a_peer_that_is_away_as_it_said_is_not_told_of():
    """For twelve hours in a row; what it says after that is counted from its own beginning."""
    away: Refusals | None = None
    for hour in range(12):
        away = backoff_rules.count(away, Code.MAINTENANCE, hour * HOUR)
        assert backoff_rules.is_announced(away, hour * HOUR)
        assert not backoff_rules.must_tell(away, hour * HOUR)
    assert backoff_rules.must_tell(away, 12 * HOUR)
    assert backoff_rules.count(away, Code.REJECTED, 13 * HOUR) == Refusals(code=Code.REJECTED, times=1, since=13 * HOUR)
    assert not backoff_rules.is_announced(None, 0)


def test_those_who_come_again_at_one_moment_spread():
    """Never before it, and within half a minute."""
    assert [backoff_rules.pause(600, chance) for chance in (0.0, 0.5, 1.0)] == [600.0, 615.0, 630.0]


def test_a_time_that_a_clock_left_behind_is_no_reason_to_wait():
    """A next try lies an hour ahead at most, and as far as the peer asked where it did; else the clock was put back."""
    times = {
        (-5, False): 0,
        (HOUR, False): HOUR,
        (HOUR + 1, False): 0,
        (11 * HOUR, True): 11 * HOUR,
        (13 * HOUR, True): 0,
    }
    assert {
        (ahead, said): backoff_rules.time_left(9_000 + ahead, 9_000, announced=said) for ahead, said in times
    } == times


def test_an_hour_without_a_valid_answer_is_told():
    """Whatever the peer said meanwhile; one that is only away has other alarms."""
    first = backoff_rules.count(None, Code.MALFORMED, 100)
    later = backoff_rules.count(first, Code.BAD_SIGNATURE, 100 + HOUR - 1)
    assert not backoff_rules.must_tell(later, 100 + HOUR - 1)
    assert backoff_rules.must_tell(later, 100 + HOUR)
    for away in (Code.UNREACHABLE, Code.PROXY_AWAY, Code.PROXY_LOGIN, Code.PROXY_REFUSED):
        assert backoff_rules.count(None, away, 100) is None
    assert not backoff_rules.must_tell(None, 100 + HOUR)

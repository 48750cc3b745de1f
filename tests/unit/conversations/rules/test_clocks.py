"""Deadlines of a conversation: whose calendar counts, and who may move the end (domain 5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from support.talk import DAY, HOST, HOUR, RECEIVING, SETTING, START, Talk, requested

from gateway.conversations.rules.clocks import Setting
from gateway.conversations.rules.machines import Referral
from schemas.clocks import load_clocks
from schemas.region_pack.regions import load_region


def end(day: int, month: int = 11) -> int:
    """The last second of a day of 2026 in France and Albania, which are both an hour ahead of UTC in winter."""
    return int(datetime(2026, month, day, 22, 59, 59, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(("owing", "day"), [(HOST, 12), (RECEIVING, 11)])
def test_the_calendar_of_the_side_that_owes_the_answer_counts(owing, day):
    """Three working days from Friday 6 November: Wednesday the 11th is a holiday in France alone (domain 5.3)."""
    friday = START + 4 * DAY
    assert SETTING.until("return_response", "normal", friday, owing).at == end(day)


def test_silence_counts_the_percentage_that_its_clock_names():
    """150 % of 24 hours for a decision, 100 % of three working days for conditions (domain 5.6)."""
    assert SETTING.silence("decision", "urgent", START, RECEIVING).at == START + 108 * HOUR
    assert SETTING.silence("decision", "emergency", START, RECEIVING) == SETTING.silence(
        "decision", "normal", START, RECEIVING
    )
    assert SETTING.silence("conditions", "normal", START, HOST).at == end(5)


def test_a_clock_without_a_percentage_has_no_silence():
    """To ask for it is a fault of the program, and no deadline is made up."""
    with pytest.raises(RuntimeError, match="opened"):
        SETTING.silence("opened", "normal", START, RECEIVING)


@pytest.mark.parametrize(("moved", "wanted"), [(-1, 0), (0, 0), (1, 1)])
def test_who_asks_moves_the_deadline_back_and_never_forward(moved, wanted):
    """A second more than the clock gives counts, a second less does not (domain 5.8)."""
    whole = START + 24 * HOUR
    asked = replace(Talk().say(HOST, "return.proposal"), respond_by=whole + moved)
    assert SETTING.until("return_response", "emergency", START, RECEIVING, asked=asked).at == whole + wanted


def test_a_reminder_at_half_the_time_stays_where_it_is():
    """More time for the answer moves its end and not what is told before it."""
    asked = replace(Talk().say(HOST, "return.proposal"), respond_by=START + 100 * DAY)
    half = SETTING.until("return_response", "emergency", START, RECEIVING, percent=50, asked=asked)
    assert half.at == START + 12 * HOUR


def test_a_named_day_ends_where_the_side_is():
    """The same day ends an hour earlier in Kyiv than in Paris."""
    apart = Setting(calendars={HOST: load_region("tact").calendar("FR"), RECEIVING: load_region("tact").calendar("UA")})
    named = date(2026, 11, 9)
    assert apart.end_of(named, HOST).at == end(9)
    assert apart.end_of(named, RECEIVING).at == end(9) - HOUR


def test_a_request_gives_more_time_for_its_decision_and_not_less():
    """`respond_by` beyond the end counts, before it does not."""
    talk = requested(respond_by=START + 100 * DAY)
    assert talk.fold(after=99 * DAY).state is Referral.UNDER_REVIEW
    assert talk.fold(after=101 * DAY).state is Referral.EXPIRED
    assert requested(respond_by=START).fold(after=DAY).state is Referral.UNDER_REVIEW


def test_who_learned_later_that_it_arrived_closes_no_earlier():
    """The sender may know of the hand-over alone and count from there: what is in time at the receiver is in time at
    the sender too, by every clock, whatever the day, the hour and the feast (domain 5.9).
    """
    starts = [START + hours * HOUR for hours in range(0, 24 * 8, 7)]
    for clock, found in load_clocks().items():
        for case in found.durations:
            for owing in (HOST, RECEIVING):
                ends = [SETTING.until(clock, case, start, owing).at for start in starts]
                assert ends == sorted(ends), (clock, case, owing)

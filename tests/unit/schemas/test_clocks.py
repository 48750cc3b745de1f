"""The clocks of a referral."""

from __future__ import annotations

import pytest
from support.tables import table

from schemas.clocks import PRIORITIES, Clock, Duration, Unit, load_clocks, load_reminders, parse_clock

NAMES = {
    "opened",
    "decision",
    "enquiry_reply",
    "info_reply",
    "nationality_reply",
    "traveldoc_reply",
    "family_report",
    "risk_part",
    "bid_confirm",
    "guardian_ack",
    "plan_reply",
    "return_response",
    "closure_response",
    "cancel_ack",
    "arrival",
    "withdrawal_ack",
    "erasure",
    "alert_ack",
    "alert_update",
    "correction_ack",
    "access_reply",
    "breach_ack",
    "directory_confirm",
    "stats_due",
    "acknowledge",
}
CASES = [set(PRIORITIES), {"any"}, {"soon", "later"}, {"child", "adult"}, {"ordinary", "misdirected"}]
CASES += [{"life", "other"}, {"safety", "ordinary"}, set()]


def entry(**durations: dict[str, object]) -> dict[str, object]:
    """A clock as the file has it."""
    return {"about": "answer", "source": "a law", "durations": durations}


def test_every_clock_of_the_deadline_table_is_there():
    """Each has what it is about, a source, and one of the known sets of cases."""
    assert NAMES - set(load_clocks()) == set()
    for clock in load_clocks().values():
        assert clock.about
        assert clock.source
        assert set(clock.durations) in CASES


@pytest.mark.parametrize(
    ("clock", "case", "expected"),
    [
        ("decision", "emergency", (24, Unit.HOURS)),
        ("decision", "urgent", (72, Unit.HOURS)),
        ("decision", "normal", (14, Unit.DAYS)),
        ("opened", "normal", (5, Unit.WORKING_DAYS)),
        ("nationality_reply", "emergency", (3, Unit.DAYS)),
        ("bid_confirm", "urgent", (14, Unit.DAYS)),
        ("alert_ack", "life", (1, Unit.HOURS)),
        ("erasure", "misdirected", (24, Unit.HOURS)),
    ],
)
def test_durations_are_those_of_the_table(clock, case, expected):
    """A sample of each kind, one that is the same for all cases included."""
    found = load_clocks()[clock].duration(case)
    assert expected == (found.count, found.unit)


def test_silence_speaks_where_the_table_says_so():
    """A request expires at 150 %; a closure and the conditions of an acceptance are settled at 100 %."""
    speaking = {name: clock.silence for name, clock in load_clocks().items() if clock.silence}
    assert speaking == {
        "decision": 150,
        "enquiry_reply": 150,
        "info_reply": 150,
        "conditions": 100,
        "closure_response": 100,
    }
    assert load_reminders() == (50, 100)
    patient = {name: dict(clock.silent_as) for name, clock in load_clocks().items() if clock.silent_as}
    assert patient == {name: {"emergency": "normal"} for name in ("decision", "info_reply")}


@table("clock", load_clocks().values(), ids=lambda clock: clock.name)
def test_an_emergency_never_stops(clock: Clock):
    """No emergency is counted in working days."""
    assert clock.durations.get("emergency", Duration(count=1, unit=Unit.HOURS)).unit is not Unit.WORKING_DAYS


@pytest.mark.parametrize(
    "bad",
    [
        entry(emergency={"working_days": 1}),
        entry(normal={"days": 1}) | {"silent_as": {"emergency": "normal"}},
        entry(any={"days": 0}),
        entry(any={"days": True}),
        entry(any={"weeks": 1}),
        entry(any={"days": 1, "hours": 1}),
        entry(),
        {**entry(any={"days": 1}), "named_in": "due"},
    ],
    ids=[
        "emergency in working days",
        "silent as none",
        "zero",
        "no number",
        "unknown unit",
        "two units",
        "nothing",
        "both",
    ],
)
def test_a_bad_clock_is_refused(bad):
    """One fault each."""
    with pytest.raises(ValueError, match=r".+"):
        parse_clock("bad", bad)


def test_a_case_that_does_not_exist_is_our_bug():
    """A clock asked for a case it does not have says so."""
    with pytest.raises(RuntimeError, match="no such case"):
        load_clocks()["arrival"].duration("normal")

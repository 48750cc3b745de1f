"""gateway.erasure.retention_rules: the rule that ends first counts, a hold wins, and the report counts every
message.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.zones import standing_in

import schemas
from gateway.conversations.rules.machines import Referral
from gateway.erasure.retention_rules import (
    DAY,
    Decision,
    Item,
    Plan,
    RetentionDecision,
    RetentionFacts,
    add_taken,
    decide,
    ends_at,
    rest_after,
)
from schemas.retention import load_retention, parse_retention
from schemas.types import type_name

RULES = load_retention().rules
ERASE, KEEP, UNDER_WAY = RetentionDecision.ERASE, RetentionDecision.KEEP, RetentionDecision.UNDER_WAY
START = 1_800_000_000
FAR = date(2099, 12, 31)
REFERRAL = RetentionFacts(kind="referral", last=START)


def item(**changes: object) -> Item:
    """A referral request that came at START and may be kept for long."""
    made = Item(
        ref=1,
        body_type="referral.request/1",
        sensitivity="special",
        at=START,
        retain_until=FAR,
        under_way=False,
        standing=REFERRAL,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def ends(what: Item) -> tuple[str | None, int | None]:
    """The rule that ends first, and the whole days after START at which it does."""
    found = decide(what, RULES, START)
    return found.rule, None if found.due is None else (found.due - START) // DAY


ARRIVED = replace(REFERRAL, arrived=START + 5 * DAY)
ENDED = {state: replace(REFERRAL, state=state, since=START + 2 * DAY) for state in ("declined", "expired", "withdrawn")}


@pytest.mark.parametrize(
    ("what", "rule", "days"),
    [
        pytest.param(item(sensitivity="locating", standing=ARRIVED), "locating", 19, id="14 days after arrival"),
        pytest.param(item(standing=ENDED["declined"]), "declined", 32, id="30 days after a decline"),
        pytest.param(item(standing=ENDED["expired"]), "expired", 32, id="30 days after silence"),
        pytest.param(item(standing=ENDED["withdrawn"]), "withdrawn", 32, id="30 days after a withdrawal"),
        pytest.param(
            item(body_type="enquiry.capacity/1", standing=RetentionFacts(kind="enquiry", last=START + 3 * DAY)),
            "enquiry",
            93,
            id="90 days after the last word of an enquiry",
        ),
        pytest.param(item(retain_until=date(2027, 1, 20)), "named", 5, id="the day that the header names"),
    ],
)
def test_each_rule(what: Item, rule: str, days: int):
    """The days of each rule (domain 10.2)."""
    assert ends(what) == (rule, days)


def test_finding_a12_a_closed_case_with_a_claim_is_kept_until_its_day():
    """No rule erases anything of it before, also not the last day of a header; then the rules go on."""
    closed = replace(REFERRAL, state="closed", since=START, claim_until=date(2030, 10, 20))
    for kept in (item(standing=closed), item(standing=closed, retain_until=date(2027, 1, 20))):
        due = decide(kept, RULES, START).due
        assert due is not None
        last = int(datetime(2030, 10, 21, tzinfo=UTC).timestamp()) - 1
        assert [decide(kept, RULES, at).verdict for at in (due - 1, due, last, last + 1)] == [
            RetentionDecision.KEEP,
            RetentionDecision.HELD,
            RetentionDecision.HELD,
            RetentionDecision.ERASE,
        ]
    assert decide(item(standing=replace(closed, claim_until=date.max)), RULES, START + 10**10).verdict == "held"


def test_the_table_names_what_there_is():
    """Types of the catalogue, states of a referral, kinds of conversations: a misspelt one would never apply."""
    entries = schemas.load_catalogue().types
    types = {type_name(entry.body_type) for entry in entries}
    assert all(rule.types | rule.but <= types for rule in RULES)
    assert all(rule.kinds <= {entry.kind for entry in entries} for rule in RULES)
    assert all(rule.states <= {str(state) for state in Referral} for rule in RULES)


def test_the_last_day_is_a_whole_one():
    """What may be kept until a day is kept until that day is over, and not a second longer."""
    what = item(retain_until=date(2027, 1, 15))
    end = 1_800_057_600  # 2027-01-16T00:00:00Z
    assert [decide(what, RULES, end - 1).verdict, decide(what, RULES, end).verdict] == [
        RetentionDecision.KEEP,
        RetentionDecision.ERASE,
    ]


def test_the_last_day_is_one_of_utc():
    """Wherever the node stands."""
    with standing_in("America/Anchorage"):
        assert ends(item(retain_until=date(2027, 1, 20))) == ("named", 5)


def test_the_last_day_there_is_never_ends():
    """A header that names it sets no end; the other rules hold all the same."""
    assert ends(item(retain_until=date.max)) == (None, None)
    assert ends(item(retain_until=date.max, standing=ENDED["declined"])) == ("declined", 32)


def test_what_proves_an_erasure_outlives_its_conversation():
    """The request to erase and its answer end with the day they name, not with the conversation."""
    assert ends(item(body_type="erasure.confirmation/1", standing=ENDED["withdrawn"]))[0] == "named"


def test_what_comes_late_has_its_own_days():
    """A message that came after the arrival, or after the decline, is not erased as soon as it came."""
    assert ends(item(at=START + 40 * DAY, sensitivity="locating", standing=ARRIVED)) == ("locating", 54)
    assert ends(item(at=START + 40 * DAY, standing=ENDED["declined"])) == ("declined", 70)


def test_what_the_other_side_has_to_confirm_is_kept_for_it():
    """The end of a case waits for the confirmation that is owed, and no longer than until it is overdue."""
    waiting = replace(ENDED["declined"], awaited=START + 33 * DAY)
    assert ends(item(standing=waiting)) == ("declined", 33)
    assert ends(item(standing=replace(waiting, awaited=START + 3 * DAY))) == ("declined", 32)
    arrived = replace(ARRIVED, awaited=START + 33 * DAY)
    assert ends(item(sensitivity="locating", standing=arrived)) == ("locating", 19)


def test_a_decision_names_its_message():
    """Also where nobody can say which rule applies."""
    assert [decide(item(ref=7, body_type=kind), RULES, START).ref for kind in ("referral.request/1", None)] == [7, 7]


def test_a_rule_from_the_message_on():
    """No rule of the table begins so; an installation may have one."""
    told = {"name": "own", "about": "", "from": "message", "days": 3, "source": ""}
    (rule,) = parse_retention({"wait_hours": {"ordinary": 24, "misdirected": 0}, "rules": [told]}).rules
    assert ends_at(item(at=START + DAY), rule) == START + 4 * DAY


def test_no_arrival_no_end():
    """Whereabouts are kept as long as the person is on the way."""
    assert ends(item(sensitivity="locating"))[0] == "named"


def test_unreadable_is_for_a_person():
    """Nobody can say which rule applies to what does not open, so none erases it."""
    assert (
        decide(item(body_type=None, retain_until=date(2020, 1, 1)), RULES, START).verdict
        is RetentionDecision.UNREADABLE
    )


ITEMS = st.builds(
    item,
    body_type=st.sampled_from([None, "referral.request/1", "erasure.request/1", "directory.update/1"]),
    sensitivity=st.sampled_from(["operational", "special", "locating"]),
    at=st.integers(START - 400 * DAY, START),
    retain_until=st.none() | st.dates(date(2026, 1, 1), date(2030, 1, 1)),
    under_way=st.booleans(),
    standing=st.builds(
        RetentionFacts,
        kind=st.sampled_from(["enquiry", "referral", "standing", "probe"]),
        last=st.integers(START - 400 * DAY, START),
        state=st.sampled_from([None, "declined", "active", "closed"]),
        since=st.none() | st.integers(START - 400 * DAY, START),
        arrived=st.none() | st.integers(START - 400 * DAY, START),
        held=st.booleans(),
    ),
)


@given(ITEMS, st.integers(0, 2_000))
def test_a_hold_wins(what: Item, days: int):
    """Nothing of a held conversation is erased at any time, and a hold alone never shortens the time."""
    now = START + days * DAY
    held = decide(replace(what, standing=replace(what.standing, held=True)), RULES, now)
    free = decide(replace(what, standing=replace(what.standing, held=False)), RULES, now)
    assert held.verdict is not RetentionDecision.ERASE
    assert (held.rule, held.due) == (free.rule, free.due)


@given(ITEMS, st.integers(0, 2_000))
def test_what_is_under_way_is_not_erased(what: Item, days: int):
    """What is owed to somebody goes first."""
    assert decide(replace(what, under_way=True), RULES, START + days * DAY).verdict is not RetentionDecision.ERASE


@given(ITEMS, st.integers(0, 1_000), st.integers(0, 1_000))
def test_erased_once_due_for_ever(what: Item, first: int, more: int):
    """Time only ever adds to what is erased."""
    if decide(what, RULES, START + first * DAY).verdict is RetentionDecision.ERASE:
        assert decide(what, RULES, START + (first + more) * DAY).verdict is RetentionDecision.ERASE


@given(st.lists(ITEMS, max_size=5))
def test_the_report_counts_everything(items: list[Item]):
    """Each message is in exactly one line."""
    made, decisions = Plan(now=START, horizon=START), [decide(item, RULES, START) for item in items]
    for one in decisions:
        made.add(one)
    assert sum(made.counts.values()) == len(items)
    assert made.erase == [one for one in decisions if one.verdict is RetentionDecision.ERASE]


def planned(*made: tuple[int, RetentionDecision, str | None]) -> Plan:
    """A plan in which these messages were decided about."""
    plan = Plan(now=1, horizon=2)
    for ref, verdict, rule in made:
        plan.add(Decision(ref=ref, verdict=verdict, rule=rule, due=None))
    return plan


def test_the_report_is_in_its_order() -> None:
    """By verdict and rule; what no rule is about comes first of its verdict."""
    found = [(KEEP, "3 years"), (ERASE, "probe"), (KEEP, None), (KEEP, "3 years"), (ERASE, "enquiry")]
    assert planned(*((ref, *one) for ref, one in enumerate(found))).lines() == [
        {"verdict": "erase", "rule": "enquiry", "messages": 1},
        {"verdict": "erase", "rule": "probe", "messages": 1},
        {"verdict": "keep", "rule": None, "messages": 1},
        {"verdict": "keep", "rule": "3 years", "messages": 2},
    ]


DECIDED = (
    (1, ERASE, "probe"),
    (2, ERASE, "probe"),
    (3, ERASE, "probe"),
    (4, ERASE, "enquiry"),
    (5, UNDER_WAY, "probe"),
    (6, KEEP, "probe"),
)


def test_what_is_under_way_after_all_is_not_erased():
    """It is counted as what it is, beside what was known to be; what is kept anyway stays as it was."""
    plan = planned(*DECIDED)
    plan.hold_back({1, 6, None})
    assert plan == planned(
        *DECIDED[1:4],
        *((ref, UNDER_WAY, "probe") for ref in (1, 5)),
        (6, KEEP, "probe"),
    )


def test_of_a_case_that_somebody_must_not_see_a_report_tells_nothing():
    """Neither which of its messages are erased nor that there are any."""
    plan = planned(*DECIDED)
    plan.leave_out({1, 4, 6})
    assert plan.lines() == planned(*DECIDED[1:3], *DECIDED[4:]).lines()
    assert [one.ref for one in plan.erase] == [2, 3]


BROKEN = {
    "two rules of one name": {"rules": [{"name": "a", "about": "", "from": "last", "days": 1, "source": ""}] * 2},
    "a member nobody reads": {
        "rules": [{"name": "a", "about": "", "from": "last", "days": 1, "source": "", "dayz": 1}]
    },
    "half a day": {"rules": [{"name": "a", "about": "", "from": "last", "days": 0.5, "source": ""}]},
    "a class that is none": {
        "rules": [{"name": "a", "about": "", "from": "last", "days": 1, "source": "", "classes": ["secret"]}]
    },
    "an end without its state": {"rules": [{"name": "a", "about": "", "from": "end", "days": 1, "source": ""}]},
}


@pytest.mark.parametrize("value", BROKEN.values(), ids=BROKEN)
def test_a_broken_table_is_refused(value):
    """A misspelt rule would silently keep everything."""
    with pytest.raises(ValueError, match="retention"):
        parse_retention({"wait_hours": {"ordinary": 24, "misdirected": 0}} | value)


@pytest.mark.parametrize(
    ("taken", "opened", "took", "by_now", "rest"),
    [
        (0, 3_000, 0, 3_000, 0),
        (3_000, 50, 0, 3_050, 1),
        (3_000, 50, 0.4, 3_030, 0.6),
        (3_050, 50, 1, 3_050, 1),
        (0, 15_000, 30, 13_500, 210),
        (3_000, 50, 5, 2_800, 0),
        (100, 50, 3_600, 0, 0),
    ],
    ids=["a part at once", "more", "slowly", "as it comes back", "much", "as slow as a part", "people were busy"],
)
def test_a_quarter_of_what_the_key_service_opens_is_used(
    taken: float, opened: int, took: float, by_now: float, rest: float
):
    """Of 12 000 in a minute 3 000 at once, and 50 in a second; what was not taken in an hour is not taken after it."""
    assert add_taken(taken, opened, took, 12_000) == pytest.approx(by_now)
    assert rest_after(by_now, 12_000) == pytest.approx(rest)

"""Rows of the list of cases: how urgent each is, in words, and in which group it stands."""

from __future__ import annotations

from typing import Any

import pytest
from support.played_cases import FOUND

from gateway.console.case_words import TINTS, choose_mark
from gateway.console.pages.cases.rows import Group, describe_due, end_tomorrow, group_rows, make_row
from gateway.console.words import load_words

EN = load_words("en")
NOON = 1_790_074_800
"""Tuesday 22 September 2026, 12:00 an hour ahead of UTC."""
HOUR, DAY = 3_600, 86_400


def owed(until: int, *, owes: str = "us", what: str = "decision") -> dict[str, Any]:
    """Something that is owed until then."""
    return {"what": what, "owes": owes, "peer": "AL", "until": until, "overdue": until < NOON, "certain": True}


@pytest.mark.parametrize(
    ("until", "group", "kind", "text"),
    [
        (NOON - 2 * DAY - 1, Group.DANGER, "late", "2 days late"),
        (NOON - DAY, Group.DANGER, "late", "1 day late"),
        (NOON - 5 * HOUR, Group.DANGER, "late", "5 hours late"),
        (NOON - 1, Group.DANGER, "late", "1 hour late"),
        (NOON, Group.SOON, "soon", "Today 12:00"),
        (NOON + 12 * HOUR - 1, Group.SOON, "soon", "Today 23:59"),
        (NOON + 12 * HOUR, Group.SOON, "soon", "Tomorrow 00:00"),
        (NOON + 36 * HOUR, Group.WEEK, "", "Thu, Sep 24"),
        (NOON + 7 * DAY, Group.WEEK, "", "Tue, Sep 29"),
        (NOON + 8 * DAY, Group.LATER, "", "Wed, Sep 30"),
        (NOON + 14 * DAY, Group.LATER, "", "Tue, Oct 6"),
        (NOON + 15 * DAY, Group.LATER, "", "7 Oct 2026"),
    ],
)
def test_a_deadline_is_said_as_people_say_days(until, group, kind, text):
    """By the days of the country, with the weekday within two weeks."""
    found = describe_due(owed(until), EN, now=NOON, offset=HOUR)
    assert (found.group, found.kind, found.text) == (group, kind, text)


def test_tomorrow_ends_at_midnight_of_the_country():
    """What is over in its last second is soon, in the next one not; also where clocks change in between."""
    end = end_tomorrow(NOON, lambda at: HOUR)
    assert describe_due(owed(end), EN, now=NOON, offset=HOUR).group is Group.SOON
    assert describe_due(owed(end + 1), EN, now=NOON, offset=HOUR).group is Group.WEEK
    assert end_tomorrow(NOON, lambda at: HOUR if at < NOON + 10 * HOUR else 0) == end + HOUR


def test_who_owes_is_seen_by_the_shape():
    """What they owe is theirs until it is late, and late then."""
    soon = describe_due(owed(NOON + HOUR, owes="them"), EN, now=NOON, offset=HOUR)
    assert (soon.kind, soon.shape, soon.group) == ("theirs", "hourglass", Group.SOON)
    late = describe_due(owed(NOON - HOUR, owes="them"), EN, now=NOON, offset=HOUR)
    assert (late.kind, late.group) == ("late", Group.DANGER)


def test_an_open_alert_is_danger_before_it_is_late():
    """For who has to take it; where they have to, one waits."""
    ours = describe_due(owed(NOON + HOUR, what="alert_ack"), EN, now=NOON, offset=HOUR)
    assert (ours.group, ours.kind, ours.text) == (Group.DANGER, "emergency", "Take by 13:00")
    theirs = describe_due(owed(NOON + HOUR, owes="them", what="alert_ack"), EN, now=NOON, offset=HOUR)
    assert theirs.group is Group.SOON


def test_the_moment_itself_is_there_for_a_program():
    """With the time of the country."""
    assert describe_due(owed(NOON), EN, now=NOON, offset=HOUR).at == "2026-09-22T12:00+01:00"


def test_rows_stand_under_their_groups_in_order():
    """The most urgent group first; a group without a case is not there."""
    base = FOUND["cases"][0]
    ends = [NOON + 20 * DAY, NOON - DAY, None, NOON + HOUR, NOON - 2 * DAY]
    listed = [base | {"next": None if until is None else owed(until), "name": str(until)} for until in ends]
    rows = [make_row(case, EN, now=NOON, offset=HOUR) for case in listed]
    found = [(group, [row.case["name"] for row in some]) for group, some in group_rows(rows)]
    assert found == [
        (Group.DANGER, [str(NOON - DAY), str(NOON - 2 * DAY)]),
        (Group.SOON, [str(NOON + HOUR)]),
        (Group.LATER, [str(NOON + 20 * DAY)]),
        (Group.NOTHING, ["None"]),
    ]


@pytest.mark.parametrize(("name", "mark"), [("merle", "Me"), ("é tude", "Ét"), ("7", "7"), ("(a)", "A"), (None, "Gg")])
def test_a_mark_has_two_letters_of_the_name(name, mark):
    """Of the id where a case has none; its tint is one of the six, and stays when the name changes."""
    found = choose_mark(FOUND["cases"][0]["id"], name)
    assert found[0] == mark and 0 <= found[1] < TINTS
    assert found[1] == choose_mark(FOUND["cases"][0]["id"], "another")[1]

"""gateway.conversations.rules.morning_list: overdue first, and each reminder once."""

from __future__ import annotations

from support.talk import HOST, HOUR, RECEIVING, START, closing, requested

from gateway.conversations.rules.morning_list import Watched, owed, remembered, reminders


def watched() -> list[Watched]:
    """Three conversations of the receiving node."""
    talks = {"a": requested(priority="emergency"), "b": closing(), "c": requested()}
    return [Watched(ref=ref, side=RECEIVING, conversation=talk.conversation()) for ref, talk in talks.items()]


def test_the_morning_list_has_the_overdue_first():
    """Then by deadline; each line says whether this node owes it."""
    found = owed(watched(), START + 28 * HOUR)
    assert [(line.ref, line.overdue, line.ours) for line in found if line.ref != "b"] == [
        ("a", True, True),
        ("c", False, True),
    ]
    assert [line.overdue for line in found] == sorted((line.overdue for line in found), reverse=True)
    host = [Watched(ref=item.ref, side=HOST, conversation=item.conversation) for item in watched()]
    assert not any(line.ours for line in owed(host, START + 28 * HOUR) if line.ref != "b")


def test_reminders_are_told_once_each():
    """At 50 and 100 %, the last of them only, and again not; what is no longer owed is forgotten."""
    items = [item for item in watched() if item.ref == "a"]
    told: dict[str, int] = {}
    heard = []
    for hours in (2, 10, 15, 20, 27, 30):
        now = START + hours * HOUR
        lines = owed(items, now)
        new = reminders(lines, told, now)
        told = remembered(lines, told, new)
        heard.append([reminder.percent for reminder in new])
    assert heard == [[], [], [50], [], [100], []]
    assert list(told.values()) == [100]
    assert remembered((), told, ()) == {}


def test_a_reminder_that_nobody_was_there_for_is_told_once():
    """After a night without power only the later one is told."""
    lines = owed([item for item in watched() if item.ref == "a"], START + 30 * HOUR)
    assert [reminder.percent for reminder in reminders(lines, {}, START + 30 * HOUR)] == [100]

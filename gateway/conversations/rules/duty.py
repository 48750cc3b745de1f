"""One duty: who owes what until when (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.conversations.rules.clocks import Setting
from gateway.conversations.rules.facts import Message, Side
from gateway.foundation.deadlines import Deadline
from schemas.clocks import load_reminders as percentages


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """``by`` owes what ``clock`` is about until ``until``, because of the message with this id.

    ``reminders`` are pairs of percentage and time.
    """

    clock: str
    by: Side
    because: str
    until: Deadline
    reminders: tuple[tuple[int, int], ...]


def make_duty(
    setting: Setting, clock: str, case: str, start: int, by: Side, because: Message, asked: Message | None = None
) -> Duty:
    """Make a duty of a clock: until its end, with a reminder at each percentage."""
    marks = [
        (percent, setting.until(clock, case, start, by, percent=percent, asked=asked)) for percent in percentages()
    ]
    until = setting.until(clock, case, start, by, asked=asked)
    reminders = tuple((percent, mark.at) for percent, mark in marks)
    return Duty(clock=clock, by=by, because=because.id, until=until, reminders=reminders)


def make_named_duty(clock: str, by: Side, because: str, until: Deadline) -> Duty:
    """Make a duty until a day that somebody named, with one reminder at its end."""
    return Duty(clock=clock, by=by, because=because, until=until, reminders=((100, until.at),))

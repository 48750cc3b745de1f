"""The morning list over many conversations: overdue first, and what to be reminded of (pure).

``owed`` is the list. ``reminders`` are what has become due of it and was not told yet: at 50 and at 100 % of a clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.conversations.rules.duties import duties
from gateway.conversations.rules.duty import Duty
from gateway.conversations.rules.facts import Side
from gateway.conversations.rules.fold import Conversation, Fold, fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A conversation of this node: its local reference, and which side this node is."""

    ref: str
    side: Side
    conversation: Conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One line of the morning list, and how the conversation ``found`` stands in which it is owed."""

    ref: str
    duty: Duty
    ours: bool
    overdue: bool
    found: Fold = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """Somebody has to be told that ``percent`` of the time is over."""

    owed: Owed
    percent: int

    @property
    def label(self) -> str:
        """What is remembered of it, with the percentage as value."""
        return _label(self.owed)


def owed(watched: Iterable[Watched], now: int) -> tuple[Owed, ...]:
    """The morning list: what is overdue first, then by deadline; at the same time what this node owes comes first."""
    found = [
        Owed(ref=item.ref, duty=duty, ours=duty.by is item.side, overdue=now > duty.until.at, found=stands)
        for item in watched
        for stands in [fold(item.conversation, now)]
        for duty in duties(stands, item.conversation.setting, now)
    ]
    return tuple(
        sorted(found, key=lambda one: (not one.overdue, one.duty.until.at, not one.ours, one.ref, one.duty.clock))
    )


def reminders(items: Iterable[Owed], told: Mapping[str, int], now: int) -> tuple[Reminder, ...]:
    """The last reminder of each line that is due and was not told; ``told`` is the percentage by label."""
    found = []
    for item in items:
        due = [percent for percent, at in item.duty.reminders if now > at]
        if due and due[-1] > told.get(_label(item), 0):
            found.append(Reminder(owed=item, percent=due[-1]))
    return tuple(found)


def remembered(items: Iterable[Owed], told: Mapping[str, int], new: Iterable[Reminder]) -> dict[str, int]:
    """What to remember from now on: nothing of what is no longer owed."""
    latest = {**told, **{reminder.label: reminder.percent for reminder in new}}
    return {_label(item): latest[_label(item)] for item in items if _label(item) in latest}


def _label(item: Owed) -> str:
    return f"{item.ref}/{item.duty.clock}/{item.duty.by}/{item.duty.because}"

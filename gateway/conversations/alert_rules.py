"""Safety alerts: who is woken, who is next and when, and whether it is overdue (domain 9.2, 9.3); and what else waits
until the quiet hours of a desk are over. Pure rules over facts and a moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.foundation.hours import MINUTES, Hours
from schemas.types import type_name

# --- quiet hours --------------------------------------------------------------------------------------------------

#: Types and priority that wake people whatever the hour (domain 9.6; emergency clocks never stop, domain 5.1).
WAKES: frozenset[str] = frozenset({"safety.alert", "safety.alert.ack", "safety.alert.update"})
EMERGENCY = "emergency"


def ring_at(body_type: str, priority: str, quiet: Hours, at: datetime) -> datetime:
    """When a desk is told of a message that came at a moment in its local time: at once, or when its quiet hours end.

    Only the ringing waits: the message is on the desk at once and every clock runs. Quiet hours that never end ring.
    """
    if type_name(body_type) in WAKES or priority == EMERGENCY:
        return at
    for minutes in range(7 * MINUTES):
        moment = at if not minutes else at.replace(second=0, microsecond=0) + timedelta(minutes=minutes)
        if not quiet.holds(moment):
            return moment
    return at


# --- alerts -------------------------------------------------------------------------------------------------------

HOUR = 3600
URGENT_KINDS: frozenset[str] = frozenset({"missing_child", "medical", "self_harm", "violence"})
"""Kinds of alert for which a human answers within one hour (domain 9.2)."""

UPDATE_EVERY = 24 * HOUR
"""Seconds between updates until an alert is resolved (domain 9.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A duty contact that is woken ``at`` (Unix seconds)."""

    contact: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Where an alert stands. ``rung`` are those woken so far, ``next`` who is woken next, None when somebody has taken
    it. ``overdue``: no human took it in time, so both sides alarm; it stays so until somebody does.
    """

    due: int
    rung: tuple[Rung, ...]
    next: Rung | None
    overdue: bool
    nobody: bool


def undecided(half: int, due: int, people: Sequence[str], now: int, *, ours: bool) -> Escalation:
    """Who is woken by a referral in danger to life that nobody decides: here, where the decision is `ours`, from the
    `half` of its time on; where it is the other side's, once it is `due`. One after the other on every half, round and
    round, until it is decided or taken back (domain 5.14).

    Times are Unix seconds; without people nobody is woken, and both sides alarm when it is due.
    """
    step, first = max(1, due - half), half if ours else due
    steps = 0 if not people or now < first else (now - first) // step + 1
    rung = tuple(Rung(contact=people[n % len(people)], at=first + n * step) for n in range(steps))
    coming = Rung(contact=people[steps % len(people)], at=first + steps * step) if people else None
    return Escalation(due=due, rung=rung, next=coming, overdue=now > due, nobody=not people)


def alert_clock(kind: str) -> int:
    """Seconds within which a human acknowledges an alert of this kind."""
    return HOUR if kind in URGENT_KINDS else 4 * HOUR


def escalation(
    kind: str, created: int, contacts: Sequence[str], taken_at: int | None, now: int, *, step: int | None = None
) -> Escalation:
    """Who is woken by an alert: the first duty contact at once, the next at half time, and on every half of the clock
    the one after that, round and round, until a human takes it; sooner where a `step` in seconds is shorter than half.

    `created` is when the alert was made, `taken_at` when a human answered with `safety.alert.ack`, in Unix seconds. A
    receipt of a machine, and a person who merely opened it, take nothing. Without contacts it is overdue from the
    start. Clocks run through nights and feasts.
    """
    clock = alert_clock(kind)
    due, half = created + clock, min(clock // 2, step or clock)
    end = now if taken_at is None else min(taken_at, now)
    steps = 0 if not contacts or end < created else (end - created) // half + 1
    rung = tuple(Rung(contact=contacts[step % len(contacts)], at=created + step * half) for step in range(steps))
    coming = None
    if taken_at is None and contacts:
        coming = Rung(contact=contacts[steps % len(contacts)], at=created + steps * half)
    late = taken_at is None and now > due
    return Escalation(
        due=due, rung=rung, next=coming, overdue=late or (taken_at is None and not contacts), nobody=not contacts
    )

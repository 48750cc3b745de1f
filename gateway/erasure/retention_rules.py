"""How long a message is kept, and what has to be erased now and why (pure).

The rules are data (`schemas/retention.json`). Of all rules that apply to a message the one that ends first counts: each
is a promise to the person. Three things come before it, in this order:

    legal hold     nothing of a conversation under hold is erased, by whatever rule (domain 10.3); nor before the day
                   until which a closure keeps it for a claim of the person (domain 10.17)
    under way      what this node still owes somebody is delivered, handed over or seen by a person first
    unreadable     of a content that does not open nobody can say what it is: a person decides

A `Plan` sums up the decisions about all of them, so that a dry run and a real one are the same. Erasing destroys the
data key now; copies of it in the write-ahead log and in backups end with the storage epoch, so everything is gone for
good `horizon` later at the latest (nrm1 13.2: erasure horizon = epoch length).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from gateway.foundation.json import Json
from schemas.retention import From, Rule
from schemas.types import type_name

DAY = 86_400
PARTS = 4
"""Retention takes one part in so many of what the key service opens in a minute."""


class RetentionDecision(StrEnum):
    """What becomes of one message now."""

    ERASE = "erase"
    KEEP = "keep"
    HELD = "held"
    UNDER_WAY = "under_way"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionFacts:
    """What retention must know of a conversation; times are Unix seconds.

    ``state`` and ``since`` are its main state and when it came into it, None where that is not known. ``arrived`` is
    when the person arrived, None before. ``awaited`` is until when the other side has to say that it erased: what the
    answer is about is kept for it. ``held`` says that a legal hold lies over it, ``claim_until`` is the last day on
    which it is kept for a claim or a trial, by what was said when it was closed.
    """

    kind: str
    last: int
    state: str | None = None
    since: int | None = None
    arrived: int | None = None
    awaited: int | None = None
    held: bool = False
    claim_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One message whose content is still stored.

    ``body_type`` is None where it does not open. ``sensitivity`` is the highest class of what it says, ``at`` when it
    was submitted or arrived, ``retain_until`` the last day its header allows, ``under_way`` that it is still owed.
    """

    ref: int
    body_type: str | None
    sensitivity: str
    at: int
    retain_until: date | None
    under_way: bool
    standing: RetentionFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of one message, by which rule, and since when or from when on; both None where no rule applies."""

    ref: int
    verdict: RetentionDecision
    rule: str | None
    due: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What was decided at ``now``: how many messages by verdict and rule, the lines of the report, and which have to be
    erased; of nothing else is kept what was decided, since that is about all that is stored. ``horizon`` is when every
    copy of what is erased now can be opened by nobody.
    """

    now: int
    horizon: int
    counts: Counter[tuple[RetentionDecision, str | None]] = field(default_factory=Counter)
    erase: list[Decision] = field(default_factory=list)

    def add(self, made: Decision) -> None:
        """One more."""
        self.counts[made.verdict, made.rule] += 1
        if made.verdict is RetentionDecision.ERASE:
            self.erase.append(made)

    def hold_back(self, refs: Set[int | None]) -> None:
        """These are under way after all."""
        for item in self.erase:
            if item.ref in refs:
                self.counts[RetentionDecision.ERASE, item.rule] -= 1
                self.counts[RetentionDecision.UNDER_WAY, item.rule] += 1
        self.erase[:] = [item for item in self.erase if item.ref not in refs]

    def leave_out(self, refs: Set[int]) -> None:
        """Say nothing of these, which are erased, to whoever must not see their case."""
        for item in self.erase:
            if item.ref in refs:
                self.counts[RetentionDecision.ERASE, item.rule] -= 1
        self.erase[:] = [item for item in self.erase if item.ref not in refs]

    def lines(self) -> list[Json]:
        """The report: how many messages by verdict and rule."""
        counted = {(str(verdict), rule): count for (verdict, rule), count in self.counts.items() if count}
        return [
            {"verdict": verdict, "rule": rule, "messages": count}
            for (verdict, rule), count in sorted(counted.items(), key=lambda entry: (entry[0][0], entry[0][1] or ""))
        ]


def add_taken(taken: float, opened: int, took: float, per_minute: int) -> float:
    """Count how many messages of its part retention has taken by now, when it opened so many in so long after it had
    `taken` some. A minute gives back a minute's part, of what a key service opens `per_minute`. What is not taken is
    not saved up: people were kept waiting meanwhile, and more of it at once would keep them waiting again.
    """
    return max(0.0, taken + opened - took * per_minute / PARTS / 60)


def rest_after(taken: float, per_minute: int) -> float:
    """Seconds to rest until no more than a minute's part is taken: so much comes at once, and then as it comes back."""
    return max(0.0, (taken * PARTS - per_minute) * 60 / per_minute)


def decide(item: Item, rules: Iterable[Rule], now: int) -> Decision:
    """What becomes of one message; see the module text for what comes before a rule."""
    if item.body_type is None:
        return Decision(ref=item.ref, verdict=RetentionDecision.UNREADABLE, rule=None, due=None)
    ends = [(end, rule.name) for rule in rules if (end := ends_at(item, rule)) is not None]
    due, name = min(ends, default=(None, None))
    return Decision(ref=item.ref, verdict=_verdict(item, due, now), rule=name, due=due)


def _verdict(item: Item, due: int | None, now: int) -> RetentionDecision:
    if due is None or now < due:
        return RetentionDecision.KEEP
    if item.standing.held or _is_claimed(item.standing.claim_until, now):
        return RetentionDecision.HELD
    return RetentionDecision.UNDER_WAY if item.under_way else RetentionDecision.ERASE


def _is_claimed(until: date | None, now: int) -> bool:
    end = None if until is None else _end_of(until)
    return until is not None and (end is None or now < end)


def ends_at(item: Item, rule: Rule) -> int | None:
    """When the rule lets a message be kept no longer; None where it does not apply, or does not yet."""
    if not _applies(item, rule):
        return None
    start = _start(item, rule)
    if start is None:
        return None
    end = start + rule.days * DAY
    return max(end, item.standing.awaited or end) if rule.start is From.END else end


def _applies(item: Item, rule: Rule) -> bool:
    kind, standing = type_name(item.body_type or ""), item.standing
    return (
        (not rule.types or kind in rule.types)
        and kind not in rule.but
        and (not rule.kinds or standing.kind in rule.kinds)
        and (not rule.states or standing.state in rule.states)
        and (not rule.classes or item.sensitivity in rule.classes)
    )


def _start(item: Item, rule: Rule) -> int | None:
    match rule.start:
        case From.NAMED:
            return None if item.retain_until is None else _end_of(item.retain_until)
        case From.MESSAGE:
            return item.at
        case From.LAST:
            return item.standing.last
        case From.END:
            return _later(item.standing.since, item.at)
        case From.ARRIVAL:
            return _later(item.standing.arrived, item.at)


def _later(event: int | None, at: int) -> int | None:
    """What came after the event is not over before anybody has read it: its own days begin with it."""
    return None if event is None else max(event, at)


def _end_of(day: date) -> int | None:
    """The first second after a day, UTC; None for the last day there is, which never ends."""
    if day == date.max:
        return None
    return int(datetime.combine(day + timedelta(days=1), time(), UTC).timestamp())

"""Whether the time of this machine is confirmed: a pure decision over what was seen (nrm1 12.17).

A machine has two clocks: the wall clock, which anybody can set, and one that only runs. Every time that is remembered
has the reading of the second beside it, so a wall clock that is set, and one that is set right again, both show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.foundation.ids import NodeId

AGREES: Final = 600
"""Seconds by which two clocks may differ and still agree (nrm1 12.17)."""
GAP: Final = 86_400
"""Seconds of a jump, or of a time in which the node did not run, after which nothing ordinary is sent (nrm1 12.17)."""
SKEW: Final = 300
"""Seconds that a clock may be behind what this node has signed (nrm1 1.6)."""


class Doubt(StrEnum):
    """Why the time is not confirmed."""

    UNSEEN = "unseen"
    """Nobody has signed a time since the start."""
    MOVED = "moved"
    """The wall clock was set, or the machine slept, since a time was signed or since the start."""
    CONTRADICTED = "contradicted"
    """More peers sign another time than sign this one."""
    BACK = "back"
    """The clock is earlier than what this node has signed."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Both clocks of the machine at one moment: Unix seconds, and seconds that never go back."""

    wall: int
    ran: float

    def expected(self, ran: float) -> float:
        """Compute what the wall clock shows when the other one shows `ran`, if nobody sets it."""
        return self.wall + ran - self.ran


@dataclass(frozen=True, slots=True)
class Signed:
    """A time that somebody signed, Unix seconds, and what the clocks here showed when it came."""

    at: int
    came: Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a node knows of the time.

    `begun` is the reading at the start, or when the time was last confirmed. `believed` is the last time that was
    believed before the start, None for a node that never ran. `floor` is the latest time that this node has signed by.
    `person` is when a person here confirmed the clock.
    """

    begun: Reading
    believed: int | None
    floor: int
    signed: Mapping[NodeId, Signed]
    person: Reading | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeStanding:
    """Whether the time is confirmed. `off` has, for each peer that counts, the seconds by which our clock is ahead of
    its own. While `held` nothing ordinary is sent and nothing is dated that lasts.
    """

    doubt: Doubt | None
    held: bool
    off: Mapping[NodeId, int]

    @property
    def confirmed(self) -> bool:
        """Whether what can not be undone may be done."""
        return self.doubt is None

    @property
    def steady(self) -> bool:
        """Whether keys may be made and deadlines of people be followed: nothing speaks against this clock."""
        return self.doubt in (None, Doubt.UNSEEN) and not self.held


def judge_time(known: Known, now: Reading) -> TimeStanding:
    """Compare the clock with every time that was signed since the start.

    As many peers have to agree as contradict: two nodes confirm each other, and one hostile peer stops nobody. A peer
    contradicts only by a time that came after the clock was last set: one from before says that it was set.
    """
    off = {who: round(now.wall - _theirs(signed, now)) for who, signed in known.signed.items()}
    agree = {who for who, seconds in off.items() if abs(seconds) <= AGREES}
    moved = {who for who, signed in known.signed.items() if who not in agree and _parted(signed.came, now) > AGREES}
    against = off.keys() - agree - moved
    counted = {who: seconds for who, seconds in off.items() if who not in moved}
    doubt = _doubt(known, now, agree=len(agree), against=len(against), moved=bool(moved))
    anchor = known.begun if known.believed is None else Reading(known.believed, known.begun.ran)
    far = _parted(anchor, now) > GAP or (bool(counted) and min(map(abs, counted.values())) > GAP)
    return TimeStanding(doubt=doubt, held=doubt is Doubt.BACK or (doubt is not None and far), off=counted)


def _doubt(known: Known, now: Reading, *, agree: int, against: int, moved: bool) -> Doubt | None:
    if now.wall + SKEW < known.floor:
        return Doubt.BACK
    if agree and agree >= against:
        return None
    if against:
        return Doubt.CONTRADICTED
    if known.person is not None and _parted(known.person, now) <= AGREES:
        return None
    return Doubt.MOVED if moved or _parted(known.begun, now) > AGREES else Doubt.UNSEEN


def _theirs(signed: Signed, now: Reading) -> float:
    """Compute what the clock of whoever signed shows now, in Unix seconds."""
    return signed.at + now.ran - signed.came.ran


def _parted(then: Reading, now: Reading) -> float:
    """By how many seconds the wall clock has left the one that only runs."""
    return abs(now.wall - then.expected(now.ran))

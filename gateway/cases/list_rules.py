"""The list of cases: what is owed in each, which of them are wanted, in which order and how many there are (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.foundation.ids import CaseId, NodeId


class Order(StrEnum):
    """By what the list is sorted: the next deadline, how long nothing moved, or which is the newest."""

    DUE = "due"
    RESTS = "rests"
    NEWEST = "newest"


class Owes(StrEnum):
    """Who has to act next."""

    US = "us"
    THEM = "them"


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A conversation of a case: by what it is known, whether it goes on, the next deadline of each side, when it last
    moved and in which stage it is, by number.
    """

    key: tuple[bytes, NodeId]
    live: bool
    ours: int | None = None
    theirs: int | None = None
    moved: int | None = None
    stage: int | None = None

    @property
    def peer(self) -> NodeId:
        """With whom it is held."""
        return self.key[1]

    @property
    def owed(self) -> bool:
        """Whether somebody has to act."""
        return self.ours is not None or self.theirs is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCase:
    """A case with what the list goes by; times in Unix seconds."""

    id: CaseId
    at: int
    card: int | None
    talks: Sequence[Talk] = ()
    mine: bool = False
    flagged: bool = False

    @property
    def ours(self) -> int | None:
        """The next deadline of this node."""
        return min((one.ours for one in self.talks if one.ours is not None), default=None)

    @property
    def theirs(self) -> int | None:
        """The next deadline of the others."""
        return min((one.theirs for one in self.talks if one.theirs is not None), default=None)

    @property
    def until(self) -> int | None:
        """The next deadline of either side."""
        return min((at for at in (self.ours, self.theirs) if at is not None), default=None)

    @property
    def moved(self) -> int:
        """When something last happened in it."""
        return max([self.at, *(one.moved for one in self.talks if one.moved is not None)])

    @property
    def closed(self) -> bool:
        """Whether everything that was said in it has come to its end."""
        return bool(self.talks) and not any(one.live for one in self.talks)

    @property
    def stage(self) -> int | None:
        """The furthest stage of what goes on, else of all."""
        going = [one for one in self.talks if one.live] or self.talks
        return max((one.stage for one in going if one.stage is not None), default=None)

    def overdue(self, now: int) -> bool:
        """Whether somebody is late."""
        return self.until is not None and self.until < now


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which cases are wanted; what is None or false says nothing."""

    stage: int | None = None
    peer: NodeId | None = None
    owes: Owes | None = None
    overdue: bool = False
    mine: bool = False
    flagged: bool = False
    closed: bool = False

    def within(self, one: ListedCase) -> bool:
        """Whether a case is among those of which parts are counted."""
        return (self.stage is None or one.stage == self.stage) and (
            self.peer is None or self.peer in {talk.peer for talk in one.talks}
        )

    def takes(self, one: ListedCase, now: int) -> bool:
        """Whether a case is wanted."""
        return (
            self.within(one)
            and one.closed == self.closed
            and (not self.overdue or one.overdue(now))
            and (not self.mine or one.mine)
            and (not self.flagged or one.flagged)
            and (self.owes is None or (one.ours if self.owes is Owes.US else one.theirs) is not None)
        )


def count(found: Iterable[ListedCase], now: int) -> dict[str, int]:
    """How many cases are in each part of the list; all but `closed` are of those that go on."""
    counts = dict.fromkeys(("open", "mine", "overdue", "ours", "theirs", "flagged", "closed"), 0)
    for one in found:
        if one.closed:
            counts["closed"] += 1
            continue
        ours, theirs = one.ours, one.theirs
        counts["open"] += 1
        counts["mine"] += one.mine
        counts["overdue"] += any(at is not None and at < now for at in (ours, theirs))
        counts["ours"] += ours is not None
        counts["theirs"] += theirs is not None
        counts["flagged"] += one.flagged
    return counts


Place = tuple[int, int, str]
"""Where a case stands in the list."""


def place(one: ListedCase, order: Order) -> Place:
    """Where a case stands: what has no deadline stands behind what has one, and the newest first among equals."""
    match order:
        case Order.DUE:
            return (_LAST if one.until is None else one.until, -one.moved, one.id)
        case Order.RESTS:
            return (one.moved, 0, one.id)
        case _:
            return (-one.at, 0, one.id)


_LAST = 1 << 53


def take_page(
    found: Iterable[ListedCase], order: Order, limit: int, after: Place | None
) -> tuple[Sequence[ListedCase], Place | None]:
    """A page of these in order, and the place at which it ends if there is more."""
    rows = sorted(found, key=lambda one: place(one, order))
    rest = rows if after is None else [one for one in rows if place(one, order) > after]
    return rest[:limit], place(rest[limit - 1], order) if len(rest) > limit else None

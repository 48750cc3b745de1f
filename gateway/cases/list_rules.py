"""The list of cases: what is owed in each, which of them are wanted, in which order and how many there are (pure)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
    talks: Sequence[Talk] = ()

    @property
    def ours(self) -> int | None:
        """The next deadline of this node."""
        return min((one.ours for one in self.talks if one.ours is not None), default=None)

    @property
    def theirs(self) -> int | None:
        """The next deadline of the others."""
        return min((one.theirs for one in self.talks if one.theirs is not None), default=None)

    @property
    def moved(self) -> int:
        """When something last happened in it."""
        return max([self.at, *(one.moved for one in self.talks if one.moved is not None)])

    @property
    def closed(self) -> bool:
        """Whether everything that was said in it has come to its end, and nobody has to do anything more."""
        return bool(self.talks) and not any(one.live or one.owed for one in self.talks)

    @property
    def stage(self) -> int | None:
        """The furthest stage of what goes on, else of all."""
        going = [one for one in self.talks if one.live] or self.talks
        return max((one.stage for one in going if one.stage is not None), default=None)

    @property
    def first(self) -> Talk | None:
        """The conversation in which something is over first; of two at the same time the one where this node acts."""
        return min((one for one in self.talks if one.owed), key=_until, default=None)


def _until(talk: Talk) -> tuple[int, bool]:
    at = min(at for at in (talk.ours, talk.theirs) if at is not None)
    return at, talk.ours != at


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which cases are wanted; what is None or false says nothing. Words are the keyed hashes that the database has:
    ``words`` are all there, ``units`` are pairs of the word of a unit and the word of cases that people gave to one,
    ``mine`` is the word of the person who asks. ``soon_until`` is the end of what counts as soon. ``without`` are cases
    that are closed to whoever asks: they are neither listed nor counted.
    """

    words: Sequence[bytes] = ()
    units: Sequence[tuple[bytes, bytes]] = ()
    stage: bytes | None = None
    peer: NodeId | None = None
    owes: Owes | None = None
    overdue: bool = False
    soon: bool = False
    soon_until: int = 0
    only_mine: bool = False
    only_flagged: bool = False
    closed: bool = False
    mine: bytes | None = None
    flagged: bytes = b""
    without: Collection[CaseId] = ()


Place = tuple[int, int, str]
"""Where a case stands in the list."""

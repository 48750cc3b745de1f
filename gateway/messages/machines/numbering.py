"""Numbers of the messages of one ordered pair of nodes, as the receiver judges them (nrm1 5.2).

A sender counts `n` strictly by one in an `epoch`, and each number names the link hash of the one before it. This shows
dropped, repeated, reordered and doubly used numbers without synchronised clocks. ``judge`` answers in this order:

1. a higher epoch needs a link reset that people approve (nrm1 5.8), a lower one has ended for ever;
2. the same number with the same link hash is the same message, whatever the bytes: a repeat;
3. the same number with another one, of another id or another content, is an equivocation;
4. an id that is known under another number, a number more than 100 000 above the highest, a `prev` that is null
   anywhere but at 1, or that does not fit a known neighbour, is a bad chain; it consumes nothing, so the same id and
   number with the right `prev` is still accepted;
5. everything else is new, and may open a gap, fill a part of one, or lie behind one.

The hashes arrive as arguments. The shell looks up what ``LinkView.known`` must hold; a view that cannot be true (a
number that is neither missing nor known) is a bug of ours and raises ``RuntimeError``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.errors import Code

#: The epoch of a link that was never reset.
FIRST_EPOCH = 1

#: How far above the highest number seen a number may lie (nrm1 5.2).
MAX_AHEAD = 100_000

#: Seconds that a hand-over waits for missing numbers, from the first sight of the gap (nrm1 12.4).
GAP_PATIENCE = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is kept of an accepted number: its id, its ``prev`` and its own link hash (base64url text, nrm1 5.1)."""

    id: str
    prev: str | None
    link_hash: str


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Missing numbers, first and last inclusive."""

    first: int
    last: int

    def __post_init__(self) -> None:
        if not 1 <= self.first <= self.last:
            raise ValueError("a gap needs 1 <= first <= last")

    def __contains__(self, n: int) -> bool:
        return self.first <= n <= self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """What the receiver holds of a link: ``high`` is the highest number seen, 0 for none; ``gaps`` are sorted.

    ``known`` holds at least the numbers n-1, n and n+1 where they were accepted, and the number under which the id in
    question was accepted, if any.
    """

    epoch: int
    high: int
    known: Mapping[int, Entry]
    gaps: tuple[Gap, ...] = ()

    def missing(self, n: int) -> bool:
        """Whether ``n`` is not accepted yet."""
        return n > self.high or any(n in gap for gap in self.gaps)


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """A number to consume. ``behind_gap``: a lower number is missing, so hand-over waits (nrm1 12.4)."""

    fills_gap: bool
    opens_gap: Gap | None
    behind_gap: bool


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same message again: answer with the stored answer and do nothing."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Refused without consuming a number: bad_chain, equivocation, rollback or link_reset_required.

    ``rule`` is for our log.
    """

    code: Code
    rule: str


Verdict = New | Repeat | Refuse


def judge(view: LinkView, *, epoch: int, n: int, id: str, prev: str | None, link_hash: str) -> Verdict:
    """What to do with an authentic statement's number.

    ``link_hash`` is that of the statement itself (nrm1 3.6), computed by the caller; it is what a known n+1 must name.

    Raises:
        RuntimeError: the view does not hold what it must; nothing was decided.
    """
    if epoch < view.epoch:
        return Refuse(Code.ROLLBACK, "the statement is of an epoch that has ended")
    if epoch != view.epoch:
        return Refuse(Code.LINK_RESET_REQUIRED, "the statement has another epoch than the link")
    if n < 1:
        return Refuse(Code.BAD_CHAIN, "numbers start at 1")
    if not view.missing(n):
        return _judge_used(_known(view, n), id, link_hash)
    if any(entry.id == id for entry in view.known.values()):
        return Refuse(Code.BAD_CHAIN, "the id is known under another number")
    if n > view.high + MAX_AHEAD:
        return Refuse(Code.BAD_CHAIN, "the number is too far ahead")
    if (prev is None) != (n == 1):
        return Refuse(Code.BAD_CHAIN, "prev is null exactly at number 1")
    if n > 1 and not view.missing(n - 1) and prev != _known(view, n - 1).link_hash:
        return Refuse(Code.BAD_CHAIN, "prev is not the hash of the number before")
    if not view.missing(n + 1) and link_hash != _known(view, n + 1).prev:
        return Refuse(Code.BAD_CHAIN, "the number after names another hash")
    return _new(view, n)


def _judge_used(entry: Entry, id: str, link_hash: str) -> Verdict:
    if entry.link_hash == link_hash:
        return Repeat()
    if entry.id == id:
        return Refuse(Code.EQUIVOCATION, "the number is used with another content")
    return Refuse(Code.EQUIVOCATION, "the number is used by another id")


def _known(view: LinkView, n: int) -> Entry:
    try:
        return view.known[n]
    except KeyError as exc:
        raise RuntimeError("the link view lacks a number that was accepted") from exc


def _new(view: LinkView, n: int) -> New:
    return New(
        fills_gap=n <= view.high,
        opens_gap=Gap(view.high + 1, n - 1) if n > view.high + 1 else None,
        behind_gap=out_of_order(n, apply(view, n)[1]),
    )


def apply(view: LinkView, n: int) -> tuple[int, tuple[Gap, ...]]:
    """The highest number and the sorted gaps after ``n`` was consumed.

    Raises:
        RuntimeError: ``n`` was consumed before.
    """
    if not view.missing(n):
        raise RuntimeError("the number was consumed before")
    if n > view.high:
        opened = (Gap(view.high + 1, n - 1),) if n > view.high + 1 else ()
        return n, (*view.gaps, *opened)
    rest: list[Gap] = []
    for gap in view.gaps:
        rest.extend(_without(gap, n))
    return view.high, tuple(rest)


def _without(gap: Gap, n: int) -> tuple[Gap, ...]:
    if n not in gap:
        return (gap,)
    below = (Gap(gap.first, n - 1),) if n > gap.first else ()
    above = (Gap(n + 1, gap.last),) if n < gap.last else ()
    return (*below, *above)


def out_of_order(n: int, gaps: tuple[Gap, ...]) -> bool:
    """Whether a number below ``n`` is missing: handed over now, ``n`` is flagged `out_of_order`."""
    return any(gap.first < n for gap in gaps)


def ready(n: int, gaps: tuple[Gap, ...], first_seen: int | None, now: int) -> bool:
    """Whether number ``n`` may be handed over as far as gaps are concerned (nrm1 12.4).

    ``first_seen`` is when the oldest gap of this link was first seen, in Unix seconds: the patience is one for the
    link, and parts of a gap keep its time; one that lies as far ahead is of a clock that was put back. It may be None
    only where no gap lies before ``n``. The caller hands over what is ready by rising ``n``, and flags by
    ``out_of_order``.

    Raises:
        RuntimeError: a gap lies before ``n`` and ``first_seen`` is None.
    """
    if not out_of_order(n, gaps):
        return True
    if first_seen is None:
        raise RuntimeError("a gap without the time of its first sight")
    return abs(now - first_seen) >= GAP_PATIENCE

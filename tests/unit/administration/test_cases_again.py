"""What the ledger says of cases, act by act, and what of it still stands."""

from __future__ import annotations

from gateway.administration.cases_again import acts, last_of_each
from gateway.ledger.rules import Taken
from gateway.ledger.store import LedgerRow

CASE, TALK = b"case", b"talk"
EVA, TOM = "eva", "tom"


def entry(n: int, kind: Taken, subject: bytes, *, at: int = 10, detail: str | None = None) -> LedgerRow:
    """One entry that a file knew."""
    return LedgerRow(n=n, at=at, kind=str(kind), subject=subject, detail=detail, due=True)


def test_what_one_change_moved():
    """What went to one case in one second is one change; the next one may undo it."""
    there = [entry(n, Taken.MOVED, subject, detail="there") for n, subject in enumerate((CASE, TALK), 1)]
    back = entry(3, Taken.MOVED, TALK, at=20, detail="back")
    none = entry(4, Taken.MOVED, TALK, at=20)
    assert acts([*there, back, none]) == [there, [back], [none]]
    assert acts([]) == []


def test_the_last_word_about_each():
    """A hold that was lifted and laid again lies; of a block there is one word about each who is kept out."""
    lies = entry(4, Taken.KEPT, TALK, detail="2030-06-30")
    rows = [
        entry(1, Taken.KEPT, TALK, detail="2029-06-30"),
        entry(2, Taken.KEPT, CASE, detail="2029-06-30"),
        entry(3, Taken.RELEASED, TALK),
        lies,
        over := entry(5, Taken.RELEASED, CASE),
        out := entry(6, Taken.BLOCKED, CASE, detail=EVA),
        entry(7, Taken.BLOCKED, CASE, detail=TOM),
        back := entry(8, Taken.UNBLOCKED, CASE, detail=TOM),
    ]
    assert last_of_each(rows, (Taken.KEPT, Taken.RELEASED)) == [lies, over]
    assert last_of_each(rows, (Taken.BLOCKED, Taken.UNBLOCKED)) == [out, back]

"""What the ledger says of holds, act by act."""

from __future__ import annotations

from gateway.administration.taken_again import laid_and_not_lifted
from gateway.ledger.rules import Taken
from gateway.ledger.store import LedgerRow


def entry(n: int, at: int, kind: Taken, label: bytes) -> LedgerRow:
    """One entry that a file knew."""
    return LedgerRow(n=n, at=at, kind=str(kind), subject=label, due=True)


def test_what_was_laid_and_not_lifted():
    """In the order of the acts; what was lifted and laid again lies by the later act."""
    rows = [
        entry(1, 10, Taken.HELD, b"talk"),
        entry(2, 10, Taken.HELD, b"consent"),
        entry(3, 20, Taken.HELD, b"other"),
        entry(4, 30, Taken.LIFTED, b"talk"),
        entry(5, 30, Taken.LIFTED, b"other"),
        entry(6, 40, Taken.HELD, b"other"),
    ]
    assert laid_and_not_lifted(rows) == [[b"consent"], [b"other"]]
    assert laid_and_not_lifted([]) == []

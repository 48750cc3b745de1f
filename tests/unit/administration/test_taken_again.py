"""What the ledger says of holds, act by act."""

from __future__ import annotations

from gateway.administration.taken_again import laid_and_not_lifted
from gateway.ledger.rules import Taken
from gateway.ledger.store import LedgerRow
from keys.primitives.encoding import b64u

TALK, OTHER, CONSENT = b"talk" * 4, b"othr" * 4, b"cons" * 4


def entry(n: int, kind: Taken, label: bytes, hold: bytes) -> LedgerRow:
    """One entry that a file knew."""
    return LedgerRow(n=n, at=10, kind=str(kind), subject=label, detail=b64u(hold), due=True)


def test_what_was_laid_and_not_lifted():
    """By hold; one that was lifted and laid again lies by the later act, and over what that names."""
    rows = [
        entry(1, Taken.HELD, TALK, TALK),
        entry(2, Taken.HELD, CONSENT, TALK),
        entry(3, Taken.HELD, OTHER, OTHER),
        entry(4, Taken.LIFTED, TALK, TALK),
        entry(5, Taken.LIFTED, CONSENT, TALK),
        entry(6, Taken.HELD, TALK, TALK),
    ]
    assert laid_and_not_lifted(rows) == {OTHER: [OTHER], TALK: [TALK]}
    assert laid_and_not_lifted([]) == {}


def test_what_two_holds_lie_over():
    """Lifting one frees nothing that the other lies over (threat 162)."""
    rows = [
        entry(1, Taken.HELD, TALK, TALK),
        entry(2, Taken.HELD, CONSENT, TALK),
        entry(3, Taken.HELD, OTHER, OTHER),
        entry(4, Taken.HELD, CONSENT, OTHER),
        entry(5, Taken.LIFTED, TALK, TALK),
        entry(6, Taken.LIFTED, CONSENT, TALK),
    ]
    assert laid_and_not_lifted(rows) == {OTHER: [OTHER, CONSENT]}

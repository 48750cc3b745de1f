"""Rows for tests of the store: valid but for what a test changes, with nothing to read in them."""

from __future__ import annotations

from typing import Any

from gateway.database.content import SealedRow
from gateway.messages.store.messages import MessageRow
from gateway.messages.store.receipts import ReceiptRow
from gateway.peers.store import PeerRow

PEER = "n1peer"
LIFE = 1_000_000


def sealed(ref: int, *, epoch: int = 1, data: bytes = b"sealed") -> SealedRow:
    """A content row under a wrapped key that nobody can open."""
    return SealedRow(ref=ref, epoch=epoch, wrapped=b"wrapped/%d" % ref, data=data)


def message(ref: int, **changes: Any) -> MessageRow:
    """An outgoing queued message to PEER."""
    honest: dict[str, Any] = {
        "ref": ref,
        "direction": "out",
        "peer": PEER,
        "id": f"id-{ref}",
        "conversation": b"conversation",
        "consent": None,
        "kind": "referral",
        "state": "queued",
        "reason": None,
        "epoch": None,
        "n": None,
        "prev": None,
        "size": 1,
        "at": ref,
        "expires": LIFE + ref,
        "out_of_order": False,
        "origin": None,
    }
    return MessageRow(**{**honest, **changes})


def receipt(of: str, status: str = "received", **changes: Any) -> ReceiptRow:
    """A receipt issued to PEER."""
    honest: dict[str, Any] = {
        "of": of,
        "status": status,
        "peer": PEER,
        "direction": "issued",
        "id": f"id-{of}",
        "code": None,
        "at": 1,
        "object": b"{}",
        "batch": None,
    }
    return ReceiptRow(**{**honest, **changes})


def peer(node: str = PEER, **changes: Any) -> PeerRow:
    """An active peer with a chain of one document."""
    honest: dict[str, Any] = {
        "node": node,
        "name": node,
        "state": "active",
        "cause": None,
        "demo": False,
        "keyset": None,
        "keyset_seen": None,
        "schemas": None,
        "attempts": 0,
        "next_try": 0,
        "failing_since": None,
        "added": 1,
        "verified": 1,
        "chain": (b"first",),
    }
    return PeerRow(**{**honest, **changes})

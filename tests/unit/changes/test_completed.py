"""The completed changes of a subject, as the folds take them."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from gateway.changes import store
from gateway.changes.completed import completed
from gateway.changes.rules import Action, Completed
from gateway.changes.store import DONE, PENDING, ChangeRow
from gateway.foundation.ids import NodeId
from keys.documents.change import Change

PEER = "n1" + "b" * 32
RENEWED, SUSPENDED, RESUMED = (
    Change(node=NodeId("n1" + "a" * 32), subject=PEER, prev=None, at=100, action=action, body=body)
    for action, body in (("peer.renew", {"expires": 900}), ("peer.suspend", {}), ("peer.resume", {}))
)


def keep(connection: Connection, change: Change, seq: int | None, effective: int | None) -> None:
    """The change with its place, or none."""
    state = PENDING if seq is None else DONE
    row = ChangeRow(
        hash=change.hash,
        subject=PEER,
        seq=seq,
        payload=change.encode(),
        state=state,
        at=change.at,
        effective=effective,
    )
    store.add_change(connection, row)


def test_the_completed_changes_of_a_subject(connection: Connection):
    """In their order, each with what it says and when it took effect; what waits for people is not among them."""
    keep(connection, SUSPENDED, 2, 300)
    keep(connection, RENEWED, 1, 200)
    keep(connection, RESUMED, None, None)
    assert completed(connection, PEER) == [
        Completed(hash=RENEWED.hash, action=Action.PEER_RENEW, body={"expires": 900}, effective=200),
        Completed(hash=SUSPENDED.hash, action=Action.PEER_SUSPEND, body={}, effective=300),
    ]
    assert completed(connection, "n1" + "c" * 32) == []


def test_a_place_without_a_time_is_our_bug(connection: Connection):
    """Both are written together."""
    keep(connection, RENEWED, 1, None)
    with pytest.raises(RuntimeError, match="has its time"):
        completed(connection, PEER)

"""Messages that a person has to look at again, since their key was revoked from before they came."""

from __future__ import annotations

from sqlalchemy import Connection
from support import rows

from gateway.messages.store import messages
from gateway.messages.store.messages import StatementRow
from gateway.trust import review_store
from gateway.trust.review_store import Doubt

PEER, OTHER = "n1peer", "n1other"


def conversation(ref: int) -> bytes:
    """The key of the conversation that a message is in."""
    return b"conversation of %d" % ref


def came(connection: Connection, ref: int, at: int, **changed: object) -> None:
    """A message of the peer that came at this time."""
    usual = {"direction": "in", "state": "opened", "peer": PEER, "conversation": conversation(ref)}
    row = rows.message(ref, at=at, **usual | changed)
    messages.add(connection, [row])
    messages.add_statements(connection, [StatementRow(hash=f"h{ref}", message=ref, evidence=50 + ref, created=1)])


def doubt(ref: int, at: int, kid: str, peer: str = PEER) -> Doubt:
    """A message on the list."""
    return Doubt(message=ref, id=f"id-{ref}", conversation=conversation(ref), peer=peer, kid=kid, received=at)


def test_what_a_peer_had_accepted_since(connection: Connection):
    """From that second on, in the order of arrival; not what this node sent, nor what another peer did."""
    came(connection, 3, 90), came(connection, 2, 100), came(connection, 1, 110)
    came(connection, 4, 200, direction="out", state="queued"), came(connection, 5, 200, peer=OTHER)
    assert review_store.signed_since(connection, PEER, 100, limit=9) == [(1, 51, 110), (2, 52, 100)]


def test_what_had_been_accepted_is_told_in_parts(connection: Connection):
    """Each once; not what is on the list, or was."""
    for ref in (1, 2, 3, 4, 5):
        came(connection, ref, 100)
    review_store.add(connection, PEER, {1: "kid", 4: "kid"}, at=500)
    review_store.settle(connection, 4, at=600)
    parts = [review_store.signed_since(connection, PEER, 100, after=after, limit=2) for after in (0, 3, 5)]
    assert [[ref for ref, _, _ in part] for part in parts] == [[2, 3], [5], []]


def test_a_message_is_doubted_once(connection: Connection):
    """Also one that a person has settled: asking again puts nothing back on the list."""
    for ref in (1, 2, 3):
        came(connection, ref, 100 + ref)
    assert review_store.add(connection, PEER, {}, at=500) == 0
    assert review_store.add(connection, PEER, {2: "kid b", 1: "kid a"}, at=500) == 2
    assert review_store.listed(connection) == [doubt(1, 101, "kid a"), doubt(2, 102, "kid b")]
    assert [review_store.settle(connection, ref, at=600) for ref in (1, 1, 9)] == [True, False, False]
    assert review_store.add(connection, PEER, {1: "kid c", 2: "kid c", 3: "kid c"}, at=700) == 1
    assert review_store.listed(connection) == [doubt(2, 102, "kid b"), doubt(3, 103, "kid c")]


def test_how_many_are_doubted_of_each_peer(connection: Connection):
    """Those that nobody has looked at; what is known of one peer says nothing of another one's messages."""
    came(connection, 1, 1), came(connection, 2, 1), came(connection, 3, 1, peer=OTHER)
    assert review_store.counts(connection) == {}
    review_store.add(connection, PEER, {1: "kid", 2: "kid"}, at=500)
    review_store.add(connection, OTHER, {3: "kid"}, at=500)
    assert review_store.counts(connection) == {PEER: 2, OTHER: 1}
    review_store.settle(connection, 1, at=600)
    review_store.settle(connection, 3, at=600)
    assert review_store.counts(connection) == {PEER: 1}

"""Who has what is erased here: those to whom it went, those to whom it was passed on, and what they say of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection
from support import rows
from support.rows import PEER

from gateway.erasure import recipients
from gateway.messages.store import local, messages, receipts
from gateway.messages.store.local import OWN, ConsentRow
from gateway.messages.store.messages import MessageRow

THIRD, FOURTH = "n1third", "n1fourth"


def message(connection: Connection, ref: int, **changed: Any) -> MessageRow:
    """A numbered message to the peer."""
    row = rows.message(ref, **{"n": ref, "epoch": 1, "state": "received"} | changed)
    messages.add(connection, [row])
    return row


def recorded(connection: Connection, ref: int, name: bytes, holder: str = PEER) -> None:
    """A consent that this node was told of."""
    local.add_consent(connection, ConsentRow(ref=ref, consent=name, holder=holder, state="valid", at=1))


def signed(connection: Connection, row: MessageRow, status: str, **changed: Any) -> None:
    """A receipt of the recipient for this message."""
    told = {"direction": receipts.RECEIVED, "peer": row.peer, "id": row.id}
    receipts.add(connection, [rows.receipt(f"{row.id}/{status}", status, **told | changed)])


def test_who_was_sent_it(connection: Connection):
    """Whatever got a number may have arrived; what never left has no recipient."""
    sent = [message(connection, 1), message(connection, 2), message(connection, 3, peer=THIRD)]
    kept = message(connection, 4, peer=FOURTH, n=None, epoch=None)
    assert recipients.find_sent(connection, [*sent, kept]) == {PEER: {1, 2}, THIRD: {3}}
    assert recipients.find_sent(connection, []) == {}


def test_to_whom_it_was_passed_on(connection: Connection):
    """What a peer sent went on in other conversations under the consents of that one; not back to that peer."""
    came = message(connection, 1, direction="in", state="opened", n=None, conversation=b"first", consent=b"a")
    message(connection, 2, peer=THIRD, conversation=b"other", consent=b"a")
    message(connection, 3, peer=PEER, conversation=b"other", consent=b"a")
    message(connection, 4, peer=FOURTH, conversation=b"other", consent=b"b")
    recorded(connection, 50, b"a")
    assert recipients.find_sent(connection, [came]) == {THIRD: {2}}


def test_consents_that_others_have_recorded(connection: Connection):
    """What this node recorded itself it did not get from a peer, whoever holds it besides."""
    for ref, name in enumerate((b"a", b"b", b"c"), 1):
        message(connection, ref, conversation=b"one", consent=name)
    message(connection, 4, conversation=b"two", consent=b"d")
    recorded(connection, 50, b"a")
    recorded(connection, 51, b"b")
    recorded(connection, 52, b"b", OWN)
    assert sorted(recipients.find_theirs(connection, b"one")) == [b"a", b"c"]


def test_who_has_signed_that_nothing_is_left(connection: Connection):
    """Each message of theirs is erased or was never taken; a receipt of another message or side says nothing."""
    gone, refused, there, other = (message(connection, ref) for ref in (1, 2, 3, 4))
    third = message(connection, 5, peer=THIRD)
    signed(connection, gone, "received")
    signed(connection, gone, "erased")
    signed(connection, refused, "rejected")
    signed(connection, there, "delivered")
    signed(connection, other, "erased", direction=receipts.ISSUED)
    signed(connection, third, "erased", peer=PEER)
    for refs, erased in (({1, 2}, True), ({1, 3}, False), ({4}, False), (set[int](), False)):
        assert recipients.find_erased(connection, {PEER: frozenset(refs)}) == {PEER: erased}
    told = recipients.find_erased(connection, {THIRD: frozenset({5}), PEER: frozenset({1})})
    assert list(told.items()) == [(PEER, True), (THIRD, False)]

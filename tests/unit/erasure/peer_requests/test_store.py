"""Requests of peers in the database: how far each has come, who was told on, and what it erased."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection
from support import rows

from gateway.erasure import store as erasures
from gateway.erasure.peer_requests import store
from gateway.erasure.peer_requests.store import Erased, OnwardRow, RequestRow, State
from gateway.erasure.store import ErasureRow
from gateway.messages.store import messages
from gateway.messages.store.messages import StatementRow


def asked(connection: Connection, ref: int, **changed: Any) -> RequestRow:
    """A request of message 100 and so on, that waits for its time."""
    usual = RequestRow(
        ref=ref, message=100 + ref, peer="n1peer", state=State.WAITING, at=50, follow=200, due=900, done=None
    )
    row = replace(usual, **changed)
    store.add(connection, row)
    return row


def test_requests_that_are_not_over(connection: Connection):
    """In the order in which they came; each is found by the message that asks."""
    second, first = asked(connection, 2, follow=None), asked(connection, 1, state=State.KEPT, answered=70)
    over = asked(connection, 3, state=State.OVER, done=80, answered=90)
    assert store.unsettled(connection) == [first, second]
    assert [store.of_message(connection, ref) for ref in (103, 102, 104)] == [over, second, None]


def test_a_request_comes_further(connection: Connection):
    """The one that is named."""
    one, other = asked(connection, 1), asked(connection, 2)
    store.change(connection, 1, state=State.FOLLOWED, done=300, follow=None)
    assert store.unsettled(connection) == [replace(one, state=State.FOLLOWED, done=300, follow=None), other]


def test_what_was_kept_is_looked_at_again(connection: Connection):
    """When a hold ends; what waits for another reason keeps its time."""
    kept, waits = asked(connection, 1, state=State.KEPT, follow=None), asked(connection, 2)
    store.reopen(connection, at=700)
    assert store.unsettled(connection) == [replace(kept, state=State.WAITING, follow=700), waits]


def test_who_was_told_on_and_has_answered(connection: Connection):
    """Each by the own message that told them; a confirmation of what nobody asked changes nothing."""
    store.add_onward(connection, [])
    told = [OnwardRow(message=12, request=1), OnwardRow(message=11, request=1), OnwardRow(message=13, request=2)]
    store.add_onward(connection, told)
    store.answer(connection, 12, 70)
    store.answer(connection, 99, 71)
    assert store.onward(connection, 1) == [told[1], replace(told[0], answer=70)]
    assert store.onward(connection, 2) == [told[2]]


# --- what a request erased ----------------------------------------------------------------------------------------


def erased(connection: Connection, ref: int, **changed: Any) -> ErasureRow:
    """Message `ref` was erased at 60, because of no request."""
    usual = ErasureRow(
        ref=1_000 - ref, message=ref, at=60, reason="objection", epoch=4, place="erased", told=None, found="content"
    )
    row = replace(usual, **changed)
    erasures.add(connection, [row])
    return row


def because_of(connection: Connection, request: int) -> list[int]:
    """The messages that a request erased."""
    return [one.message for one in store.erased(connection, request)]


def test_what_a_request_erased(connection: Connection):
    """With what its answer needs, as it happened; what went for another reason is not among it."""
    erased(connection, 5, request=1, found=None), erased(connection, 6, request=1, at=61, epoch=5, place="due")
    erased(connection, 7), erased(connection, 8, request=2)
    assert store.erased(connection, 1) == [
        Erased(message=6, at=61, epoch=5, place="due", found="content"),
        Erased(message=5, at=60, epoch=4, place="erased", found=None),
    ]


def test_what_went_since_a_request_went_because_of_it(connection: Connection):
    """Of its scope alone, from its second on, and not what went for another request."""
    erased(connection, 1, at=50), erased(connection, 2, at=49), erased(connection, 3, request=2), erased(connection, 4)
    store.claim(connection, asked(connection, 9, at=50), [1, 2, 3, 7])
    assert because_of(connection, 9) == [1]
    assert because_of(connection, 2) == [3]


def test_who_may_have_the_data_of_a_consent(connection: Connection):
    """Whatever had a number may have come there, also where a restore took it; who asks is not told, nor what never
    left.
    """
    messages.add(
        connection,
        [
            rows.message(3, consent=b"one", n=1, peer="n1third"),
            rows.message(2, consent=b"two", n=2, peer="n1fourth"),
            rows.message(4, consent=b"one", n=3, peer="n1asks"),
            rows.message(5, consent=b"one", peer="n1third"),
            rows.message(6, consent=b"other", n=4, peer="n1third"),
            rows.message(7, consent=b"one", n=5, peer="n1third", direction="in", state="opened"),
            rows.message(8, consent=b"two", peer="n1fifth", state="voiding"),
            rows.message(9, consent=b"two", peer="n1fifth"),
        ],
    )
    messages.add_statements(connection, [StatementRow(hash="of before", message=9, evidence=1, created=1)])
    assert store.passed_on(connection, [b"one", b"two"], but=["n1asks"]) == [2, 3, 8, 9]
    assert store.passed_on(connection, [b"one"], but=[]) == [3, 4]


def test_conversations_that_relied_on_a_consent(connection: Connection):
    """Each once."""
    found = [(1, b"a", b"one"), (2, b"a", b"one"), (3, b"b", b"one"), (4, b"c", b"two"), (5, b"d", None)]
    messages.add(connection, [rows.message(n, conversation=talk, consent=consent) for n, talk, consent in found])
    assert sorted(store.relying(connection, b"one")) == [b"a", b"b"]

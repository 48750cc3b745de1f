"""Repeats, order, numbers and clocks on a link of two endpoints (threats 16 to 20)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.endpoints import EVERYTHING, Endpoint, flipped, open_envelope
from support.incoming import SEALED, SENDER, STATED, A, B, arrive
from support.nodes import NOW, refused

from gateway.errors import Code, RemoteError
from gateway.messages.machines.numbering import Gap
from gateway.peers.scope import NOTHING
from keys.documents.envelope import Status

DAY = 86_400


def ends() -> tuple[Endpoint, Endpoint]:
    """Both ends of a new link from A to B."""
    return Endpoint.pair(A, B)


def sent(a: Endpoint, count: int, name: str = "enquiry.capacity.1/valid-minimal") -> list[bytes]:
    """Envelopes of the next `count` messages."""
    return [a.send(a.submit(a.draft(name))).data for _ in range(count)]


def test_row_16_a_thousand_replays_are_one_delivery() -> None:
    """A repeat gets the stored answer and changes nothing."""
    a, b = ends()
    (data,) = sent(a, 1)
    first = b.receive(data)
    assert {b.receive(data) for _ in range(1000)} == {first}
    assert (len(b.accepted), b.high) == (1, 1)


def test_row_16_the_same_message_sealed_anew() -> None:
    """Same id and number, other bytes: the stored answer, which names the sealing that was accepted."""
    a, b = ends()
    message = a.submit(a.draft("enquiry.capacity.1/valid-minimal"))
    first = a.send(message)
    again = replace(a, now=NOW + 60).seal(message, first.position, first.secret)
    assert again.data != first.data
    assert b.receive(first.data) == b.receive(again.data)
    assert b.final[message.id].of == first.statement_hash
    assert len(b.accepted) == 1


def test_row_17_a_gap_is_seen_and_filled_late() -> None:
    """What arrives behind a gap is accepted; the number that fills it is too."""
    a, b = ends()
    one, two, three, four = sent(a, 4)
    assert [b.receive(data).status for data in (one, four)] == [Status.RECEIVED] * 2
    assert b.gaps == (Gap(2, 3),)
    assert [b.receive(data).status for data in (three, two)] == [Status.RECEIVED] * 2
    assert (b.gaps, b.high, [m.position.n for m in b.accepted]) == ((), 4, [1, 4, 3, 2])


def numbered(n: int, prev: str | None, **changes: Any) -> bytes:
    """An authentic envelope with this place on the link."""
    return SENDER.seal(SENDER.statement(n=n, prev=prev, **changes))


def test_row_17_a_broken_chain() -> None:
    """A number whose `prev` is not the hash of the one before is refused and consumes nothing."""
    _, b = ends()
    b.receive(SEALED)
    with refused(Code.BAD_CHAIN):
        b.receive(numbered(2, "A" * 43))
    assert (b.high, b.accepted) == (1, [])
    right = STATED.link
    assert b.receive(numbered(2, right)).n == 2


def test_row_17_a_number_far_ahead() -> None:
    """nrm1 5.2: more than 100 000 above the highest is refused, so that a gap stays countable."""
    _, b = ends()
    with refused(Code.BAD_CHAIN):
        b.receive(numbered(100_001, "A" * 43))


def test_row_18_one_number_for_two_messages() -> None:
    """The sender equivocates: both authentic statements are the proof, and nothing of the second one is taken."""
    _, b = ends()
    b.receive(SEALED)
    other = SENDER.statement()
    with refused(Code.EQUIVOCATION):
        b.receive(SENDER.seal(other))
    assert other.id not in b.final


def test_row_19_clock() -> None:
    """Five minutes of skew at both ends of a life, and no life beyond 14 days."""
    assert arrive(SEALED, now=NOW - 240).statement == STATED
    with refused(Code.NOT_YET_VALID):
        arrive(SEALED, now=NOW - 301)
    assert arrive(SEALED, now=NOW + 14 * DAY + 299).statement == STATED
    with refused(Code.EXPIRED):
        arrive(SEALED, now=NOW + 15 * DAY)
    with refused(Code.MALFORMED):
        arrive(SENDER.seal(SENDER.statement(expires=NOW + 14 * DAY + 1)))


def test_row_19_expired_between_statement_and_envelope() -> None:
    """The clear expiry is rounded up to the hour; the signed one counts to the second."""
    short = SENDER.statement(expires=NOW + 1)
    with refused(Code.EXPIRED, "statement"):
        arrive(SENDER.seal(short), now=NOW + 400)


def test_row_19_an_expired_envelope_is_not_opened() -> None:
    """Step 6 comes before any key: what has expired is told so, also when its key is long destroyed."""
    with refused(Code.EXPIRED, "envelope"):
        open_envelope(SEALED, own=B.first(), sender=A.first(), keys=[], signer=A.first().node, now=NOW + 15 * DAY)


def test_row_20_another_epoch() -> None:
    """A sender that lost its counters can not go on by itself."""
    _, b = ends()
    with refused(Code.LINK_RESET_REQUIRED):
        b.receive(SENDER.seal(SENDER.statement(epoch=2)))


def test_a_descriptor_of_the_receiver_that_never_was() -> None:
    """nrm1 4.11: `to_desc` above the receiver's newest version is malformed."""
    with refused(Code.MALFORMED):
        arrive(SENDER.seal(SENDER.statement(to_desc=2)))


def test_a_refused_body_has_consumed_its_number() -> None:
    """nrm1 4.12: the refusal is a final, signed answer, and the link goes on."""
    a, b = ends()
    b.scope = NOTHING
    one, two = sent(a, 2)
    assert b.receive(one).code == "out_of_scope"
    b.scope = EVERYTHING
    assert b.receive(one).code == "out_of_scope"
    assert b.receive(two).status is Status.RECEIVED
    assert (b.high, len(b.accepted)) == (2, 1)


def test_a_refused_envelope_changes_nothing() -> None:
    """Nothing of an envelope that is refused before its number stays behind."""
    _, b = ends()
    for data in (flipped(SEALED, 100), SENDER.seal(SENDER.statement(suite="nrm2")), b""):
        with pytest.raises(RemoteError):
            b.receive(data)
    assert (b.high, b.gaps, b.final, b.accepted, b.used) == (0, (), {}, [], {})

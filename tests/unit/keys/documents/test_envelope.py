"""keys.documents.envelope: what travels, one fault each (nrm1 3; threats 1 to 13, 21, 55)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from support.batches import prove, sign_one
from support.nodes import NOW, Node, record, refused
from support.receiving import Received, Sender, opener, pack, receive
from support.sign_as import sign_as

from gateway.errors import Code
from keys.documents import envelope as wire
from keys.documents.descriptor import Revocation
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.key_records import Use
from keys.documents.receipts import batch_hash
from keys.documents.statement import proof_hash
from keys.primitives.domains import RECEIPT, STATEMENT
from keys.primitives.encoding import b64u, canon, h, lp_join, padme
from keys.primitives.seal import open_cek, seal_cek

A, B, C = Node("a"), Node("b"), Node("c")
SENDER = Sender(node=A, to=B)
STATED = SENDER.statement()
SEALED = SENDER.seal(STATED)
OPEN_B = opener(B.enc)


def arrive(data: bytes, *, now: int = NOW, sender: Node = A, to: Node = B) -> Received:
    """B receives an envelope that A is said to have sent."""
    return receive(data, own=to.first(), sender=sender.first(), open_cek=opener(to.enc), now=now)


def test_round_trip() -> None:
    """What was sealed comes out as it went in."""
    received = arrive(SEALED)
    assert received.statement == STATED
    assert received.body == SENDER.body
    assert received.statement_hash == wire.statement_hash(STATED.encode())
    assert wire.parse_envelope(SEALED).encode() == SEALED


# --- clear header ------------------------------------------------------------------------------------------------


def tampered(change: Callable[[Any], object]) -> bytes:
    """The envelope with its clear header changed on the way."""
    value = orjson.loads(SEALED)
    change(value)
    return canon(value)


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(id=b64u(b"\0" * 16)),
        lambda value: value.update(exp=value["exp"] + 3600),
        lambda value: value.update(parts=[65_536]),
    ],
    ids=["id", "exp", "parts"],
)
def test_tampered_header_does_not_open(change: Callable[[Any], object]) -> None:
    """Threat 1: every clear member is bound into the key and the content."""
    with refused(Code.UNDECRYPTABLE):
        arrive(tampered(change))


def test_recipients_are_bound() -> None:
    """Threat 4: a recipient who is added changes the header; duplicates and more than eight are malformed."""
    spare = {"kid": C.enc.kid, "enc": b64u(b"\0" * 1168)}
    with refused(Code.UNDECRYPTABLE):
        arrive(tampered(lambda value: value["rcp"].append(spare)))
    with refused(Code.MALFORMED, "twice"):
        arrive(tampered(lambda value: value["rcp"].append(value["rcp"][0])))
    nine = [{"kid": b64u(bytes([i]) * 16), "enc": spare["enc"]} for i in range(9)]
    for rcp in (nine, []):
        with refused(Code.MALFORMED, "rcp"):
            arrive(tampered(lambda value, rcp=rcp: value.update(rcp=rcp)))


def test_unknown_recipient_key() -> None:
    """A key that was destroyed is told by a code of its own (threat 48)."""
    with refused(Code.UNKNOWN_RECIPIENT_KEY):
        receive(SEALED, own=B.first(), sender=A.first(), open_cek=opener(C.enc), now=NOW)


def test_misrouted() -> None:
    """Threat 5: an envelope for another node is refused unopened."""
    with refused(Code.MISROUTED):
        arrive(SEALED, to=C)


def test_unsupported_suite() -> None:
    """Threat 11: another suite is named before anything else of the envelope is read."""
    with refused(Code.UNSUPPORTED_SUITE):
        arrive(tampered(lambda value: value.update(v="nrm2", more=1)))


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(v=1),
        lambda value: value.update(alg="none"),
        lambda value: value.pop("ct"),
        lambda value: value.update(exp=value["exp"] + 1),
        lambda value: value.update(exp=True),
        lambda value: value.update(to="n1"),
        lambda value: value.update(parts=[0]),
        lambda value: value.update(parts=[1] * 65),
        lambda value: value.update(ct=value["ct"] + "="),
        lambda value: value["rcp"][0].update(enc="AA"),
        lambda value: value["rcp"][0].update(kid="AA"),
    ],
    ids=range(11),
)
def test_malformed_envelope(change: Callable[[Any], object]) -> None:
    """Threat 55: a wrong, missing or unknown clear member refuses the envelope."""
    with refused(Code.MALFORMED):
        wire.parse_envelope(tampered(change))


def test_too_large() -> None:
    """Threat 21: 1.5 MB for one envelope, 4 MiB for a request."""
    with refused(Code.TOO_LARGE):
        wire.parse_envelope(b"{" * 1_500_001)
    with refused(Code.TOO_LARGE):
        wire.split_envelopes(b"\0" * (4 * 1024 * 1024 + 1))


def test_expired() -> None:
    """Threat 19: an envelope is refused once it has expired, 300 seconds of skew included."""
    assert arrive(SENDER.seal(STATED), now=NOW + 14 * 86_400 + 299)
    with refused(Code.EXPIRED):
        arrive(SEALED, now=NOW + 15 * 86_400)


def test_expiry_is_rounded_up_to_the_hour() -> None:
    """The clear expiry does not tell the second of writing."""
    assert [wire.round_up_to_hour(at) for at in (3600, 3601, 7200)] == [3600, 7200, 7200]


# --- inner -------------------------------------------------------------------------------------------------------


def test_padding_hides_the_size() -> None:
    """Messages up to 16 KiB have one size; longer ones one of few."""
    assert {len(pack(SENDER.frames(b"s", body=b"x" * size))) for size in (0, 1, 5000)} == {16_384}
    large = pack(SENDER.frames(b"s", body=b"x" * 100_000))
    assert len(large) == padme(len(large)) > 100_000


def padded(inner: bytes) -> bytes:
    """An envelope over an inner of the attacker's making."""
    return SENDER.seal(STATED, inner)


def test_non_zero_padding() -> None:
    """Threat 55: nothing is smuggled in the padding."""
    inner = pack(SENDER.frames(STATED.encode()))
    for at in (-1, len(inner) - 100):
        spoiled = bytearray(inner)
        spoiled[at] = 1
        with refused(Code.MALFORMED, "padding"):
            arrive(padded(bytes(spoiled)))


@pytest.mark.parametrize("more", [1, 1024, 16_384])
def test_padding_of_another_size(more: int) -> None:
    """Threat 55: nor in its length."""
    with refused(Code.MALFORMED, "padding"):
        arrive(padded(pack(SENDER.frames(STATED.encode())) + b"\0" * more))


def test_bad_frames() -> None:
    """A frame that is longer than what is there is malformed."""
    for inner in (b"", b"\xff" * 16_384, lp_join(b"", b"", b"")):
        with refused(Code.MALFORMED):
            arrive(padded(inner))


# --- statement ---------------------------------------------------------------------------------------------------


def test_misdirected() -> None:
    """Threat 6: a recipient who seals A's statement for C is found out, because A named the recipient."""
    forwarded = Sender(node=A, to=C)
    inner = pack(SENDER.frames(STATED.encode()))
    data = forwarded.seal(replace(STATED, to=forwarded.peer.node), inner)
    with refused(Code.MISDIRECTED):
        receive(data, own=C.first(), sender=A.first(), open_cek=opener(C.enc), now=NOW)


def test_relabelled_sender_is_an_unknown_key() -> None:
    """Threat 7: a statement in A's name by a key of C is refused, and so is A's statement as C's."""
    with refused(Code.UNKNOWN_KEY):
        arrive(Sender(node=A, to=B, key=C.sig).seal(STATED))
    with refused(Code.UNKNOWN_KEY):
        arrive(SEALED, sender=C)


def test_key_compromise_impersonation() -> None:
    """Threat 8: who holds all of B's keys still can not speak for A to B."""
    with refused(Code.UNKNOWN_KEY):
        arrive(Sender(node=A, to=B, key=B.sig).seal(STATED))


@pytest.mark.parametrize(
    "changes", [{"id": b64u(b"\1" * 16)}, {"exp": wire.round_up_to_hour(STATED.expires) + 3600}, {"parts": (65_536,)}]
)
def test_spliced(changes: dict[str, Any]) -> None:
    """Threat 9: a statement that is sealed anew into another envelope does not fit it."""
    with refused(Code.SPLICED):
        arrive(SENDER.seal(STATED, **changes))


def test_recipients_inside_and_outside_agree() -> None:
    """Threat 4: the signed list of keys is the one of the envelope."""
    with refused(Code.SPLICED):
        arrive(SENDER.seal(replace(STATED, rcp=(B.enc.kid, C.enc.kid))))


def test_body_or_secret_swapped() -> None:
    """Threat 10: a recipient who has the content key can not put another body or salt under the signature."""
    statement = STATED.encode()
    other = wire.Secret(salt=b"\0" * 32).encode()
    for frames in (SENDER.frames(statement, body=b'{"a":1}'), SENDER.frames(statement, secret=other)):
        with refused(Code.BAD_COMMITMENT):
            arrive(padded(pack(frames)))


def test_commitment_hides_a_known_body() -> None:
    """Threat 51: without the salt, a guess of the body can not be confirmed."""
    guesses = {wire.compute_commitment(wire.Secret(salt=bytes([i]) * 32).encode(), SENDER.body) for i in range(50)}
    assert STATED.commit not in guesses
    assert len(guesses) == 50


def test_downgrade() -> None:
    """Threat 11: the suite is signed, so an envelope can not claim a newer statement for an older suite."""
    with refused(Code.DOWNGRADE):
        arrive(SENDER.seal(SENDER.statement(suite="nrm2")))


def test_clock() -> None:
    """Threat 19: from the future is refused, four minutes of skew are not, and so is a life beyond 14 days."""
    assert arrive(SEALED, now=NOW - 240)
    with refused(Code.NOT_YET_VALID):
        arrive(SEALED, now=NOW - 301)
    with refused(Code.MALFORMED, "too long"):
        arrive(SENDER.seal(SENDER.statement(expires=NOW + wire.MESSAGE_LIFE + 1)))


def test_statement_by_a_revoked_key() -> None:
    """nrm1 2.7: a revoked key is refused whatever time the statement names."""
    gone = [Revocation(kid=A.sig.public.kid, at=NOW - 1000, since=NOW - 1000, reason="stolen")]
    sender = accept_descriptor(None, A.document(keys=[record(C.sig, Use.SIG)], revoked=gone), NOW)
    with refused(Code.REVOKED_KEY):
        receive(SEALED, own=B.first(), sender=sender, open_cek=OPEN_B, now=NOW)


def test_number_and_halves_of_signatures() -> None:
    """Threat 12: none, two, a stripped half and a foreign half are refused."""
    statement = STATED.encode()
    good, foreign = (sign_one(key, STATEMENT, statement) for key in (A.sig, C.sig))
    (as_receipt,) = sign_as(RECEIPT, statement, A.sig).signatures
    for signatures, code in [
        ([], Code.MALFORMED),
        ([good, foreign], Code.MALFORMED),
        ([replace(good, mldsa65=None)], Code.BAD_SIGNATURE),
        ([replace(good, mldsa65=foreign.mldsa65)], Code.BAD_SIGNATURE),
        ([as_receipt], Code.BAD_SIGNATURE),
    ]:
        with refused(code):
            true = orjson.loads(prove(A.sig, STATEMENT, statement))
            frame = canon(true | {"signatures": [signature.to_json() for signature in signatures]})
            arrive(padded(pack(SENDER.frames(statement, proof=frame))))


def test_receipt_is_no_statement() -> None:
    """Threat 13: a signed object of another kind does not have the members of a statement."""
    receipt = wire.Receipt(
        of="A" * 43,
        msg=STATED.id,
        from_=STATED.from_,
        from_desc=1,
        to=STATED.to,
        n=1,
        status=wire.Status.RECEIVED,
        at=NOW,
    )
    with refused(Code.MALFORMED, "statement"):
        wire.Statement.parse(receipt.encode())
    with refused(Code.MALFORMED, "receipt"):
        wire.Receipt.parse(STATED.encode())


def test_two_recipients_share_one_content_key() -> None:
    """Gateway and unit open the same content with their own keys."""
    hdr = wire.header_hash(id=STATED.id, to=STATED.to, exp=3600, kids=[B.enc.kid, C.enc.kid], parts=[])
    cek = b"k" * 32
    for key in (B.enc, C.enc):
        enc = seal_cek(key.public, cek, wire.cek_info(key.kid, hdr))
        assert open_cek(key, enc, wire.cek_info(key.kid, hdr)) == cek
        with refused(Code.UNDECRYPTABLE):
            open_cek(key, enc, wire.cek_info(A.enc.kid, hdr))


# --- several at once ---------------------------------------------------------------------------------------------


def test_envelopes_round_trip() -> None:
    """1 to 32 envelopes travel in one request, each still unread."""
    assert wire.split_envelopes(wire.join_envelopes([SEALED, b"junk"])) == (SEALED, b"junk")
    for count in (1, 32):
        assert len(wire.split_envelopes(wire.join_envelopes([b"x"] * count))) == count
    largest = wire.join_envelopes([b"x" * (4 * 1024 * 1024 - 4)])
    assert len(largest) == 4 * 1024 * 1024
    assert len(wire.split_envelopes(largest)) == 1


def test_bad_request_is_refused_whole() -> None:
    """nrm1 3.9: a bad frame, none, and 33 envelopes are malformed as a whole; writing them is a bug of ours."""
    for data in (b"", b"\0\0\0\2x", lp_join(*[b"x"] * 33)):
        with refused(Code.MALFORMED):
            wire.split_envelopes(data)
    for envelopes in ([], [b"x"] * 33, [b"x" * 1_400_000] * 3):
        with pytest.raises(RuntimeError, match="one request"):
            wire.join_envelopes(envelopes)


def test_names_of_what_the_log_has() -> None:
    """Batches and proofs are named under labels of their own: one is never taken for the other, or a statement."""
    data = STATED.encode()
    names = {batch_hash(data), proof_hash(data), wire.statement_hash(data)}
    assert len(names) == 3
    assert all(len(name) == 43 for name in names)
    assert batch_hash(data) == b64u(h("receipts", data))
    assert proof_hash(data) == b64u(h("sigs", data))

"""Envelopes that were changed on the way, or carry what they must not (threats 1 to 5, 53, 55)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.batches import prove
from support.endpoints import edited, flipped, seal_for
from support.incoming import ENVELOPE, PART, SEALED, SENDER, STATED, TWO, A, B, C, arrive, framed, sealed
from support.nodes import NOW, refused
from support.receiving import opener, pack

from gateway.delivery.inbound import steps
from gateway.errors import Code
from keys.documents import envelope as wire
from keys.documents.statement import proof_hash
from keys.primitives.domains import STATEMENT
from keys.primitives.encoding import b64u, canon


def test_a_true_envelope_is_authentic() -> None:
    """What was sealed comes out as it went in, with the hashes that receipts, the next number and the log name."""
    authentic = arrive(SEALED)
    assert (authentic.statement, authentic.body, authentic.secret) == (STATED, SENDER.body, SENDER.secret)
    assert authentic.statement_hash == wire.statement_hash(STATED.encode())
    assert authentic.link_hash == STATED.link
    unpacked = steps.open_envelope(ENVELOPE, own=B.first(), signer=A.first().node, open_cek=opener(B.enc), now=NOW)
    assert authentic.proof_hash == proof_hash(unpacked.proof_bytes)


# --- rows 1 to 5: the clear header and the ciphertexts ---------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(id=b64u(b"\0" * 16)),
        lambda value: value.update(exp=value["exp"] + 3600),
        lambda value: value.update(parts=[65_536]),
    ],
    ids=["id", "exp", "parts"],
)
def test_row_1_a_clear_member_was_changed(change: Callable[[Any], object]) -> None:
    """Every clear member is bound into the closed key and the content."""
    with refused(Code.UNDECRYPTABLE):
        arrive(edited(SEALED, change))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda ct: flipped(ct, 0),
        lambda ct: flipped(ct, 40),
        lambda ct: flipped(ct, len(ct) // 2),
        lambda ct: flipped(ct, -1, 7),
        lambda ct: ct[:-1],
        lambda ct: ct[: 56 + 16_400],
        lambda ct: ct[:56],
        lambda ct: b"",
        lambda ct: ct + b"\0",
    ],
    ids=["salt", "commitment", "middle", "tag", "one short", "at a chunk", "no chunk", "empty", "one more"],
)
def test_row_2_the_content_was_changed(spoil: Callable[[bytes], bytes]) -> None:
    """Nothing of a content is released unless all of it is as it was sealed."""
    with refused(Code.UNDECRYPTABLE):
        arrive(edited(SEALED, lambda value: value.update(ct=b64u(spoil(ENVELOPE.ct)))))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda enc: flipped(enc, 0),
        lambda enc: flipped(enc, 1087),
        lambda enc: flipped(enc, 1088),
        lambda enc: flipped(enc, 1119, 6),
        lambda enc: flipped(enc, 1120),
        lambda enc: flipped(enc, 1167),
        lambda enc: enc[:1088] + bytes(32) + enc[1120:],
    ],
    ids=["ml-kem first", "ml-kem last", "x25519 first", "x25519 last", "closed key", "tag", "low-order share"],
)
def test_row_3_a_closed_key_was_changed(spoil: Callable[[bytes], bytes]) -> None:
    """Either half of the hybrid and the closed key itself: all fail alike."""
    with refused(Code.UNDECRYPTABLE):
        arrive(edited(SEALED, lambda value: value["rcp"][0].update(enc=b64u(spoil(ENVELOPE.rcp[0].enc)))))


@pytest.mark.parametrize(
    "change",
    [lambda rcp: rcp.pop(), lambda rcp: rcp.reverse(), lambda rcp: rcp[0].update(enc=rcp[1]["enc"])],
    ids=["removed", "swapped", "another's key"],
)
def test_row_4_the_list_of_recipients_was_edited(change: Callable[[Any], object]) -> None:
    """The list and its order are bound into every closed key."""
    assert arrive(TWO).statement.rcp == (B.enc.kid, C.enc.kid)
    with refused(Code.UNDECRYPTABLE):
        arrive(edited(TWO, lambda value: change(value["rcp"])))


@pytest.mark.parametrize(
    "kids", [[B.enc.kid] * 2, [], [b64u(bytes([i]) * 16) for i in range(9)]], ids=["twice", "none", "nine"]
)
def test_row_4_a_list_that_can_not_be(kids: list[str]) -> None:
    """One to eight recipients, each once."""
    rcp = [{"kid": kid, "enc": b64u(ENVELOPE.rcp[0].enc)} for kid in kids]
    with refused(Code.MALFORMED):
        arrive(edited(SEALED, lambda value: value.update(rcp=rcp)))


def test_row_4_the_signed_list_is_another() -> None:
    """The kids of the envelope are those of the statement, in their order."""
    swapped = replace(STATED, rcp=(C.enc.kid, B.enc.kid))
    data = seal_for(swapped, pack(SENDER.frames(swapped.encode())), [B.enc, C.enc], [b"k" * 32] * 2)
    with refused(Code.SPLICED):
        arrive(data)


def test_row_5_misrouted() -> None:
    """An envelope for another node is refused unopened, and so is one whose address was rewritten on the way."""
    with refused(Code.MISROUTED):
        arrive(SEALED, to=C)
    to_c = edited(SEALED, lambda value: value.update(to=C.first().node))
    with refused(Code.MISROUTED):
        arrive(to_c)
    with refused(Code.UNKNOWN_RECIPIENT_KEY):
        arrive(to_c, to=C)


def test_a_destroyed_key_has_its_own_code() -> None:
    """The sender seals anew for `unknown_recipient_key`, as who holds the keys says it; no other key opens it."""
    own = B.first()
    with refused(Code.UNKNOWN_RECIPIENT_KEY, "no such key"):
        steps.open_envelope(
            steps.read_envelope(SEALED), own=own, signer=A.first().node, open_cek=opener(C.enc), now=NOW
        )


def test_any_known_key_of_several_opens() -> None:
    """The first key that is known here opens, also when it is not the first one listed."""
    unpacked = steps.open_envelope(
        steps.read_envelope(TWO), own=B.first(), signer=A.first().node, open_cek=opener(C.enc), now=NOW
    )
    assert unpacked.body == SENDER.body


# --- rows 53 and 55: ambiguity and hidden data ----------------------------------------------------------------------


def test_row_53_two_keys_for_one_content() -> None:
    """The content commits to its key: a recipient who was given another one opens nothing."""
    stated = replace(STATED, rcp=(B.enc.kid, C.enc.kid))
    data = seal_for(stated, pack(SENDER.frames(stated.encode())), [B.enc, C.enc], [b"k" * 32, b"o" * 32])
    assert arrive(data).statement == stated
    with refused(Code.UNDECRYPTABLE):
        steps.open_envelope(
            steps.read_envelope(data), own=B.first(), signer=A.first().node, open_cek=opener(C.enc), now=NOW
        )


@pytest.mark.parametrize("place", [-1, 8_000])
def test_row_55_padding_is_zero(place: int) -> None:
    """Nothing is smuggled in the padding."""
    inner = pack(SENDER.frames(STATED.encode()))
    with refused(Code.MALFORMED, "padding"):
        arrive(sealed(flipped(inner, place)))


@pytest.mark.parametrize("more", [1, 512, 16_384])
def test_row_55_padding_has_one_length(more: int) -> None:
    """Nor in its length."""
    with refused(Code.MALFORMED, "padding"):
        arrive(sealed(pack(SENDER.frames(STATED.encode())) + b"\0" * more))


def test_row_55_extra_members() -> None:
    """An unknown member is refused in the envelope, the statement, its proof and the secret."""
    extra = edited(STATED.encode(), lambda value: value.update(more=1))
    secret = edited(SENDER.secret, lambda value: value.update(more=1))
    lying = SENDER.statement(commit=wire.compute_commitment(secret, SENDER.body))
    frame = edited(prove(A.sig, STATEMENT, STATED.encode()), lambda value: value.update(more=1))
    for data in (
        edited(SEALED, lambda value: value.update(more=1)),
        edited(SEALED, lambda value: value["rcp"][0].update(more=1)),
        sealed(pack(SENDER.frames(extra))),
        framed(STATED, proof=frame),
        framed(lying, secret=secret),
    ):
        with refused(Code.MALFORMED):
            arrive(data)


@pytest.mark.parametrize(
    "secret",
    [b"{}", b"", canon({"salt": b64u(b"s" * 31), "parts": []}), canon({"salt": b64u(b"s" * 33), "parts": []})],
    ids=["no members", "empty", "short salt", "long salt"],
)
def test_row_55_a_secret_that_hides_nothing(secret: bytes) -> None:
    """nrm1 3.4: the secret is a salt of 32 bytes and the parts; a signed commitment to anything else is malformed."""
    stated = SENDER.statement(commit=wire.compute_commitment(secret, SENDER.body))
    with refused(Code.MALFORMED):
        arrive(framed(stated, secret=secret))


def test_row_55_parts_inside_and_outside_agree() -> None:
    """The manifest in the secret has as many parts as the statement."""
    secret = wire.Secret(salt=b"s" * 32, parts=(PART,)).encode()
    stated = SENDER.statement(commit=wire.compute_commitment(secret, SENDER.body))
    with refused(Code.MALFORMED, "parts"):
        arrive(framed(stated, secret=secret))

"""keys.documents.keyset: the rules of acceptance of nrm1 2.21 (threats 15, 31, 32, 34, 35)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.nodes import NOW, Node, Seeds, edited, record, refused, signed

from gateway.errors import Code, RefusedError
from gateway.foundation.ids import UnitKind
from keys.documents.descriptor import Revocation, Unit
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.key_records import Use
from keys.documents.keyset import accept_keyset, require_usable_keyset
from keys.primitives.domains import KEYSET, VOID
from keys.primitives.encoding import DAY, b64u
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.seal import EncPrivateKey, enc_kid
from keys.primitives.sign import sign_document

A = Node("a")
B = Node("b")
FIRST = A.first()
RAND = Seeds("keyset")
HELD = accept_keyset(FIRST, None, A.keyset(FIRST, version=5), NOW)


def spoiled(change: Callable[[Any], object]) -> Any:
    """A keyset with one fault, signed all the same."""
    return sign_document(KEYSET, edited(A.keyset_payload(FIRST), change), [A.sig])


def test_accepted_and_the_same_again() -> None:
    """A keyset is accepted, again when it comes again, and a later one after it."""
    assert accept_keyset(FIRST, HELD, HELD.document, NOW).pair == (1, 5)
    assert accept_keyset(FIRST, HELD, A.keyset(FIRST, version=6), NOW).pair == (1, 6)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("type", "nrm.keyset/3"),
        ("version", 0),
        ("expires", NOW),
        ("expires", NOW + 2 * DAY + 1),
        ("enc", [{}]),
        ("heads", ["AA"]),
        ("checkpoint", None),
        ("alg", "x"),
    ],
    ids=str,
)
def test_bad_member(place: str, value: object) -> None:
    """Rule 1: one wrong or unknown member, or a life beyond 48 hours, refuses the keyset."""
    with refused(Code.MALFORMED):
        accept_keyset(FIRST, None, spoiled(lambda body: body.update({place: value})), NOW)


def test_kid_of_an_encryption_key_is_computed_anew() -> None:
    """Rule 1, threat 35: a kid commits to its key, so another key can not stand under it."""
    other = EncPrivateKey(RAND(32))
    with refused(Code.BAD_KEY, "kid"):
        accept_keyset(FIRST, None, spoiled(lambda body: body["enc"][0].update(pub=b64u(other.public))), NOW)


@pytest.mark.parametrize(
    "pub",
    [b"\xff" * 1184 + A.enc.public[1184:], A.enc.public[:1184] + b"\0" * 32, A.enc.public[:1184] + b"\1" + b"\0" * 31],
    ids=["ml-kem 0xff", "x25519 zero", "x25519 one"],
)
def test_malformed_encryption_key(pub: bytes) -> None:
    """Rule 1, threat 15: unreduced ML-KEM coefficients and low-order X25519 shares are refused at import."""
    with refused(Code.BAD_KEY, "not valid"):
        accept_keyset(FIRST, None, spoiled(lambda body: body["enc"][0].update(pub=b64u(pub), kid=enc_kid(pub))), NOW)


def test_encryption_key_is_listed_once_and_lives() -> None:
    """Rule 1: no key twice, none that ends before it begins, none of a wrong length."""
    with refused(Code.BAD_KEY, "twice"):
        accept_keyset(FIRST, None, spoiled(lambda body: body["enc"].append(body["enc"][0])), NOW)
    with refused(Code.MALFORMED, "ends before"):
        accept_keyset(FIRST, None, spoiled(lambda body: body["enc"][0].update(until=NOW)), NOW)
    with refused(Code.MALFORMED, "pub"):
        accept_keyset(FIRST, None, spoiled(lambda body: body["enc"][0].update(pub="AA")), NOW)


def test_keyset_of_another_node() -> None:
    """Rule 2: a keyset is of the node that the descriptor describes."""
    with refused(Code.WRONG_NODE):
        accept_keyset(FIRST, None, B.keyset(B.first()), NOW)


def test_keyset_names_the_descriptor_held() -> None:
    """Rule 2: a newer descriptor is to be fetched first, an older one is a rollback, another hash a broken chain."""
    second = accept_descriptor(FIRST, signed(A.next(FIRST), A.roots[:2]), NOW)
    with refused(Code.NEWER_DESCRIPTOR):
        accept_keyset(FIRST, None, A.keyset(second), NOW)
    with refused(Code.ROLLBACK):
        accept_keyset(second, None, A.keyset(FIRST), NOW)
    with refused(Code.BAD_CHAIN):
        accept_keyset(FIRST, None, A.keyset(FIRST, desc_hash="A" * 43), NOW)


def test_unit_is_known() -> None:
    """Rule 2: keys are for the gateway or for a unit of the descriptor."""
    with refused(Code.MALFORMED, "unknown unit"):
        accept_keyset(FIRST, None, A.keyset(FIRST, enc=[A.enc_key(unit="shelter-3")]), NOW)
    second = accept_descriptor(None, A.document(units=[Unit(id="shelter-3", name="x", kind=UnitKind.NGO)]), NOW)
    keyset = accept_keyset(second, None, A.keyset(second, enc=[A.enc_key(unit="shelter-3")]), NOW)
    assert keyset.enc_for("shelter-3", NOW).kid == A.enc.kid


def test_revoked_encryption_key_is_refused() -> None:
    """Rule 2, threat 34: what the descriptor revoked is not listed again."""
    revoked = [Revocation(kid=A.enc.kid, at=NOW - 1000, since=NOW - 1000, reason="lost")]
    first = accept_descriptor(None, A.document(revoked=revoked), NOW)
    with refused(Code.REVOKED_KEY):
        accept_keyset(first, None, A.keyset(first), NOW)


def test_swapped_encryption_key_breaks_the_signature() -> None:
    """Rule 3, threat 35: keys that were exchanged on the way are no longer signed."""
    other = EncPrivateKey(RAND(32))
    payload = A.keyset_payload(FIRST, enc=[A.enc_key(kid=other.kid, pub=other.public)])
    with refused(Code.BAD_SIGNATURE):
        accept_keyset(FIRST, None, replace(A.keyset(FIRST), payload=payload), NOW)


def test_signed_by_a_sig_key_of_the_descriptor() -> None:
    """Rule 3: a stranger, an http key and a root sign no keyset; nor does a key out of its time, or a revoked one."""
    payload = A.keyset_payload(FIRST)
    for key in (B.sig, A.http, A.roots[0].key):
        with refused(Code.UNKNOWN_KEY):
            accept_keyset(FIRST, None, sign_document(KEYSET, payload, [key]), NOW)
    late = record(A.sig, Use.SIG, start=NOW + DAY)
    ahead = accept_descriptor(None, A.document(keys=[late]), NOW)
    with refused(Code.UNKNOWN_KEY, "not valid"):
        accept_keyset(ahead, None, A.keyset(ahead), NOW)
    other = SigningKey.generate(RAND, hybrid=True)
    revoked = [Revocation(kid=A.sig.public.kid, at=NOW - 1000, since=NOW - 1000, reason="lost")]
    revoking = accept_descriptor(None, A.document(keys=[record(other, Use.SIG)], revoked=revoked), NOW)
    with refused(Code.REVOKED_KEY):
        accept_keyset(revoking, None, A.keyset(revoking), NOW)


def test_a_signature_of_another_type_is_no_keyset_signature() -> None:
    """Rule 3: the payload type is signed."""
    document = sign_document(VOID, A.keyset_payload(FIRST), [A.sig])
    with refused(Code.BAD_SIGNATURE):
        accept_keyset(FIRST, None, replace(document, payload_type=KEYSET), NOW)
    with refused(Code.WRONG_TYPE):
        accept_keyset(FIRST, None, document, NOW)


def test_older_keyset_is_refused() -> None:
    """Rule 4: the number does not go down, and one number has one content."""
    with refused(Code.ROLLBACK, "older"):
        accept_keyset(FIRST, HELD, A.keyset(FIRST, version=4), NOW)
    with refused(Code.ROLLBACK, "under one number"):
        accept_keyset(FIRST, HELD, A.keyset(FIRST, version=5, expires=NOW + DAY), NOW)


def test_fast_forward_recovers() -> None:
    """Rule 4, threat 32: a thief of `sig` counts to the end; a root-signed descriptor starts the count anew."""
    stolen = accept_keyset(FIRST, HELD, A.keyset(FIRST, version=2**53 - 1), NOW)
    other = SigningKey.generate(RAND, hybrid=True)
    revoked = [Revocation(kid=A.sig.public.kid, at=NOW, since=NOW, reason="stolen")]
    document = signed(A.next(FIRST, keys=[record(other, Use.SIG)], revoked=revoked), A.roots[:2])
    second = accept_descriptor(FIRST, document, NOW)
    payload = A.keyset_payload(second, version=1)
    assert accept_keyset(second, stolen, sign_document(KEYSET, payload, [other]), NOW).pair == (2, 1)


def test_frozen_keyset_goes_stale() -> None:
    """Rule 5, threat 31: an old keyset that is served for ever is refused after 48 hours."""
    document = A.keyset(FIRST)
    assert accept_keyset(FIRST, None, document, NOW + 2 * DAY - 1)
    with refused(Code.STALE_KEYSET):
        accept_keyset(FIRST, None, document, NOW + 2 * DAY)


def test_keyset_of_the_future_is_refused() -> None:
    """Rule 5: 300 seconds of skew and not one more."""
    assert accept_keyset(FIRST, None, A.keyset(FIRST), NOW - 300)
    with refused(Code.NOT_YET_VALID):
        accept_keyset(FIRST, None, A.keyset(FIRST), NOW - 301)


def test_stale_keyset_is_not_used() -> None:
    """Threat 31: nothing is sealed with an expired keyset, nor with one from before the newest descriptor."""
    require_usable_keyset(HELD, FIRST, NOW)
    second = accept_descriptor(FIRST, signed(A.next(FIRST), A.roots[:2]), NOW)
    for descriptor, at in ((FIRST, HELD.expires), (second, NOW)):
        with pytest.raises(RefusedError) as caught:
            require_usable_keyset(HELD, descriptor, at)
        assert caught.value.code is Code.STALE_KEYSET


def test_newest_valid_key_is_used() -> None:
    """Of the keys of a unit the one that began last is used; without one, nothing is sealed."""
    keys = [EncPrivateKey(RAND(32)) for _ in range(3)]
    starts = [NOW - DAY, NOW - 5, NOW + 301]
    listed = [A.enc_key(kid=k.kid, pub=k.public, from_=start) for k, start in zip(keys, starts, strict=True)]
    keyset = accept_keyset(FIRST, None, A.keyset(FIRST, enc=listed), NOW)
    assert keyset.enc_for("gateway", NOW).kid == keys[1].kid
    assert keyset.enc_for("gateway", NOW + 1).kid == keys[2].kid
    for unit, at in (("gateway", NOW + 3 * DAY), ("shelter", NOW)):
        with pytest.raises(RefusedError) as caught:
            keyset.enc_for(unit, at)
        assert caught.value.code is Code.NO_KEY


@pytest.mark.parametrize(("listed", "hours"), [(24, 24), (72, 72), (96, 96), (400, 96)])
def test_no_key_is_used_when_it_is_96_hours_old(listed: int, hours: int) -> None:
    """nrm1 2.23: a sender uses a key as long as it is listed, and never longer than 96 hours (threat 195)."""
    key = EncPrivateKey(RAND(32))
    one = A.enc_key(kid=key.kid, pub=key.public, from_=NOW, until=NOW + listed * 3600)
    keyset = accept_keyset(FIRST, None, A.keyset(FIRST, enc=[one]), NOW)
    assert keyset.enc_for("gateway", NOW + hours * 3600 - 1).kid == key.kid
    with pytest.raises(RefusedError) as caught:
        keyset.enc_for("gateway", NOW + hours * 3600)
    assert caught.value.code is Code.NO_KEY


def test_builder_refuses_what_a_reader_would() -> None:
    """A keyset that no peer would take is not built."""
    with pytest.raises(RefusedError, match="48 hours"):
        A.keyset_payload(FIRST, expires=NOW + 3 * DAY)

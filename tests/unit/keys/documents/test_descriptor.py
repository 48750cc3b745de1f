"""keys.documents.descriptor: every rule of acceptance of nrm1 2.13 to 2.17, one fault each (threats 14, 30, 33, 34)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import nacl.bindings
import pytest
from support.nodes import NOW, Node, Seeds, edited, record, refused, signed, unsigned

from gateway.errors import Code, RefusedError
from gateway.foundation.ids import KeyId, UnitKind
from keys.documents.descriptor import Revocation, Unit, parse_descriptor
from keys.documents.descriptor_chain import (
    accept_descriptor,
    common_suite,
    revocation_of,
)
from keys.documents.key_records import Use
from keys.offline.roots import new_root
from keys.primitives.domains import DESCRIPTOR, VOID
from keys.primitives.encoding import DAY, b64u
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.sign import SignedDocument, sign_document

A = Node("a")
B = Node("b")
FIRST = A.first()
RAND = Seeds("descriptor")


def revoke(kid: str, since: int = NOW - 500) -> Revocation:
    """A revocation that was noticed now."""
    return Revocation(kid=kid, at=NOW, since=since, reason="compromised")


def spoiled(change: Callable[[Any], object]) -> SignedDocument:
    """Version 1 with one fault, signed by two roots all the same."""
    return signed(edited(A.payload(), change), A.roots[:2])


# --- rule 1: shape and keys --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("type", "nrm.descriptor/3"),
        ("node", "n1" + "A" * 32),
        ("name", ""),
        ("name", "a\u202eb"),
        ("version", 0),
        ("version", True),
        ("prev", "AA"),
        ("issued", -1),
        ("expires", NOW + 500 * DAY),
        ("expires", NOW - 1000),
        ("threshold", 0),
        ("threshold", 4),
        ("endpoints", []),
        ("endpoints", ["http://a.example"]),
        ("endpoints", ["https://a.example/path"]),
        ("endpoints", ["https://user@a.example"]),
        ("endpoints", ["https://a.example:65536"]),
        ("endpoints", ["https://a.example:0443"]),
        ("endpoints", ["https://a.example\n"]),
        ("suites", []),
        ("suites", ["nrm1", "nrm1"]),
        ("suites", ["rsa"]),
        ("log", "two words"),
        ("country", "fr"),
        ("country", "FRA"),
        ("contact", "a\nb"),
        ("tls_spki", []),
        ("tls_spki", ["AA"]),
        ("units", [{"id": "gateway", "name": "x", "kind": "ngo", "roles": []}]),
        ("units", [{"id": "shelter", "name": "x", "roles": []}]),
        ("units", [{"id": "shelter", "name": "x", "kind": "club", "roles": []}]),
        ("units", [{"id": "shelter", "name": "x", "kind": None, "roles": []}]),
        ("units", [{"id": "Shelter", "name": "x", "kind": "ngo", "roles": []}]),
        ("units", [{"id": "s", "name": "x", "kind": "ngo", "roles": []}] * 2),
        ("units", [{"id": "s", "name": "x"}]),
        ("revoked", [{"kid": "A" * 22, "at": 1, "since": 1, "reason": "Lost it"}]),
        ("revoked", [{"kid": "A" * 22, "at": 1, "since": 1, "reason": "lost"}] * 2),
        ("revoked", [{"kid": "A" * 22, "at": 1, "since": 2, "reason": "lost"}]),
        ("revoked", [{"kid": "A" * 22, "at": NOW - 699, "since": 1, "reason": "lost"}]),
        ("log", "a.example/log"),
        ("log", Node("b").first().log),
        ("log", f"{A.first().log}/1"),
        ("roots", []),
        ("keys", [{}]),
        ("alg", "none"),
    ],
    ids=str,
)
def test_bad_member(place: str, value: object) -> None:
    """Rule 1: one wrong, unknown or impossible member refuses the document, although its roots signed it."""
    with refused(Code.MALFORMED):
        accept_descriptor(None, spoiled(lambda body: body.update({place: value})), NOW)


@pytest.mark.parametrize("name", sorted(set(FIRST.__slots__) - {"document"}))
def test_missing_member(name: str) -> None:
    """Rule 1: no member may be left out."""
    with refused(Code.MALFORMED, f"descriptor lacks {name}"):
        accept_descriptor(None, spoiled(lambda body: body.pop(name)), NOW)


def test_payload_is_canonical() -> None:
    """Rule 1: white space in signed bytes is refused."""
    with refused(Code.MALFORMED, "canonical"):
        accept_descriptor(None, signed(A.payload() + b"\n", A.roots[:2]), NOW)


def test_ten_roots_are_too_many() -> None:
    """Rule 1: nine roots at most."""
    body = [new_root(now=NOW - DAY, rand=RAND).record.to_json() for _ in range(10)]
    with refused(Code.MALFORMED, "roots"):
        parse_descriptor(unsigned(edited(A.payload(), lambda value: value.update(roots=body))))


@pytest.mark.parametrize(
    "point", ["01" + "00" * 31, "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"]
)
def test_low_order_key_in_a_descriptor_is_refused(point: str) -> None:
    """Rule 1, threat 14: a low-order Ed25519 key makes the whole descriptor unacceptable."""
    change = {"ed25519": b64u(bytes.fromhex(point))}
    with refused(Code.BAD_KEY):
        accept_descriptor(None, spoiled(lambda body: body["keys"][0].update(change)), NOW)


def test_mixed_order_key_in_a_descriptor_is_refused() -> None:
    """Rule 1, threat 14: so does a key that is a good one plus a point of low order."""
    mixed = nacl.bindings.crypto_core_ed25519_add(A.sig.public.ed25519, b"\xec" + b"\xff" * 30 + b"\x7f")
    with refused(Code.BAD_KEY):
        accept_descriptor(None, spoiled(lambda body: body["keys"][0].update(ed25519=b64u(mixed))), NOW)


def test_kid_is_computed_anew() -> None:
    """Rule 1: a kid that is not the one of its key is refused."""
    with refused(Code.BAD_KEY, "kid"):
        accept_descriptor(None, spoiled(lambda body: body["keys"][0].update(kid="A" * 22)), NOW)


def test_same_key_twice_is_refused() -> None:
    """Rule 1: one kid occurs once."""
    with refused(Code.BAD_KEY, "two uses"):
        accept_descriptor(None, spoiled(lambda body: body["keys"].append(body["keys"][0])), NOW)


def test_component_key_under_two_uses_is_refused() -> None:
    """Rule 1: one Ed25519 half in two records with different kids is still one key with two uses (nrm1 2.2)."""
    half = SigningKey(A.sig.seeds()[0])
    with pytest.raises(RefusedError, match="two uses"):
        A.payload(keys=[record(A.sig, Use.SIG), record(half, Use.HTTP)])
    root_half = SigningKey(A.roots[2].key.seeds()[0], mldsa44_seed=bytes(32))
    with pytest.raises(RefusedError, match="two uses"):
        A.payload(keys=[record(root_half, Use.LOG)])


def test_uses_have_their_place() -> None:
    """Rule 1: a root among the keys, or another key among the roots, is refused."""
    with refused(Code.BAD_KEY, "root keys"):
        accept_descriptor(None, spoiled(lambda body: body["keys"].append(body["roots"].pop())), NOW)
    with refused(Code.BAD_KEY, "root keys"):
        accept_descriptor(None, spoiled(lambda body: body["roots"].append(body["keys"].pop(0))), NOW)


def test_a_revocation_is_dated_before_its_descriptor_but_for_skew() -> None:
    """Rule 1, threat 167: `since <= at <= issued + 300`; what is out of it is among the bad members above."""
    revoked = Revocation(kid=KeyId("A" * 22), at=NOW - 700, since=NOW - 700, reason="lost")
    assert parse_descriptor(A.document(revoked=[revoked])).revoked == (revoked,)


def test_a_node_of_release_0_1_0_keeps_the_name_of_its_log() -> None:
    """Rule 1: such a name holds the node id too, so nobody else can list it."""
    kept = parse_descriptor(A.document(log=f"fr.{A.first().node}.trm")).log
    assert kept == f"fr.{A.first().node}.trm"
    with pytest.raises(RefusedError, match="not named after the node"):
        Node("b").payload(log=kept)


def test_relisting_a_revoked_key_is_refused() -> None:
    """Rule 1, threat 34: a kid that is listed as revoked is not listed as a key."""
    with pytest.raises(RefusedError, match="revoked key is listed"):
        A.payload(issued=NOW, revoked=[revoke(A.sig.public.kid)])


# --- rule 2: signatures of the new roots -------------------------------------------------------------------------


def test_one_root_of_two_is_not_enough() -> None:
    """Rule 2, threat 33: one coerced root holder can not issue a descriptor."""
    with refused(Code.BAD_SIGNATURE, "not enough"):
        accept_descriptor(None, signed(A.payload(), A.roots[:1]), NOW)


def test_same_root_twice_is_refused() -> None:
    """Rule 2, threat 33: two signatures by one root are not two roots, even beside a second one."""
    for roots in ([A.roots[0], A.roots[0]], [A.roots[0], A.roots[0], A.roots[1]]):
        with refused(Code.BAD_SIGNATURE, "twice"):
            accept_descriptor(None, signed(A.payload(), roots), NOW)


def test_signature_by_a_stranger_is_refused() -> None:
    """Rule 2: a signature of no root refuses the document, even beside enough good ones."""
    with refused(Code.BAD_SIGNATURE, "no root"):
        accept_descriptor(None, signed(A.payload(), [*A.roots[:2], B.roots[0]]), NOW)


def test_bad_signature_beside_good_ones_is_refused() -> None:
    """Rule 2: every signature that is there has to verify."""
    document = signed(A.payload(), A.roots)
    broken = replace(document.signatures[2], ed25519=document.signatures[1].ed25519)
    with refused(Code.BAD_SIGNATURE):
        accept_descriptor(None, replace(document, signatures=(*document.signatures[:2], broken)), NOW)


def test_stripped_root_signature_is_refused() -> None:
    """Rule 2, threat 12: a root signs with both algorithms."""
    document = A.document()
    stripped = replace(document.signatures[0], mldsa65=None)
    with refused(Code.BAD_SIGNATURE, "halves"):
        accept_descriptor(None, replace(document, signatures=(stripped, document.signatures[1])), NOW)


def test_changed_byte_is_refused() -> None:
    """Rule 2: the signatures cover every byte of the payload."""
    payload = edited(A.payload(), lambda body: body.update(contact="another desk"))
    with refused(Code.BAD_SIGNATURE):
        accept_descriptor(None, replace(A.document(), payload=payload), NOW)


def test_root_outside_of_its_validity_does_not_count() -> None:
    """Rule 2, nrm1 2.14: a root's validity is judged when the descriptor was issued."""
    roots = [replace(root, record=replace(root.record, until=NOW - 1000)) for root in A.roots[:1]] + A.roots[1:]
    payload = A.payload(roots=[root.record for root in roots])
    with refused(Code.BAD_SIGNATURE, "not enough"):
        accept_descriptor(None, signed(payload, roots[:2]), NOW)
    accept_descriptor(None, signed(payload, roots[1:]), NOW)


def test_signature_of_another_type_is_refused() -> None:
    """Rule 2, threat 13: roots that signed the same bytes as another type did not sign a descriptor."""
    other = sign_document(VOID, A.payload(), [root.key for root in A.roots[:2]])
    with refused(Code.BAD_SIGNATURE):
        accept_descriptor(None, replace(other, payload_type=DESCRIPTOR), NOW)
    with refused(Code.WRONG_TYPE):
        accept_descriptor(None, other, NOW)


# --- rule 4: the chain -------------------------------------------------------------------------------------------


def follow(**changes: Any) -> SignedDocument:
    """Version 2 by the same roots."""
    return signed(A.next(FIRST, **changes), A.roots[:2])


# --- chains ------------------------------------------------------------------------------------------------------


# --- keys --------------------------------------------------------------------------------------------------------


def test_key_by_kid_and_use() -> None:
    """A key is found for its use only."""
    assert FIRST.key(A.sig.public.kid, "sig").public == A.sig.public
    assert FIRST.keys_of(Use.HTTP, NOW)[0].public == A.http.public
    for kid, use in [(A.sig.public.kid, "http"), ("A" * 22, "sig")]:
        with refused(Code.UNKNOWN_KEY):
            FIRST.key(kid, use)


def test_revoked_key_is_told_apart() -> None:
    """A revoked key is never accepted, and the code says why (nrm1 2.7)."""
    other = SigningKey.generate(RAND, hybrid=True)
    second = accept_descriptor(FIRST, follow(keys=[record(other, Use.SIG)], revoked=[revoke(A.sig.public.kid)]), NOW)
    with refused(Code.REVOKED_KEY):
        second.signing_key(A.sig.public.kid, at=NOW)
    assert revocation_of([FIRST, second], A.sig.public.kid) == revoke(A.sig.public.kid)
    assert revocation_of([FIRST], A.sig.public.kid) is None


def test_signing_key_is_judged_at_a_time() -> None:
    """nrm1 2.7: validity at the signed time, with 300 seconds at both ends."""
    kid, held = A.sig.public.kid, record(A.sig, Use.SIG)
    for at in (held.from_ - 300, held.until + 299):
        assert FIRST.signing_key(kid, at=at) == A.sig.public
    for at in (held.from_ - 301, held.until + 300):
        with refused(Code.UNKNOWN_KEY, "not valid at that time"):
            FIRST.signing_key(kid, at=at)


def test_newest_key_of_a_use_comes_last() -> None:
    """Of pre-listed keys, those valid at the time are listed, the one that began last at the end."""
    keys = [SigningKey.generate(RAND, hybrid=False) for _ in range(3)]
    starts = [NOW - 10, NOW - 20, NOW + 10]
    listed = [record(key, Use.HTTP, start=start) for key, start in zip(keys, starts, strict=True)]
    second = accept_descriptor(FIRST, follow(keys=listed), NOW)
    assert [item.kid for item in second.keys_of("http", NOW)] == [keys[1].public.kid, keys[0].public.kid]


def test_a_node_signs_from_its_first_key_on() -> None:
    """A newer signing key that becomes valid later takes nothing from one that is valid."""
    keys = [SigningKey.generate(RAND, hybrid=True) for _ in range(2)]
    listed = [record(key, Use.SIG, start=start) for key, start in zip(keys, (NOW + 10, NOW - 20), strict=True)]
    assert accept_descriptor(FIRST, follow(keys=listed), NOW).signs_from == NOW - 20


def test_authority_is_lower_case_without_443() -> None:
    """nrm1 9.12: host and port of the first endpoint in lower case, the port left out exactly when it is 443."""
    for endpoint, authority in [
        ("https://A.Example:443", "a.example"),
        ("https://a.example", "a.example"),
        ("https://a.example:65535", "a.example:65535"),
        ("https://[::1]:443", "[::1]"),
        ("https://[::443]", "[::443]"),
    ]:
        document = A.document(endpoints=[endpoint, "https://other.example"])
        assert accept_descriptor(None, document, NOW).authority == authority


def test_common_suite() -> None:
    """Threat 11: without the one suite in both signed descriptors nothing is sealed."""
    assert common_suite(FIRST, B.first()) == "nrm1"
    newer = accept_descriptor(None, B.document(suites=["nrm2"]), NOW)
    with pytest.raises(RefusedError) as caught:
        common_suite(FIRST, newer)
    assert caught.value.code is Code.NO_COMMON_SUITE


def test_units_are_read() -> None:
    """Units come back as they were listed."""
    units = [Unit(id="shelter-3", name="Shelter 3", kind=UnitKind.NGO, roles=("service_provider",))]
    assert accept_descriptor(None, A.document(units=units), NOW).units == tuple(units)

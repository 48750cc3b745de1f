"""keys.primitives.hybrid_keys: both halves or nothing, the record decides, bad points stay out (threats 12, 13, 14)."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import nacl.bindings
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from support.nodes import Seeds, refused
from support.sign_as import sign_as, sign_base

from gateway.errors import Code
from keys.primitives import hybrid_keys, raw_signatures
from keys.primitives.domains import RECEIPT, STATEMENT, TRUST, TRUST_1, VOID
from keys.primitives.encoding import b64u, h, lp_join
from keys.primitives.hybrid_keys import PublicKey, Signature, SigningKey

RAND = Seeds("sign")
HYBRID = SigningKey.generate(RAND, hybrid=True)
OTHER = SigningKey.generate(RAND, hybrid=True)
CLASSICAL = SigningKey.generate(RAND, hybrid=False)

# The eight points whose order divides 8, as ed25519 encodes them (RFC 8032, 5.1.2), and two second spellings.
LOW_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


def mixed_order() -> bytes:
    """A point that is neither of low order nor of the prime order: a good key plus the point of order two."""
    return nacl.bindings.crypto_core_ed25519_add(CLASSICAL.public.ed25519, bytes.fromhex(LOW_ORDER[1]))


def test_kid_commits_to_both_halves() -> None:
    """The key id is computed from the key, and differs when the post-quantum half is left out."""
    public = HYBRID.public
    assert public.mldsa65 is not None
    assert public.kid == b64u(h("kid", lp_join(public.ed25519, public.mldsa65))[:16])
    assert PublicKey.checked(public.ed25519).kid != public.kid


def test_signature_verifies_and_survives_its_member_form() -> None:
    """What is signed verifies, also after a trip through JSON, for both kinds of keys."""
    for key in (HYBRID, CLASSICAL):
        signature = Signature.from_json(key.sign(VOID, b"payload").to_json())
        hybrid_keys.verify(key.public, VOID, b"payload", signature)


def test_pae_is_dsse() -> None:
    """The signature base is the one of DSSE v1, so lengths keep type and body apart."""
    assert hybrid_keys.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_stripped_half_is_refused() -> None:
    """Threat 12: a hybrid key's signature without its post-quantum half is none."""
    signature = replace(HYBRID.sign(VOID, b"x"), mldsa65=None)
    with refused(Code.BAD_SIGNATURE, "halves"):
        hybrid_keys.verify(HYBRID.public, VOID, b"x", signature)


def test_flaw_7_a_stripped_signature_fits_no_key_that_has_one_half_in_common() -> None:
    """The base names the whole key, so that one half says nothing for another key that contains it."""
    both, alone = SigningKey(bytes(32), bytes(32)), SigningKey(bytes(32))
    stripped = replace(both.sign(VOID, b"{}"), kid=alone.public.kid, mldsa65=None)
    with refused(Code.BAD_SIGNATURE, "ed25519 signature does not verify"):
        hybrid_keys.verify(alone.public, VOID, b"{}", stripped)
    other = SigningKey(bytes(32), bytes([1]) * 32)
    half = replace(other.sign(VOID, b"{}"), ed25519=both.sign(VOID, b"{}").ed25519)
    with refused(Code.BAD_SIGNATURE, "ed25519 signature does not verify"):
        hybrid_keys.verify(other.public, VOID, b"{}", half)


@pytest.mark.parametrize("context", [b"", b"nrm2"])
def test_the_context_is_that_of_the_suite(context: bytes) -> None:
    """ML-DSA-65 signs with the context nrm1 (nrm1 1.9)."""
    key = SigningKey(bytes(32), bytes(32))
    base = hybrid_keys.signature_base(key.public, VOID, b"{}")
    with refused(Code.BAD_SIGNATURE, "ml-dsa-65 signature does not verify"):
        hybrid_keys.verify(key.public, VOID, b"{}", sign_base(base, key, context))
    hybrid_keys.verify(key.public, VOID, b"{}", sign_base(base, key, b"nrm1"))


def test_each_form_has_its_own_base() -> None:
    """The number in the type says the base (nrm1 1.17): PAE alone for the first form, and nothing else."""
    key = SigningKey(bytes(32), bytes(32))
    sign_as(TRUST_1, b"{}", key).verify(key.public)
    for kind, base in ((VOID, hybrid_keys.pae(VOID, b"{}")), (TRUST_1, base_of_second(key))):
        for context in (b"", b"nrm1"):
            with refused(Code.BAD_SIGNATURE):
                hybrid_keys.verify(key.public, kind, b"{}", sign_base(base, key, context))


def base_of_second(key: SigningKey) -> bytes:
    """What the second form would sign of a type of the first."""
    return hybrid_keys.signature_base(key.public, TRUST_1, b"{}")


def test_added_half_is_refused() -> None:
    """Threat 12: nor may a half be added to the signature of a key that has only one."""
    signature = replace(CLASSICAL.sign(VOID, b"x"), mldsa65=HYBRID.sign(VOID, b"x").mldsa65)
    with refused(Code.BAD_SIGNATURE, "halves"):
        hybrid_keys.verify(CLASSICAL.public, VOID, b"x", signature)


@pytest.mark.parametrize("half", ["ed25519", "mldsa65"])
def test_foreign_half_is_refused(half: str) -> None:
    """Threat 12: one half by the key and the other by another key is no signature."""
    foreign = OTHER.sign(VOID, b"x")
    signature = replace(HYBRID.sign(VOID, b"x"), **{half: getattr(foreign, half)})
    with refused(Code.BAD_SIGNATURE, "does not verify"):
        hybrid_keys.verify(HYBRID.public, VOID, b"x", signature)


def test_signature_under_another_kid_is_refused() -> None:
    """A signature counts only for the key it names."""
    with refused(Code.BAD_SIGNATURE, "another key"):
        hybrid_keys.verify(OTHER.public, VOID, b"x", HYBRID.sign(VOID, b"x"))


def test_signature_of_one_type_is_none_of_another() -> None:
    """Threat 13: the payload type is signed, so a trust record is never taken for a void."""
    with refused(Code.BAD_SIGNATURE):
        hybrid_keys.verify(HYBRID.public, VOID, b"x", HYBRID.sign(TRUST, b"x"))


@pytest.mark.parametrize("kind", [STATEMENT, RECEIPT])
def test_what_is_signed_in_batches_is_never_signed_alone(kind: str) -> None:
    """nrm1 1.18: nobody signs it so, and a signature over it that somebody made all the same verifies nothing."""
    with pytest.raises(RuntimeError, match="alone"):
        HYBRID.sign(kind, b"{}")
    made = sign_base(hybrid_keys.signature_base(HYBRID.public, kind, b"{}"), HYBRID, b"nrm1")
    with refused(Code.BAD_SIGNATURE, "alone"):
        hybrid_keys.verify(HYBRID.public, kind, b"{}", made)


@pytest.mark.parametrize("point", [*map(bytes.fromhex, LOW_ORDER), mixed_order(), b"\x02" + b"\0" * 31, b"\1" * 31])
def test_bad_points_are_no_keys(point: bytes) -> None:
    """Threat 14: points of low order, of mixed order, off the curve, or of a wrong length are refused."""
    with refused(Code.BAD_KEY):
        PublicKey.checked(point)


def test_universal_forgery_fails_closed() -> None:
    """Threat 14: the signature that OpenSSL accepts for every message under the identity point is refused twice."""
    identity = bytes.fromhex(LOW_ORDER[0])
    base_point = bytes.fromhex("5866666666666666666666666666666666666666666666666666666666666666")
    forgery = base_point + b"\x01" + b"\0" * 31
    Ed25519PublicKey.from_public_bytes(identity).verify(forgery, b"any message at all")  # returns: it is accepted
    with refused(Code.BAD_SIGNATURE):
        raw_signatures.verify_raw(identity, b"any message at all", forgery)
    with refused(Code.BAD_KEY):
        PublicKey.checked(identity)


def test_wrong_kid_and_wrong_length_are_bad_keys() -> None:
    """A key record whose kid is another's, or whose post-quantum half is cut short, is refused."""
    public = HYBRID.public
    assert public.mldsa65 is not None
    with refused(Code.BAD_KEY, "kid"):
        replace(public, kid=OTHER.public.kid)
    with refused(Code.BAD_KEY, "wrong length"):
        PublicKey.checked(public.ed25519, public.mldsa65[:-1])


def test_private_key_does_not_leave() -> None:
    """A private key prints as <redacted>, alone and inside of others, and can not be pickled or copied."""
    assert "<redacted>" == repr(HYBRID) == str(HYBRID) == f"{HYBRID}"
    for leave in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="not pickled"):
            leave(HYBRID)


def test_hybrid_key_signs_no_raw_message() -> None:
    """A key that signs documents never signs bytes that could be one (nrm1 2.2: one key, one use)."""
    with pytest.raises(RuntimeError, match="documents only"):
        HYBRID.sign_raw(b"x")
    raw_signatures.verify_raw(CLASSICAL.public.ed25519, b"x", CLASSICAL.sign_raw(b"x"))


def test_seeds_make_the_same_key() -> None:
    """A key is its seeds."""
    assert SigningKey(*HYBRID.seeds()).public == HYBRID.public
    assert SigningKey(*CLASSICAL.seeds()).public == CLASSICAL.public


def test_raw_verification_refuses_wrong_lengths() -> None:
    """Keys and signatures of a wrong length are a bad signature, not a crash."""
    for key, signature in [(b"", b"\0" * 64), (b"\0" * 32, b"\0" * 63), (b"\0" * 33, b"\0" * 64)]:
        with refused(Code.BAD_SIGNATURE, "wrong length"):
            raw_signatures.verify_raw(key, b"x", signature)

"""Signatures of types that our code refuses to make: what a node of before, or a hostile one, may send."""

from __future__ import annotations

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from keys.primitives.encoding import canon, unb64u
from keys.primitives.hybrid_keys import Signature, SigningKey, kid_of, pae
from keys.primitives.sign import SignedDocument


def sign_as(payload_type: str, payload: bytes, *keys: SigningKey) -> SignedDocument:
    """The payload as a document of any type, signed as the first form was, with every half of the keys."""
    signatures = tuple(sign_base(pae(payload_type, payload), key) for key in keys)
    return SignedDocument(payload=payload, payload_type=payload_type, signatures=signatures)


def sign_base(base: bytes, key: SigningKey, context: bytes = b"") -> Signature:
    """What a key signs if it is given the base itself, and the context of its ML-DSA half."""
    seed, half = key.seeds()
    return Signature(
        kid=key.public.kid,
        ed25519=Ed25519PrivateKey.from_private_bytes(seed).sign(base),
        mldsa65=None if half is None else MLDSA65PrivateKey.from_seed_bytes(half).sign(base, context),
    )


def in_first_form(descriptor: bytes) -> bytes:
    """The payload of a descriptor as release 0.1.0 wrote it: a log or a witness of Ed25519 alone, units of no kind."""
    value = orjson.loads(descriptor) | {"type": "nrm.descriptor/1"}
    for key in value["keys"]:
        if key.pop("mldsa44", None) is not None:
            key["kid"] = kid_of(unb64u(key["ed25519"]), None)
        key.setdefault("mldsa65", None)
    for unit in value["units"]:
        del unit["kind"]
    return canon(value)

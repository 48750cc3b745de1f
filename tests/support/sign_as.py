"""Signatures of types that our code refuses to make: what a node of before, or a hostile one, may send."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from keys.primitives.sign import Signature, SignedDocument, SigningKey, pae


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

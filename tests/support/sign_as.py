"""Signatures of types that our code refuses to make: what a node of before, or a hostile one, may send."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from keys.primitives.sign import Signature, SignedDocument, SigningKey, pae


def sign_as(payload_type: str, payload: bytes, key: SigningKey) -> SignedDocument:
    """The payload as a document of any type, with every half of the key."""
    base, (seed, half) = pae(payload_type, payload), key.seeds()
    signature = Signature(
        kid=key.public.kid,
        ed25519=Ed25519PrivateKey.from_private_bytes(seed).sign(base),
        mldsa65=None if half is None else MLDSA65PrivateKey.from_seed_bytes(half).sign(base),
    )
    return SignedDocument(payload=payload, payload_type=payload_type, signatures=(signature,))

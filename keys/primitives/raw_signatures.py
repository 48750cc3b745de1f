"""One half of a signature over bytes as they are: Ed25519 or ML-DSA (nrm1 2.2, 2.5).

Ed25519 is verified by PyNaCl, because OpenSSL accepts low-order public keys: with such a key one signature fits every
message (nrm1 2.5). Every key from outside passes ``is_valid_point``, which refuses low-order and mixed-order points
from PyNaCl 1.6.2 on (CVE-2025-69277).
"""

from __future__ import annotations

import functools
from typing import Final

import nacl.bindings
import nacl.exceptions
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey, MLDSA65PublicKey

from gateway.errors import Code, RemoteError

ED25519_PUBLIC: Final = 32
ED25519_SIGNATURE: Final = 64
MLDSA44_PUBLIC: Final = 1312  # FIPS 204, table 2
MLDSA44_SIGNATURE: Final = 2420  # FIPS 204, table 2
MLDSA65_PUBLIC: Final = 1952  # FIPS 204, table 2
MLDSA65_SIGNATURE: Final = 3309  # FIPS 204, table 2


def verify_raw(ed25519: bytes, message: bytes, signature: bytes) -> None:
    """Verify an Ed25519 signature with libsodium: canonical encodings only, no low-order point.

    Raises RemoteError(bad_signature).
    """
    try:
        if len(ed25519) != ED25519_PUBLIC or len(signature) != ED25519_SIGNATURE:
            raise RemoteError(Code.BAD_SIGNATURE, "wrong length")
        # libsodium, not OpenSSL: see the module. Every node must refuse the same signatures.
        nacl.bindings.crypto_sign_open(signature + message, ed25519)
    except nacl.exceptions.BadSignatureError as exc:
        raise RemoteError(Code.BAD_SIGNATURE, "ed25519 signature does not verify") from exc


def verify_mldsa65(public: bytes, message: bytes, signature: bytes, context: bytes) -> None:
    """Verify an ML-DSA-65 signature under a context (FIPS 204, 5.3). Raises RemoteError(bad_signature)."""
    try:
        _mldsa65(public).verify(signature, message, context)
    except InvalidSignature as exc:
        raise RemoteError(Code.BAD_SIGNATURE, "ml-dsa-65 signature does not verify") from exc


@functools.lru_cache(maxsize=256)
def _mldsa65(public: bytes) -> MLDSA65PublicKey:
    return MLDSA65PublicKey.from_public_bytes(public)


def verify_mldsa44(public: bytes, message: bytes, signature: bytes) -> None:
    """Verify an ML-DSA-44 signature with an empty context, as C2SP has it. Raises RemoteError(bad_signature)."""
    try:
        _mldsa44(public).verify(signature, message)
    except InvalidSignature as exc:
        raise RemoteError(Code.BAD_SIGNATURE, "ml-dsa-44 signature does not verify") from exc


@functools.lru_cache(maxsize=256)
def _mldsa44(public: bytes) -> MLDSA44PublicKey:
    return MLDSA44PublicKey.from_public_bytes(public)

"""Closing and opening, one suite and no choice (nrm1 2.1, 2.5).

HPKE base mode with MLKEM768-X25519 (0x647a), HKDF-SHA256 (0x0001) and ChaCha20-Poly1305 (0x0003) seals a content key
of 32 bytes; Cobblestone-256 seals the content under that key.

Opening fails in one way only, RemoteError(undecryptable): a reason would be an oracle.
At rest: XChaCha20-Poly1305 with random nonces of 24 bytes (nrm1 13.1), and HMAC-SHA256 for look-ups.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import Final, NoReturn

import nacl.bindings
import nacl.exceptions
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import KeyId
from keys.primitives.encoding import b64u, h

SUITE: Final = "nrm1"
CEK: Final = 32  # bytes of a content key
ENC: Final = 1168  # bytes: ML-KEM ciphertext 1088, X25519 share 32, closed content key 32 + 16 (nrm1 3.8)
ENC_PUBLIC: Final = 1216  # bytes: ML-KEM-768 key 1184, X25519 key 32 (nrm1 2.3)
ENC_SEED: Final = 32
NONCE: Final = 24
_TAG: Final = 16
_MLKEM_PUBLIC: Final = 1184
_HPKE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
# Any fixed scalar shows a low-order share: the result is all zero and the library refuses it.
_PROBE: Final = X25519PrivateKey.from_private_bytes(b"\x01" * 32)


def undecryptable() -> RemoteError:
    """Make the one error for everything that does not open, so that no caller learns the reason."""
    return RemoteError(Code.UNDECRYPTABLE, "does not open")


# --- encryption keys ---------------------------------------------------------------------------------------------


class EncPrivateKey:
    """An X-Wing key, made from its 32-byte seed (draft-connolly-cfrg-xwing-kem; nrm1 2.5). Prints as <redacted>."""

    __slots__ = ("_key", "_seed", "kid", "public")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != ENC_SEED:
            raise RuntimeError("encryption seed is not 32 bytes")
        expanded = hashlib.shake_256(seed).digest(96)
        mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
        x25519 = X25519PrivateKey.from_private_bytes(expanded[64:])
        self._seed = seed
        self._key = MLKEM768X25519PrivateKey(mlkem, x25519)
        self.public: bytes = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        self.kid: KeyId = enc_kid(self.public)

    def open(self, enc: bytes, info: bytes) -> bytes:
        """Open with HPKE; the plaintext may have any length. Raises RemoteError(undecryptable)."""
        try:
            return _HPKE.decrypt(enc, self._key, info)
        except InvalidTag as exc:
            raise undecryptable() from exc

    def seed(self) -> bytes:
        """Return the seed; only for the code that writes the keystore."""
        return self._seed

    def __repr__(self) -> str:
        return "<redacted>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not pickled")


def enc_kid(public: bytes) -> KeyId:
    """kid = b64u(H("ekid", pub)[:16]) (nrm1 2.4)."""
    return KeyId(b64u(h("ekid", public)[:16]))


def check_enc_public(public: bytes) -> None:
    """Check that `public` is a usable X-Wing key.

    Raises RemoteError(bad_key) for a wrong length, a coefficient that is not reduced (FIPS 203, 7.2), a low-order
    share.
    """
    _load_public(public)


@lru_cache(maxsize=64)  # public keys of peers in use; each is checked when it is first seen
def _load_public(public: bytes) -> MLKEM768X25519PublicKey:
    try:  # each of the two loaders demands its exact length
        mlkem = MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC])
        x25519 = X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC:])
        _PROBE.exchange(x25519)
    except ValueError as exc:
        raise RemoteError(Code.BAD_KEY, "encryption key is not valid") from exc
    return MLKEM768X25519PublicKey(mlkem, x25519)


# --- sealing for a peer ------------------------------------------------------------------------------------------


def seal_cek(public: bytes, cek: bytes, info: bytes) -> bytes:
    """Seal a content key for the holder of `public`: 1168 bytes. Raises RemoteError(bad_key)."""
    if len(cek) != CEK:
        raise RuntimeError("content key is not 32 bytes")
    return _HPKE.encrypt(cek, _load_public(public), info)


def open_cek(private: EncPrivateKey, enc: bytes, info: bytes) -> bytes:
    """Open a content key. Raises RemoteError(undecryptable), also when it is not 32 bytes."""
    if len(enc) != ENC:
        raise undecryptable()
    return private.open(enc, info)


def seal_content(cek: bytes, context: bytes, inner: bytes) -> bytes:
    """Seal with Cobblestone-256: random salt, key commitment, chunks of 16 KiB; `context` is bound (C2SP
    chunked-encryption).
    """
    encryptor = Cobblestone256Encryptor(cek, context)
    return encryptor.update(inner) + encryptor.finalize()


def open_content(cek: bytes, context: bytes, ct: bytes) -> bytes:
    """Open Cobblestone-256 as a whole: nothing is released unless every chunk is. Raises RemoteError(undecryptable)."""
    try:
        decryptor = Cobblestone256Decryptor(cek, context)
        return decryptor.update(ct) + decryptor.finalize()
    except (InvalidTag, ValueError) as exc:
        raise undecryptable() from exc


# --- at rest -----------------------------------------------------------------------------------------------------


def aead_seal(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """Seal with XChaCha20-Poly1305; `key` 32 bytes, `nonce` 24 random bytes, never used twice and not part of the
    result.
    """
    return nacl.bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, aad, nonce, key)


def aead_open(key: bytes, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes:
    """Open what `aead_seal` made. Raises RemoteError(undecryptable)."""
    if len(nonce) != NONCE or len(ciphertext) < _TAG:
        raise undecryptable()
    try:
        return nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(ciphertext, aad, nonce, key)
    except nacl.exceptions.CryptoError as exc:
        raise undecryptable() from exc


def keyed_index(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA256 cut to 16 bytes: finds a row again without telling what it is about (nrm1 13.1)."""
    return hmac.digest(key, data, "sha256")[:16]

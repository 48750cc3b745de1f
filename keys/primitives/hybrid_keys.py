"""Hybrid keys, Ed25519 and ML-DSA, and what they sign: the base of a document, a note, an HTTP message (nrm1 2.2, 1.9).

No algorithm is named in a signature: the key decides, and the verifier demands exactly its halves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn, Self

import nacl.bindings
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA65PrivateKey

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import KeyId
from gateway.ports import Json
from keys.primitives.domains import SIGNATURE_CONTEXT, SIGNATURE_PREFIX, SIGNED
from keys.primitives.encoding import b64u, exact, h, is_b64u, is_id, lp_join, maybe_bytes, nullable, text, unb64u
from keys.primitives.raw_signatures import (
    ED25519_PUBLIC,
    ED25519_SIGNATURE,
    MLDSA44_PUBLIC,
    MLDSA65_PUBLIC,
    MLDSA65_SIGNATURE,
    verify_mldsa65,
    verify_raw,
)

SEED: Final = 32

Rand = Callable[[int], bytes]


# --- keys --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Halves:
    """A key or a signature: both halves under the kid of the key; `mldsa65` is None without the post-quantum half."""

    kid: KeyId
    ed25519: bytes
    mldsa65: bytes | None

    def to_json(self) -> dict[str, Json]:
        """Return the members `{kid, ed25519, mldsa65|null}` (nrm1 1.10)."""
        half = None if self.mldsa65 is None else b64u(self.mldsa65)
        return {"kid": self.kid, "ed25519": b64u(self.ed25519), "mldsa65": half}

    @classmethod
    def from_members(cls, member: Mapping[str, Json]) -> Self:
        """Read these members of an object that was checked."""
        kid, half = KeyId(text(member["kid"])), maybe_bytes(member["mldsa65"])
        return cls(kid=kid, ed25519=unb64u(member["ed25519"]), mldsa65=half)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey(_Halves):
    """A verification key that passed every check; holding one is the proof. `kid` commits to both halves (nrm1 2.4).

    A key has at most one other half: `mldsa65` for documents, or `mldsa44` for the notes of logs and witnesses. Raises
    RemoteError(bad_key) from the constructor.
    """

    mldsa44: bytes | None = None

    def __post_init__(self) -> None:
        if len(self.ed25519) != ED25519_PUBLIC or not nacl.bindings.crypto_core_ed25519_is_valid_point(self.ed25519):
            raise RemoteError(Code.BAD_KEY, "ed25519 key is not a point of the prime-order group")
        if self.mldsa65 is not None and len(self.mldsa65) != MLDSA65_PUBLIC:
            raise RemoteError(Code.BAD_KEY, "ml-dsa-65 key has the wrong length")
        if self.mldsa44 is not None and len(self.mldsa44) != MLDSA44_PUBLIC:
            raise RemoteError(Code.BAD_KEY, "ml-dsa-44 key has the wrong length")
        if self.mldsa65 is not None and self.mldsa44 is not None:
            raise RemoteError(Code.BAD_KEY, "key has two other halves")
        if self.kid != kid_of(self.ed25519, self.mldsa65, self.mldsa44):
            raise RemoteError(Code.BAD_KEY, "kid does not commit to the key")

    @property
    def hash(self) -> bytes:
        """The 32 bytes of which `kid` is the first half: they name the whole key in what it signs (nrm1 1.9)."""
        return key_hash(self.ed25519, self.mldsa65, self.mldsa44)

    @property
    def other(self) -> str | None:
        """Name its half beside Ed25519, "mldsa65" or "mldsa44"; None where there is none."""
        if self.mldsa44 is not None:
            return "mldsa44"
        return None if self.mldsa65 is None else "mldsa65"

    @property
    def components(self) -> tuple[bytes, ...]:
        """Its one or two keys."""
        return tuple(part for part in (self.ed25519, self.mldsa65, self.mldsa44) if part is not None)

    @classmethod
    def checked(cls, ed25519: bytes, mldsa65: bytes | None = None, mldsa44: bytes | None = None) -> Self:
        """Make a key, with its kid computed. Raises RemoteError(bad_key)."""
        return cls(kid=kid_of(ed25519, mldsa65, mldsa44), ed25519=ed25519, mldsa65=mldsa65, mldsa44=mldsa44)


def key_hash(ed25519: bytes, mldsa65: bytes | None, mldsa44: bytes | None = None) -> bytes:
    """H("kid", LP(ed25519) || LP(mldsa65 or "")), with LP(mldsa44) behind them where there is one, 32 bytes.

    A kid is cut from it, and each signature names it.
    """
    return h("kid", lp_join(ed25519, mldsa65 or b"") + (b"" if mldsa44 is None else lp_join(mldsa44)))


def kid_of(ed25519: bytes, mldsa65: bytes | None, mldsa44: bytes | None = None) -> KeyId:
    """kid = b64u(H("kid", whole key)[:16]) (nrm1 2.4)."""
    return KeyId(b64u(key_hash(ed25519, mldsa65, mldsa44)[:16]))


class SigningKey:
    """A private key of two seeds of 32 bytes, or of one for Ed25519 only. Prints as <redacted>; cannot be pickled."""

    __slots__ = ("_ed25519", "_mldsa44", "_mldsa65", "public")

    def __init__(
        self, ed25519_seed: bytes, mldsa65_seed: bytes | None = None, *, mldsa44_seed: bytes | None = None
    ) -> None:
        self._ed25519 = Ed25519PrivateKey.from_private_bytes(ed25519_seed)
        self._mldsa65 = None if mldsa65_seed is None else MLDSA65PrivateKey.from_seed_bytes(mldsa65_seed)
        self._mldsa44 = None if mldsa44_seed is None else MLDSA44PrivateKey.from_seed_bytes(mldsa44_seed)
        self.public = PublicKey.checked(
            self._ed25519.public_key().public_bytes_raw(),
            None if self._mldsa65 is None else self._mldsa65.public_key().public_bytes_raw(),
            None if self._mldsa44 is None else self._mldsa44.public_key().public_bytes_raw(),
        )

    @classmethod
    def generate(cls, rand: Rand, *, hybrid: bool) -> Self:
        """Generate a new key from `rand(n)`, a source of n secret bytes."""
        return cls(rand(SEED), rand(SEED) if hybrid else None)

    @classmethod
    def generate_for_notes(cls, rand: Rand) -> Self:
        """Generate a new key of a log or of a witness, with its ML-DSA-44 half."""
        return cls(rand(SEED), mldsa44_seed=rand(SEED))

    def sign(self, payload_type: str, payload: bytes) -> Signature:
        """Sign the exact bytes with every half of the key; a type that nobody signs is a ``RuntimeError``."""
        if payload_type not in SIGNED or not SIGNED[payload_type].issued or SIGNED[payload_type].batched:
            raise RuntimeError(f"nobody signs {payload_type!r} alone")
        if self._mldsa44 is not None:
            raise RuntimeError("a key of notes signs no document")
        base = signature_base(self.public, payload_type, payload)
        return Signature(
            kid=self.public.kid,
            ed25519=self._ed25519.sign(base),
            mldsa65=None if self._mldsa65 is None else self._mldsa65.sign(base, SIGNATURE_CONTEXT),
        )

    def sign_raw(self, message: bytes) -> bytes:
        """Sign `message` itself by Ed25519, for HTTP and log checkpoints; never by a hybrid key (nrm1 2.2: one use)."""
        if self._mldsa65 is not None:
            raise RuntimeError("a hybrid key signs documents only")
        return self._ed25519.sign(message)

    def sign_note_half(self, message: bytes) -> bytes:
        """Sign `message` by ML-DSA-44, for checkpoints and cosignatures (C2SP tlog-cosignature)."""
        if self._mldsa44 is None:
            raise RuntimeError("only a key of notes has an ML-DSA-44 half")
        return self._mldsa44.sign(message)

    def seeds(self) -> tuple[bytes, bytes | None]:
        """Return both seeds; only for the code that writes key files. `public` says of which algorithm the other is."""
        other = self._mldsa65 or self._mldsa44
        return self._ed25519.private_bytes_raw(), None if other is None else other.private_bytes_raw()

    def __repr__(self) -> str:
        return "<redacted>"

    def __reduce__(self) -> NoReturn:
        # A pickled key would be a copy in another process or in a file.
        raise TypeError("a private key is not pickled")


# --- signatures --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature(_Halves):
    """One signature by one key, with exactly the halves of the key."""

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Read the member form. Raises RemoteError(malformed)."""
        return cls.from_members(exact(value, _SIGNATURE, what="signature"))


_SIGNATURE: Final = {
    "kid": is_id,
    "ed25519": is_b64u(ED25519_SIGNATURE),
    "mldsa65": nullable(is_b64u(MLDSA65_SIGNATURE)),
}


def pae(payload_type: str, payload: bytes) -> bytes:
    """Pre-authentication encoding of DSSE v1 (secure-systems-lab/dsse, protocol.md): a base ends in it (nrm1 1.9)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def signature_base(public: PublicKey, payload_type: str, payload: bytes) -> bytes:
    """Return what both halves of `public` sign: "nrm1-sig" || 0x00 || H("kid", whole key) || PAE (nrm1 1.9).

    It names the whole key, so that no half of a signature can be moved to a key that has only one half in common.
    """
    return SIGNATURE_PREFIX + public.hash + pae(payload_type, payload)


def verify(public: PublicKey, payload_type: str, payload: bytes, signature: Signature) -> None:
    """Return if `signature` is by `public` with exactly the halves of the key (nrm1 1.12).

    The number in the type says over which base: a type that is not issued is of the first form (nrm1 1.17). Raises
    RemoteError(bad_signature), also for what is signed in a batch only (nrm1 1.18).
    """
    if SIGNED[payload_type].batched:
        raise RemoteError(Code.BAD_SIGNATURE, "signed alone, where only a batch is signed")
    if signature.kid != public.kid:
        raise RemoteError(Code.BAD_SIGNATURE, "signed by another key")
    # The key decides, never the signature: else leaving out the post-quantum half would downgrade a hybrid key.
    if (signature.mldsa65 is None) != (public.mldsa65 is None):
        raise RemoteError(Code.BAD_SIGNATURE, "halves of the signature are not those of the key")
    first = not SIGNED[payload_type].issued
    base = pae(payload_type, payload) if first else signature_base(public, payload_type, payload)
    verify_raw(public.ed25519, base, signature.ed25519)
    if public.mldsa65 is not None and signature.mldsa65 is not None:
        verify_mldsa65(public.mldsa65, base, signature.mldsa65, b"" if first else SIGNATURE_CONTEXT)

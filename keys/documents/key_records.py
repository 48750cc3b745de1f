"""Key records: which key does what, from when until when (nrm1 2.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Self

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import KeyId
from gateway.ports import Json
from keys.primitives.encoding import (
    Check,
    b64u,
    exact,
    is_b64u,
    is_id,
    is_int,
    malformed,
    maybe_bytes,
    nullable,
    number,
    one_of,
    text,
    unb64u,
)
from keys.primitives.hybrid_keys import PublicKey, Rand, SigningKey, verify
from keys.primitives.raw_signatures import ED25519_PUBLIC, MLDSA44_PUBLIC, MLDSA65_PUBLIC
from keys.primitives.sign import SignedDocument


class Use(StrEnum):
    """The purpose of a key; one key has one use."""

    ROOT = "root"
    SIG = "sig"
    HTTP = "http"
    LOG = "log"
    WIT = "wit"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """One line of a descriptor. Valid from `from_` until before `until`, Unix seconds."""

    use: Use
    from_: int
    until: int
    public: PublicKey

    def __post_init__(self) -> None:
        if self.from_ >= self.until:
            raise malformed("key record ends before it begins")
        # A record of the first form may lack the other half; ``from_json`` demands it of one of today.
        if self.public.other not in (HALF[self.use], None) or (self.use is Use.ROOT and not self.is_whole):
            raise RemoteError(Code.BAD_KEY, f"halves of the key do not fit its use {self.use}")

    @property
    def is_whole(self) -> bool:
        """Whether the key has the halves that its use demands (nrm1 2.6); `http` is Ed25519 alone."""
        return self.public.other == HALF[self.use]

    @property
    def kid(self) -> KeyId:
        """Key id; commits to the key."""
        return self.public.kid

    def valid_at(self, at: int, *, skew: int = 0) -> bool:
        """Whether the record covers `at`, with `skew` seconds of allowance at both ends."""
        return self.from_ - skew <= at < self.until + skew

    def to_json(self) -> Json:
        """Return the member form: `{kid,use,from,until,ed25519}` and the other half that the use demands."""
        member: dict[str, Json] = {"kid": self.kid, "use": self.use.value, "from": self.from_, "until": self.until}
        member["ed25519"] = b64u(self.public.ed25519)
        half, data = HALF[self.use], self.public.mldsa65 or self.public.mldsa44
        if half is not None:
            member[half] = None if data is None else b64u(data)
        return member

    @classmethod
    def from_json(cls, value: Json, *, first_form: bool = False) -> Self:
        """Read the member form; the kid is computed anew. Raises RemoteError(malformed, bad_key)."""
        use = value.get("use") if isinstance(value, dict) else None
        if not isinstance(use, str) or use not in _RECORDS:
            raise malformed("key record is of no use")
        member = exact(value, _FIRST if first_form else _RECORDS[use], what="key record")
        record = cls(
            use=Use(use),
            from_=number(member["from"]),
            until=number(member["until"]),
            public=PublicKey(
                kid=KeyId(text(member["kid"])),
                ed25519=unb64u(member["ed25519"]),
                mldsa65=maybe_bytes(member.get("mldsa65")),
                mldsa44=maybe_bytes(member.get("mldsa44")),
            ),
        )
        if not first_form and not record.is_whole:
            raise RemoteError(Code.BAD_KEY, f"halves of the key do not fit its use {use}")
        return record


HALF: Final[Mapping[Use, str | None]] = MappingProxyType(
    {Use.ROOT: "mldsa65", Use.SIG: "mldsa65", Use.HTTP: None, Use.LOG: "mldsa44", Use.WIT: "mldsa44"}
)
"""The other half of a key of each use: ML-DSA-65 for documents, ML-DSA-44 for notes, none for HTTP (nrm1 2.2)."""
_SIZES: Final = {"mldsa65": MLDSA65_PUBLIC, "mldsa44": MLDSA44_PUBLIC}
_COMMON: Final[dict[str, Check]] = {
    "kid": is_id,
    "use": one_of(*Use),
    "from": is_int(),
    "until": is_int(),
    "ed25519": is_b64u(ED25519_PUBLIC),
}
_RECORDS: Final[dict[str, dict[str, Check]]] = {
    use.value: _COMMON if half is None else _COMMON | {half: nullable(is_b64u(_SIZES[half]))}
    for use, half in HALF.items()
}
_FIRST: Final = _COMMON | {"mldsa65": nullable(is_b64u(MLDSA65_PUBLIC))}
"""The first form named the one half for every use, null for none (nrm1 1.17)."""


def generate_key(use: Use, rand: Rand) -> SigningKey:
    """Generate a new key with the halves that its use demands."""
    if HALF[use] == "mldsa44":
        return SigningKey.generate_for_notes(rand)
    return SigningKey.generate(rand, hybrid=HALF[use] is not None)


def roots_json(roots: Sequence[KeyRecord], threshold: int) -> Json:
    """`{roots,threshold}`: what a node id and a fingerprint are computed from (nrm1 2.8, 2.9)."""
    return {"roots": [record.to_json() for record in roots], "threshold": threshold}


def verify_signers(roots: Iterable[KeyRecord], document: SignedDocument) -> frozenset[KeyId]:
    """Verify every signature of a document by `roots` and return the kids of those that signed.

    Raises RemoteError(bad_signature) for a signature by anybody else, and for a second one by the same root.
    """
    known = {record.kid: record.public for record in roots}
    signers: set[KeyId] = set()
    for signature in document.signatures:
        # One signature that does not verify refuses the whole document, so that all nodes judge it alike.
        if signature.kid not in known or signature.kid in signers:
            raise RemoteError(Code.BAD_SIGNATURE, "signed twice by one root, or by no root")
        verify(known[signature.kid], document.payload_type, document.payload, signature)
        signers.add(signature.kid)
    return frozenset(signers)

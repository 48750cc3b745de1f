"""Key records: which key does what, from when until when (nrm1 2.6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import KeyId
from gateway.ports import Json
from keys.primitives.encoding import (
    Check,
    exact,
    is_b64u,
    is_id,
    is_int,
    malformed,
    nullable,
    number,
    one_of,
    text,
)
from keys.primitives.raw_signatures import ED25519_PUBLIC, MLDSA65_PUBLIC
from keys.primitives.sign import PublicKey, SignedDocument, verify


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
        has_half = self.public.mldsa65 is not None
        if (self.use is Use.ROOT and not has_half) or (self.use in _CLASSICAL and has_half):
            raise RemoteError(Code.BAD_KEY, f"halves of the key do not fit its use {self.use}")

    @property
    def kid(self) -> KeyId:
        """Key id; commits to the key."""
        return self.public.kid

    def valid_at(self, at: int, *, skew: int = 0) -> bool:
        """Whether the record covers `at`, with `skew` seconds of allowance at both ends."""
        return self.from_ - skew <= at < self.until + skew

    def to_json(self) -> Json:
        """Return the member form `{kid,use,from,until,ed25519,mldsa65|null}`."""
        window: dict[str, Json] = {"kid": self.kid, "use": self.use.value, "from": self.from_, "until": self.until}
        return window | self.public.to_json()

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Read the member form; the kid is computed anew. Raises RemoteError(malformed, bad_key)."""
        member = exact(value, _RECORD, what="key record")
        return cls(
            use=Use(text(member["use"])),
            from_=number(member["from"]),
            until=number(member["until"]),
            public=PublicKey.from_members(member),
        )


_CLASSICAL: Final = frozenset({Use.HTTP, Use.LOG, Use.WIT})
_RECORD: Final[dict[str, Check]] = {
    "kid": is_id,
    "use": one_of(*Use),
    "from": is_int(),
    "until": is_int(),
    "ed25519": is_b64u(ED25519_PUBLIC),
    "mldsa65": nullable(is_b64u(MLDSA65_PUBLIC)),
}


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

"""Signed documents: exact bytes, their type, and the signatures over both (nrm1 1.10, 1.12).

The keys, and what each of them signs, are in ``hybrid_keys``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from gateway.errors import Code, RemoteError
from gateway.ports import Json
from keys.primitives.domains import SIGNED
from keys.primitives.encoding import (
    DOCUMENT_LIMIT,
    Check,
    b64u,
    canon,
    exact,
    is_object,
    is_str,
    items,
    list_of,
    malformed,
    one_of,
    parse,
    text,
    unb64u,
)
from keys.primitives.hybrid_keys import (
    PublicKey,
    Signature,
    SigningKey,
    verify,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedDocument:
    """Exact bytes, their type, and their signatures. Reading one proves its shape, not its signatures."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]

    def to_json(self) -> dict[str, Json]:
        """The member form `{payload, payloadType, signatures}` (nrm1 1.10)."""
        return {
            "payload": b64u(self.payload),
            "payloadType": self.payload_type,
            "signatures": [signature.to_json() for signature in self.signatures],
        }

    def encode(self) -> bytes:
        """Return canonical JSON."""
        return canon(self.to_json())

    @classmethod
    def from_json(cls, value: Json, *payload_types: str) -> Self:
        """Read the member form of a document that is of one of these types.

        Raises RemoteError(malformed), or wrong_type for a document of another type.
        """
        member = exact(value, _DOCUMENT, what="document")
        payload_type = text(member["payloadType"])
        if payload_type not in payload_types:
            raise RemoteError(Code.WRONG_TYPE, "document is of another type")
        signatures = items(member["signatures"])
        if len(signatures) > SIGNED[payload_type].most:
            raise malformed("document has too many signatures")
        return cls(
            payload=unb64u(member["payload"]),
            payload_type=payload_type,
            signatures=tuple(Signature.from_json(item) for item in signatures),
        )

    @classmethod
    def decode(cls, data: bytes, *payload_types: str, limit: int = DOCUMENT_LIMIT) -> Self:
        """Read canonical JSON of at most `limit` bytes. Raises RemoteError(too_large, malformed, wrong_type)."""
        return cls.from_json(parse(data, limit=limit), *payload_types)

    @property
    def is_type(self) -> Check:
        """Check the member `type` of the payload: it has the same number as the payload type."""
        return one_of(SIGNED[self.payload_type].payload)

    @property
    def signature(self) -> Signature:
        """The only signature. Raises RemoteError(malformed) when there are several."""
        if len(self.signatures) != 1:
            raise malformed("document has not exactly one signature")
        return self.signatures[0]

    def verify(self, public: PublicKey) -> None:
        """Verify that `public` alone signed this document. Raises RemoteError(malformed, bad_signature)."""
        verify(public, self.payload_type, self.payload, self.signature)


_DOCUMENT: Final = {
    "payload": is_str(r"[A-Za-z0-9_-]*", 2 * DOCUMENT_LIMIT),
    "payloadType": is_str(maxlen=100),
    "signatures": list_of(is_object, 1, max(each.most for each in SIGNED.values())),
}


def sign_document(payload_type: str, payload: bytes, keys: Sequence[SigningKey]) -> SignedDocument:
    """Sign `payload` with each of `keys`: one, or several roots for a descriptor or a tombstone."""
    signatures = tuple(key.sign(payload_type, payload) for key in keys)
    return SignedDocument(payload=payload, payload_type=payload_type, signatures=signatures)

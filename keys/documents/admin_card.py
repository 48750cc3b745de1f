"""The card of an administrator with a key file: who may change what (nrm1 8.13).

nrm.admin/2     a person's public key under a pseudonym, signed by that key, which proves possession
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from gateway.foundation.ids import KeyId
from gateway.ports import Json
from keys.primitives.domains import ADMIN, ADMIN_1, SIGNED
from keys.primitives.encoding import (
    Check,
    canon,
    exact,
    is_b64u,
    is_id,
    is_int,
    is_line,
    is_object,
    number,
    parse_payload,
    text,
)
from keys.primitives.hybrid_keys import PublicKey, SigningKey
from keys.primitives.raw_signatures import ED25519_PUBLIC, MLDSA65_PUBLIC
from keys.primitives.sign import SignedDocument, sign_document

PSEUDONYM: Final = 16  # random bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminCard:
    """The public half of an administrator's key, as a node enrols it. Reading one proves possession of the key."""

    pseudonym: str
    label: str
    at: int
    key: PublicKey
    document: SignedDocument

    @classmethod
    def make(cls, *, pseudonym: str, label: str, at: int, key: SigningKey) -> Self:
        """Make a new card, signed by the key it shows.

        Raises RemoteError(malformed) for a label that is no line of text.
        """
        payload = canon(
            {
                "type": SIGNED[ADMIN].payload,
                "pseudonym": pseudonym,
                "label": label,
                "key": key.public.to_json(),
                "at": at,
            }
        )
        return cls.read(sign_document(ADMIN, payload, [key]))

    @classmethod
    def read(cls, document: SignedDocument) -> Self:
        """Read the card in a document, verified with its own key.

        Raises RemoteError(malformed, bad_key, bad_signature).
        """
        member = exact(parse_payload(document.payload), {"type": document.is_type, **_ADMIN}, what="administrator")
        key = PublicKey.from_members(exact(member["key"], _KEY, what="administrator.key"))
        document.verify(key)
        return cls(
            pseudonym=text(member["pseudonym"]),
            label=text(member["label"]),
            at=number(member["at"]),
            key=key,
            document=document,
        )

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Read the card in the member form of a document. Raises RemoteError as ``read``, and wrong_type.

        A card of the first form is taken too: it lies in the key file of its holder, who alone could sign it anew.
        """
        return cls.read(SignedDocument.from_json(value, ADMIN, ADMIN_1))

    def to_json(self) -> dict[str, Json]:
        """Return the member form, as a change carries it."""
        return self.document.to_json()

    @property
    def kid(self) -> KeyId:
        """The name of its key."""
        return self.key.kid


_ADMIN: Final[dict[str, Check]] = {
    "pseudonym": is_id,
    "label": is_line(1, 64),
    "key": is_object,
    "at": is_int(),
}
_KEY: Final[dict[str, Check]] = {
    "kid": is_id,
    "ed25519": is_b64u(ED25519_PUBLIC),
    "mldsa65": is_b64u(MLDSA65_PUBLIC),  # both halves: approvals must last (nrm1 2.2)
}

"""The header of a backup file, readable without a key, and the public half of the recovery key (nrm1 13.4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import KeyId, NodeId
from keys.primitives.domains import BACKUP, SIGNED
from keys.primitives.encoding import (
    Check,
    b64u,
    canon,
    exact,
    is_b64u,
    is_count,
    is_hash,
    is_id,
    is_int,
    is_node,
    number,
    one_of,
    parse_payload,
    text,
    unb64u,
)
from keys.primitives.seal import (
    ENC_PUBLIC,
    check_enc_public,
    enc_kid,
)
from keys.primitives.sign import SignedDocument

HEADER_LIMIT: Final = 16 * 1024


class Kind(StrEnum):
    """The contents of a backup."""

    DATA = "data"
    KEYSTORE = "keystore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The header in front of the sealed content. `at` is Unix seconds, `kid` names the recovery key."""

    node: NodeId
    at: int
    kind: Kind
    kid: KeyId
    gen: int
    epoch: int
    size: int
    sha256: str

    def encode(self) -> bytes:
        """Return canonical JSON: the bytes that are signed."""
        return canon(
            {
                "type": SIGNED[BACKUP].payload,
                "node": self.node,
                "at": self.at,
                "kind": str(self.kind),
                "kid": self.kid,
                "gen": self.gen,
                "epoch": self.epoch,
                "size": self.size,
                "sha256": self.sha256,
            }
        )

    @classmethod
    def read(cls, document: SignedDocument) -> Self:
        """Read the header in a document of either form. Raises RemoteError(malformed)."""
        member = exact(parse_payload(document.payload), {"type": document.is_type, **_HEADER}, what="backup header")
        return cls(
            node=NodeId(text(member["node"])),
            at=number(member["at"]),
            kind=Kind(text(member["kind"])),
            kid=KeyId(text(member["kid"])),
            gen=number(member["gen"]),
            epoch=number(member["epoch"]),
            size=number(member["size"]),
            sha256=text(member["sha256"]),
        )


_HEADER: Final[dict[str, Check]] = {
    "node": is_node,
    "at": is_int(),
    "kind": one_of(*Kind),
    "kid": is_id,
    "gen": is_count,
    "epoch": is_count,
    "size": is_int(),
    "sha256": is_hash,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryPublic:
    """The public half of a recovery key, which seals backups. `made` is Unix seconds."""

    kid: KeyId
    public: bytes
    made: int

    def encode(self) -> bytes:
        """Return the content of its file."""
        return (
            canon({"type": "nrm.recovery-public/1", "kid": self.kid, "pub": b64u(self.public), "made": self.made})
            + b"\n"
        )

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a file. Raises RemoteError(malformed, bad_key)."""
        member = exact(parse_payload(data.removesuffix(b"\n")), _PUBLIC, what="recovery key")
        public = unb64u(member["pub"])
        check_enc_public(public)
        if member["kid"] != enc_kid(public):
            raise RemoteError(Code.BAD_KEY, "kid does not commit to the recovery key")
        return cls(kid=KeyId(text(member["kid"])), public=public, made=number(member["made"]))


_PUBLIC: Final[dict[str, Check]] = {
    "type": one_of("nrm.recovery-public/1"),
    "kid": is_id,
    "pub": is_b64u(ENC_PUBLIC),
    "made": is_int(),
}

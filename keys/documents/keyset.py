"""Which keys to seal for right now: a short-lived list, signed by a `sig` key (nrm1 2.20, 2.21).

``accept_keyset`` applies, in this order:
  1. shape: canonical, exact members, alive for at most 48 hours, keys valid and their kids computed anew, units known,
     no kid and no key twice
  2. it is of this node and names the descriptor held
  3. one signature, by a `sig` key of that descriptor that is valid when it was issued and not revoked
  4. (desc_version, version) is not lower than the pair held, and the same pair is the same bytes. The pair lets a
     root-signed descriptor undo what a thief of `sig` did to the counter
  5. issued at most 300 s ahead of `now`, and not expired
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation.ids import KeyId, NodeId, UnitId
from gateway.ports import Json
from keys.documents.descriptor import GATEWAY, Descriptor
from keys.primitives.domains import KEYSET, KEYSET_1, SIGNED
from keys.primitives.encoding import (
    SKEW,
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
    is_object,
    is_str,
    items,
    list_of,
    malformed,
    number,
    parse_payload,
    text,
    texts,
    unb64u,
)
from keys.primitives.seal import ENC_PUBLIC, check_enc_public, enc_kid
from keys.primitives.sign import SignedDocument

LONGEST_LIFE: Final = 48 * 3600  # seconds
MOST_KEYS: Final = 80
OLDEST_KEY: Final = 96 * 3600
"""Seconds after which a sender uses no key any more, however long a peer lists it."""


KEYSETS: Final = (KEYSET, KEYSET_1)
"""Both forms, for what was kept: nobody makes or takes the first one any more (nrm1 1.17)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncKey:
    """A key that content keys are sealed for: `pub` 1216 bytes, valid from `from_` until before `until`."""

    kid: KeyId
    unit: UnitId
    pub: bytes
    from_: int
    until: int

    def to_json(self) -> Json:
        """Return the member form `{kid,unit,pub,from,until}`."""
        return {"kid": self.kid, "unit": self.unit, "pub": b64u(self.pub), "from": self.from_, "until": self.until}


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyset:
    """The encryption keys of a node. Holding one proves rule 1; only ``accept_keyset`` proves the others."""

    node: NodeId
    version: int
    desc_version: int
    desc_hash: str
    issued: int
    expires: int
    enc: tuple[EncKey, ...]
    heads: tuple[str, ...]
    checkpoint: str
    document: SignedDocument

    @property
    def is_first_form(self) -> bool:
        """Whether it is of the form that nobody signs any more (nrm1 1.17)."""
        return self.document.payload_type == KEYSET_1

    @property
    def pair(self) -> tuple[int, int]:
        """(desc_version, version): never goes down."""
        return self.desc_version, self.version

    def enc_for(self, unit: UnitId, now: int) -> EncKey:
        """Return the newest key of `unit` that is valid now and younger than 96 hours; it may begin up to 300 s ahead.
        Raises RefusedError(no_key).
        """
        found = [
            key
            for key in self.enc
            if key.unit == unit and key.from_ - SKEW <= now < min(key.until, key.from_ + OLDEST_KEY)
        ]
        if not found:
            raise RefusedError(Code.NO_KEY, "the peer lists no valid encryption key", hint="wait for its next keyset")
        return max(found, key=lambda key: key.from_)


def build_keyset(
    *,
    node: NodeId,
    version: int,
    desc_version: int,
    desc_hash: str,
    issued: int,
    expires: int,
    enc: Sequence[EncKey],
    heads: Sequence[str] = (),
    checkpoint: str = "",
) -> bytes:
    """Build the payload to be signed by `sig`. Raises RefusedError(invalid) for whatever rule 1 would refuse."""
    payload = canon(
        {
            "type": SIGNED[KEYSET].payload,
            "node": node,
            "version": version,
            "desc_version": desc_version,
            "desc_hash": desc_hash,
            "issued": issued,
            "expires": expires,
            "enc": [key.to_json() for key in enc],
            "heads": list(heads),
            "checkpoint": checkpoint,
        }
    )
    try:
        parse_keyset(SignedDocument(payload=payload, payload_type=KEYSET, signatures=()))
    except RemoteError as exc:
        raise RefusedError(Code.INVALID, f"no valid keyset: {exc.what}") from exc
    return payload


def accept_keyset(descriptor: Descriptor, last: Keyset | None, document: SignedDocument, now: int) -> Keyset:
    """Apply rules 1 to 5. `descriptor` is the newest one held, `last` the keyset held.

    Raises RemoteError: malformed, wrong_type, bad_key, revoked_key (1), wrong_node, newer_descriptor (fetch the chain,
    then judge again), rollback, bad_chain (2), unknown_key, revoked_key, bad_signature (3), rollback (4),
    not_yet_valid, stale_keyset (5).
    """
    if document.payload_type != KEYSET:
        raise RemoteError(Code.WRONG_TYPE, "keyset is of the first form")
    new = parse_keyset(document)  # 1
    _names(new, descriptor)  # 2
    document.verify(descriptor.signing_key(document.signature.kid, at=new.issued))  # 3
    if last is not None:
        _not_lower(last, new)  # 4
    if new.issued > now + SKEW:  # 5
        raise RemoteError(Code.NOT_YET_VALID, "keyset was issued in the future")
    if now >= new.expires:
        raise RemoteError(Code.STALE_KEYSET, "keyset has expired")
    return new


def require_usable_keyset(keyset: Keyset, descriptor: Descriptor, now: int) -> None:
    """Check that content may be sealed with `keyset` now. Raises RefusedError(stale_keyset).

    A keyset is stale once it has expired, and once a newer descriptor was accepted: one of its keys may have been
    revoked.
    """
    if now >= keyset.expires or keyset.desc_hash != descriptor.hash:
        raise RefusedError(Code.STALE_KEYSET, "keyset is out of date", hint="the peer has to be reached first")


def _names(new: Keyset, descriptor: Descriptor) -> None:
    if new.node != descriptor.node:
        raise RemoteError(Code.WRONG_NODE, "keyset is of another node")
    if new.desc_version > descriptor.version:
        raise RemoteError(Code.NEWER_DESCRIPTOR, "keyset names a descriptor that is not held")
    # A keyset of before the newest descriptor may list keys that this descriptor revokes.
    if new.desc_version < descriptor.version:
        raise RemoteError(Code.ROLLBACK, "keyset names an older descriptor")
    if new.desc_hash != descriptor.hash:
        raise RemoteError(Code.BAD_CHAIN, "keyset names another descriptor under this version")
    units = {unit.id for unit in descriptor.units} | {GATEWAY}
    if any(key.unit not in units for key in new.enc):
        raise malformed("keyset has a key for an unknown unit")
    revoked = {revocation.kid for revocation in descriptor.revoked}
    if any(key.kid in revoked for key in new.enc):
        raise RemoteError(Code.REVOKED_KEY, "a revoked key is listed")


def _not_lower(last: Keyset, new: Keyset) -> None:
    if new.pair < last.pair:
        raise RemoteError(Code.ROLLBACK, "keyset is older than the one held")
    # Two keysets under one number would let a thief of `sig` swap encryption keys unnoticed.
    if new.pair == last.pair and new.document.payload != last.document.payload:
        raise RemoteError(Code.ROLLBACK, "two keysets under one number")


# --- rule 1 ------------------------------------------------------------------------------------------------------


def parse_keyset(document: SignedDocument) -> Keyset:
    """Rule 1: shape and keys, no signature. Raises RemoteError(wrong_type, malformed, bad_key)."""
    if document.payload_type not in KEYSETS:
        raise RemoteError(Code.WRONG_TYPE, "document is no keyset")
    member = exact(parse_payload(document.payload), {"type": document.is_type, **_KEYSET}, what="keyset")
    keyset = Keyset(
        node=NodeId(text(member["node"])),
        version=number(member["version"]),
        desc_version=number(member["desc_version"]),
        desc_hash=text(member["desc_hash"]),
        issued=number(member["issued"]),
        expires=number(member["expires"]),
        enc=tuple(_enc_key(item) for item in items(member["enc"])),
        heads=texts(member["heads"]),
        checkpoint=text(member["checkpoint"]),
        document=document,
    )
    if not 0 < keyset.expires - keyset.issued <= LONGEST_LIFE:
        raise malformed("keyset lives longer than 48 hours, or not at all")
    if len({key.kid for key in keyset.enc}) != len(keyset.enc):
        raise RemoteError(Code.BAD_KEY, "one encryption key occurs twice")
    return keyset


def _enc_key(value: Json) -> EncKey:
    member = exact(value, _ENC_KEY, what="encryption key")
    key = EncKey(
        kid=KeyId(text(member["kid"])),
        unit=UnitId(text(member["unit"])),
        pub=unb64u(member["pub"]),
        from_=number(member["from"]),
        until=number(member["until"]),
    )
    if key.from_ >= key.until:
        raise malformed("encryption key ends before it begins")
    if key.kid != enc_kid(key.pub):
        raise RemoteError(Code.BAD_KEY, "kid does not commit to the encryption key")
    # Here and not when sealing: a bad key has to refuse the keyset, not a message that a person waits for.
    check_enc_public(key.pub)
    return key


_ENC_KEY: Final[dict[str, Check]] = {
    "kid": is_id,
    "unit": is_str(r"[a-z0-9][a-z0-9-]{0,47}", 48),
    "pub": is_b64u(ENC_PUBLIC),
    "from": is_int(),
    "until": is_int(),
}
_KEYSET: Final[dict[str, Check]] = {
    "node": is_node,
    "version": is_count,
    "desc_version": is_count,
    "desc_hash": is_hash,
    "issued": is_int(),
    "expires": is_int(),
    "enc": list_of(is_object, 0, MOST_KEYS),
    "heads": list_of(is_hash, 0, 1000, distinct=True),
    "checkpoint": is_str(maxlen=20_000),
}

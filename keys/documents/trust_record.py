"""Trust records: what one node permits another, signed by its `sig` key and sent to that other (nrm1 8.1, 8.6).

The records of one issuer about one peer are a chain: `prev` names the record before, the newest one counts. Those of
the first form are no part of it: the first one behind them names none (nrm1 8.7). A record is judged in this order:
  1. canonical, exact members; every list of the scope sorted, without repeats
  2. signed by the issuer, about the peer that reads it, of a descriptor that the reader really had
  3. extends the newest record held, or is one that is held already; nothing follows a revocation
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import NodeId
from gateway.ports import Json
from keys.documents.descriptor import Descriptor
from keys.documents.key_records import Use
from keys.primitives.domains import SIGNED, TRUST, TRUST_1
from keys.primitives.encoding import (
    DAY,
    Check,
    b64u,
    canon,
    exact,
    h,
    is_code,
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
    maybe_text,
    nullable,
    number,
    one_of,
    parse_payload,
    text,
)
from keys.primitives.hybrid_keys import PublicKey
from keys.primitives.sign import SignedDocument

TRUSTS: Final = (TRUST, TRUST_1)
"""Both forms, for what was kept: nobody makes or takes the first one any more (nrm1 1.17)."""
LONGEST: Final = 400 * DAY
"""Seconds that a record may stand before people confirm it again (nrm1 8.1)."""
MOST_APPROVALS: Final = 16


class TrustState(StrEnum):
    """The decision of the issuer about the peer."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """The administrator behind a record: pseudonym, kid of the key, hash of the signed approval."""

    admin: str
    credential: str
    assertion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustRecord:
    """One record. `scope` has the exact form of the wire; times are Unix seconds."""

    node: NodeId
    peer: NodeId
    peer_desc_version: int
    peer_desc_hash: str
    state: TrustState
    scope: dict[str, Json]
    not_before: int
    expires: int
    approvals: tuple[Assertion, ...]
    prev: str | None
    payload_type: str = TRUST

    def encode(self) -> bytes:
        """Return canonical JSON: the bytes that `sig` signs."""
        return canon(
            {
                "type": SIGNED[self.payload_type].payload,
                "node": self.node,
                "peer": self.peer,
                "peer_desc_version": self.peer_desc_version,
                "peer_desc_hash": self.peer_desc_hash,
                "state": str(self.state),
                "scope": self.scope,
                "not_before": self.not_before,
                "expires": self.expires,
                "approvals": [
                    {"admin": a.admin, "credential": a.credential, "assertion": a.assertion} for a in self.approvals
                ],
                "prev": self.prev,
            }
        )

    @property
    def is_first_form(self) -> bool:
        """Whether this record is of the form that nobody signs any more (nrm1 1.17)."""
        return self.payload_type == TRUST_1

    @property
    def hash(self) -> str:
        """The hash that the next record names as its `prev`."""
        return trust_hash(self.encode())


def trust_hash(payload: bytes) -> str:
    """Return H("trust", payload)."""
    return b64u(h("trust", payload))


def parse_trust(document: SignedDocument) -> TrustRecord:
    """Read a record; its signature is not yet verified. Raises RemoteError(malformed)."""
    member = exact(parse_payload(document.payload), {"type": document.is_type, **_TRUST}, what="trust record")
    not_before, expires = number(member["not_before"]), number(member["expires"])
    if not not_before < expires <= not_before + LONGEST:
        raise malformed("trust record stands for no time, or for longer than 400 days")
    scope = member["scope"]
    if not isinstance(scope, dict):
        raise malformed("trust record.scope is malformed")
    return TrustRecord(
        node=NodeId(text(member["node"])),
        peer=NodeId(text(member["peer"])),
        peer_desc_version=number(member["peer_desc_version"]),
        peer_desc_hash=text(member["peer_desc_hash"]),
        state=TrustState(text(member["state"])),
        scope=scope,
        not_before=not_before,
        expires=expires,
        approvals=tuple(_assertion(item) for item in items(member["approvals"])),
        prev=maybe_text(member["prev"]),
        payload_type=document.payload_type,
    )


def read_trust(data: bytes, chain: Iterable[Descriptor]) -> TrustRecord:
    """Read a stored record and verify it with the key of the issuer's chain that signed it, even if that key was
    revoked or has expired since.

    Raises RemoteError(malformed, unknown_key, bad_signature).
    """
    document = SignedDocument.decode(data, *TRUSTS)
    kid = document.signature.kid
    found = [key for d in chain for key in d.keys if key.kid == kid and key.use == Use.SIG]
    if not found:
        raise RemoteError(Code.UNKNOWN_KEY, "signed by a key that was never listed")
    document.verify(found[0].public)
    return parse_trust(document)


def accept_trust(
    chain: Sequence[TrustRecord], document: SignedDocument, *, signer: PublicKey, issuer: str, me: str
) -> TrustRecord | None:
    """Apply steps 1 to 3: return the record when it is new and extends `chain`, None when it is held already.

    `signer` is the issuer's key that the document's kid names. Raises RemoteError(malformed, bad_signature,
    unknown_sender, misdirected, bad_chain).
    """
    record = parse_trust(document)  # 1
    document.verify(signer)  # 2
    if record.node != issuer:
        raise RemoteError(Code.UNKNOWN_SENDER, "trust record was made by another node")
    if record.peer != me:
        raise RemoteError(Code.MISDIRECTED, "trust record is about another node")
    if record.hash in {held.hash for held in chain}:  # 3
        return None
    newest = chain[-1] if chain else None
    if record.prev != (None if newest is None else newest.hash):
        raise RemoteError(Code.BAD_CHAIN, "trust record does not extend the newest one held")
    # A revocation is final, so that no later record, signed with a stolen key perhaps, can bring a peer back.
    if newest is not None and newest.state is TrustState.REVOKED:
        raise RemoteError(Code.BAD_CHAIN, "nothing follows a revocation")
    return record


def _assertion(value: Json) -> Assertion:
    member = exact(value, _ASSERTION, what="approval")
    return Assertion(
        admin=text(member["admin"]), credential=text(member["credential"]), assertion=text(member["assertion"])
    )


# --- the form of a scope -----------------------------------------------------------------------------------------


def _sorted_list(check: Check, most: int) -> Check:
    """Check for a sorted array without repeats, so that equal scopes have equal bytes."""
    allowed = list_of(check, 0, most, distinct=True)
    return lambda value: allowed(value) and isinstance(value, list) and value == sorted(value, key=canon)


_COUNTRY: Final[Check] = is_str(r"[A-Z]{2}|[a-z][a-z0-9-]{2,31}", 32)
_SCOPE: Final[dict[str, Check]] = {
    "types": _sorted_list(is_str(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*", 64), 256),
    "directions": _sorted_list(one_of("receive", "send"), 2),
    "corridors": _sorted_list(list_of(_COUNTRY, 2, 2), 256),
    "units": _sorted_list(is_str(r"[a-z0-9][a-z0-9-]{0,47}", 48), 256),
    "roles": _sorted_list(is_code, 256),
    "purposes": _sorted_list(is_code, 256),
    "max_bytes": is_int(),
    "max_file_bytes": is_int(),
}


def is_scope(value: Json) -> bool:
    """Whether `value` is a scope in the exact form of the wire."""
    try:
        exact(value, _SCOPE, what="scope")
    except RemoteError:
        return False
    return True


_ASSERTION: Final[dict[str, Check]] = {"admin": is_id, "credential": is_id, "assertion": is_hash}
_TRUST: Final[dict[str, Check]] = {
    "node": is_node,
    "peer": is_node,
    "peer_desc_version": is_count,
    "peer_desc_hash": is_hash,
    "state": one_of(*TrustState),
    "scope": is_scope,
    "not_before": is_int(),
    "expires": is_int(),
    "approvals": list_of(is_object, 0, MOST_APPROVALS),
    "prev": nullable(is_hash),
}

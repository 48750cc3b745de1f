"""The end of a node id: signed by all its roots at the first ceremony, kept sealed at two places (nrm1 2.24).

It is for the day on which two or more roots are lost or stolen, when no descriptor can be trusted any more. Any holder
of it may publish it; a peer that accepts it revokes the node for ever.

``accept_tombstone`` demands the signature of every root of one accepted version of the chain, each root valid when it
was issued: a tombstone of the first ceremony stays valid after a root was replaced, and fewer than all roots cannot
end a node. A version with a root that was revoked since does not count, else whoever stole enough roots over the years
could end the node with them: the holders make a new tombstone when they revoke a root.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import KeyId, NodeId
from keys.documents.descriptor import Descriptor
from keys.documents.key_records import KeyRecord, verify_signers
from keys.primitives.domains import SIGNED, TOMBSTONE
from keys.primitives.encoding import SKEW, Check, canon, exact, is_int, is_node, number, parse_payload, text
from keys.primitives.sign import SignedDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """The signed end of `node`; its roots wrote it at `issued`, often years before (Unix seconds)."""

    node: NodeId
    issued: int
    document: SignedDocument


def build_tombstone(node: NodeId, issued: int) -> bytes:
    """Build the payload that all roots sign."""
    return canon({"type": SIGNED[TOMBSTONE].payload, "node": node, "issued": issued})


def parse_tombstone(document: SignedDocument) -> Tombstone:
    """Read the shape; verify no signature. Raises RemoteError(wrong_type, malformed)."""
    if document.payload_type != TOMBSTONE:
        raise RemoteError(Code.WRONG_TYPE, "document is no tombstone")
    member = exact(parse_payload(document.payload), {"type": document.is_type, **_TOMBSTONE}, what="tombstone")
    return Tombstone(node=NodeId(text(member["node"])), issued=number(member["issued"]), document=document)


def accept_tombstone(chain: Sequence[Descriptor], document: SignedDocument, now: int) -> Tombstone:
    """Verify a tombstone against the accepted chain of its node.

    Raises RemoteError: wrong_type, malformed, wrong_node, not_yet_valid; bad_signature when a signature does not
    verify, is by no root of the chain, comes twice, or is missing; revoked_key when every version whose roots signed
    has one that was revoked.
    """
    found = parse_tombstone(document)
    if not chain or found.node != chain[-1].node:
        raise RemoteError(Code.WRONG_NODE, "tombstone is of another node")
    if found.issued > now + SKEW:
        raise RemoteError(Code.NOT_YET_VALID, "tombstone was issued in the future")
    # Roots of every version: a tombstone of the first ceremony must still work after a root was replaced.
    signers = verify_signers((record for descriptor in chain for record in descriptor.roots), document)
    signed = [d.roots for d in chain if _all_signed(d.roots, signers, found.issued)]
    if not signed:
        raise RemoteError(Code.BAD_SIGNATURE, "not all roots signed")
    revoked = {revocation.kid for revocation in chain[-1].revoked}
    if all(any(record.kid in revoked for record in roots) for roots in signed):
        raise RemoteError(Code.REVOKED_KEY, "a root that signed was revoked since")
    return found


def _all_signed(roots: Sequence[KeyRecord], signers: frozenset[KeyId], issued: int) -> bool:
    return all(record.kid in signers and record.valid_at(issued, skew=SKEW) for record in roots)


_TOMBSTONE: Final[dict[str, Check]] = {"node": is_node, "issued": is_int()}

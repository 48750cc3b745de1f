"""What keeps one use of a hash, of a seal or of a signature from serving another: the whole list (nrm1 1.7, 1.11).

The specification prints these tables; what is in none of them can not be hashed, sealed or signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

PREFIX: Final = b"nrm1/"
DESCRIPTOR: Final = "application/vnd.nrm.descriptor.v2+json"
KEYSET: Final = "application/vnd.nrm.keyset.v2+json"
STATEMENT: Final = "application/vnd.nrm.statement.v2+json"
RECEIPT: Final = "application/vnd.nrm.receipt.v2+json"
BATCH: Final = "application/vnd.nrm.batch.v2+json"
VOID: Final = "application/vnd.nrm.void.v2+json"
TRUST: Final = "application/vnd.nrm.trust.v2+json"
TOMBSTONE: Final = "application/vnd.nrm.tombstone.v2+json"
BACKUP: Final = "application/vnd.nrm.backup.v2+json"
RESET: Final = "application/vnd.nrm.reset.v2+json"
TAKEN: Final = "application/vnd.nrm.taken.v2+json"
ROOT_KEY: Final = "application/vnd.nrm.root.v2+json"
ADMIN: Final = "application/vnd.nrm.admin.v2+json"
APPROVAL: Final = "application/vnd.nrm.approval.v2+json"

# The first form (nrm1 1.17): read where it was kept, signed by nobody any more.
DESCRIPTOR_1: Final = "application/vnd.nrm.descriptor.v1+json"
KEYSET_1: Final = "application/vnd.nrm.keyset.v1+json"
STATEMENT_1: Final = "application/vnd.nrm.statement.v1+json"
RECEIPT_1: Final = "application/vnd.nrm.receipt.v1+json"
RECEIPTS_1: Final = "application/vnd.nrm.receipts.v1+json"
TRUST_1: Final = "application/vnd.nrm.trust.v1+json"
BACKUP_1: Final = "application/vnd.nrm.backup.v1+json"
ADMIN_1: Final = "application/vnd.nrm.admin.v1+json"
APPROVAL_1: Final = "application/vnd.nrm.approval.v1+json"


class Domain(NamedTuple):
    """One label or context: what it is of, and the clause of nrm1 that says how it is made."""

    of: str
    clause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedType:
    """One type of signed document: its payload, the clause that has its members, who signs, how often at most.

    ``issued`` is False for a type of the first form: it is verified where it was kept, over another base, and nobody
    signs it any more (nrm1 1.17). ``batched`` is True for a payload that is signed in a batch and never alone (nrm1
    1.18).
    """

    payload: str
    clause: str
    by: str
    most: int = 1
    issued: bool = True
    batched: bool = False


LABELS: Final[Mapping[str, Domain]] = MappingProxyType(
    {
        "node": Domain("a node id", "2.8"),
        "desc": Domain("a descriptor", "2.11"),
        "kid": Domain("a key that verifies", "2.4"),
        "ekid": Domain("a key to seal to", "2.4"),
        "fp": Domain("the fingerprint of roots", "2.9"),
        "commit": Domain("the fields of a body, with the secret of its message", "3.11"),
        "salt": Domain("the secret of a message, drawn out to a block for each leaf of its commitment", "3.11"),
        "field": Domain("one field of a body with its block", "3.11"),
        "stmt": Domain("a statement or a void", "3.6"),
        "link": Domain("a link of the numbering", "3.6"),
        "hdr": Domain("the header of an envelope", "3.8"),
        "leaf": Domain("a payload of a batch, with its type and 32 random bytes", "1.18"),
        "batch": Domain("a signed batch", "7.7"),
        "receipts": Domain("a batch of receipts; first form", "7.14"),
        "sigs": Domain("what proves a statement", "7.7"),
        "trust": Domain("a trust record", "8.1"),
        "change": Domain("a change that administrators approve", "8.13"),
        "approval": Domain("an approval", "8.15"),
        "admin": Domain("the card of an administrator with a passkey", "8.12"),
        "approve": Domain("what a passkey approves", "8.15"),
        "approve_now": Domain("what a passkey approves in an emergency", "8.15"),
        "reset": Domain("a link reset", "5.9"),
        "ks": Domain("the key of a key store; a node's own", "13.5"),
        "step": Domain("the key of a step of a key store; a node's own", "13.5"),
        "mark": Domain("the mark of a step of a key store; a node's own", "13.5"),
        "machine": Domain("the id of a machine; a node's own", "13.5"),
        "backup": Domain("the header of a backup; a node's own", "13.4"),
    }
)
"""Of hashes."""
CONTEXTS: Final[Mapping[str, Domain]] = MappingProxyType(
    {
        "cek": Domain("the content key of a message, for one recipient key", "3.8"),
        "body": Domain("the content of a message", "3.8"),
        "part": Domain("an attachment", "10.2"),
        "backup-key": Domain("the content key of a backup; a node's own", "13.4"),
        "backup": Domain("the content of a backup; a node's own", "13.4"),
    }
)
"""Of what is sealed."""
SIGNATURE_PREFIX: Final = b"nrm1-sig\0"
"""The beginning of what is signed in the second form (nrm1 1.9)."""
SIGNATURE_CONTEXT: Final = b"nrm1"
"""The context of ML-DSA in the second form (FIPS 204, 5.2; nrm1 1.9)."""
SIGNED: Final[Mapping[str, SignedType]] = MappingProxyType(
    {
        # A descriptor is signed by its own roots and by those of the version before: at most 9 each (nrm1 2.14, 2.16).
        DESCRIPTOR: SignedType(payload="nrm.descriptor/2", clause="2.11", by="roots", most=18),
        KEYSET: SignedType(payload="nrm.keyset/2", clause="2.20", by="`sig`"),
        STATEMENT: SignedType(payload="nrm.statement/2", clause="3.2", by="`sig`", batched=True),
        RECEIPT: SignedType(payload="nrm.receipt/2", clause="6.1", by="`sig`", batched=True),
        BATCH: SignedType(payload="nrm.batch/2", clause="1.18", by="`sig`"),
        VOID: SignedType(payload="nrm.void/2", clause="5.6", by="`sig`"),
        TRUST: SignedType(payload="nrm.trust/2", clause="8.1", by="`sig`"),
        ADMIN: SignedType(payload="nrm.admin/2", clause="8.11", by="the key it shows; stays at its node"),
        APPROVAL: SignedType(payload="nrm.approval/2", clause="8.15", by="an administrator's key"),
        RESET: SignedType(payload="nrm.reset/2", clause="5.9", by="`sig`"),
        TAKEN: SignedType(payload="nrm.taken/2", clause="5.16", by="`sig`"),
        TOMBSTONE: SignedType(payload="nrm.tombstone/2", clause="2.24", by="all roots of a version", most=9),
        ROOT_KEY: SignedType(payload="nrm.root/2", clause="1.11", by="the root itself; in files only"),
        BACKUP: SignedType(payload="nrm.backup/2", clause="13.4", by="`sig`; a node's own"),
        DESCRIPTOR_1: SignedType(payload="nrm.descriptor/1", clause="2.11", by="roots", most=18, issued=False),
        KEYSET_1: SignedType(payload="nrm.keyset/1", clause="2.20", by="`sig`", issued=False),
        STATEMENT_1: SignedType(payload="nrm.statement/1", clause="3.2", by="`sig`", issued=False),
        RECEIPTS_1: SignedType(payload="nrm.receipts/1", clause="6.3", by="`sig`", issued=False),
        RECEIPT_1: SignedType(payload="nrm.receipt/1", clause="6.1", by="`sig`", issued=False),
        TRUST_1: SignedType(payload="nrm.trust/1", clause="8.1", by="`sig`", issued=False),
        BACKUP_1: SignedType(payload="nrm.backup/1", clause="13.4", by="`sig`", issued=False),
        ADMIN_1: SignedType(payload="nrm.admin/1", clause="8.11", by="the key it shows", issued=False),
        APPROVAL_1: SignedType(payload="nrm.approval/1", clause="8.15", by="an administrator's key", issued=False),
    }
)
"""Documents by their payload type."""


def context(name: str) -> bytes:
    """Return the beginning of what binds a seal to its use: "nrm1/" || name || 0x00."""
    if name not in CONTEXTS:
        raise RuntimeError(f"unknown context {name!r}")
    return PREFIX + name.encode() + b"\0"

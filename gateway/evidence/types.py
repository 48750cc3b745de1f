"""What a verified evidence bundle holds, and how both readers of one read a chain.

Only ``gateway.evidence.verify`` and ``gateway.evidence.verify_log_part`` make these values: one of them is proof.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from gateway.erasure.certificates import Certificate
from gateway.errors import Code, RemoteError
from gateway.foundation.ids import KeyId, NodeId
from keys.documents.descriptor import DESCRIPTORS, Descriptor
from keys.documents.descriptor_chain import accept_chain
from keys.documents.envelope import Receipt, Statement
from keys.primitives.encoding import MAX_INT, Json, malformed
from keys.primitives.sign import SignedDocument

Chain = tuple[Descriptor, ...]
"""All versions of one node's descriptor, 1 to the newest that the bundle has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealing:
    """One signed statement; `hash` is what a receipt's `of` names, `kid` the key that signed, `sig` the hash over what
    proves it.
    """

    statement: Statement
    hash: str
    kid: KeyId
    sig: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptBatch:
    """One batch that a receipt was signed in: by whom, by which key, of which type, the hash by which the log names it,
    and that over what proves this receipt.
    """

    issuer: NodeId
    hash: str
    kid: KeyId
    payload_type: str
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedReceipt:
    """One receipt and the batches it is in: it may have been sent again (nrm1 6.6)."""

    receipt: Receipt
    batches: tuple[ReceiptBatch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenMessage:
    """One message: its sealings, oldest first, and its receipts in the order of their times.

    `disclosed`: the bundle shows secret and body, and they are what was signed. `fields` are the pointers of what it
    shows of a body otherwise, each proven alone. `onward` are the certificates that a shown confirmation of an erasure
    forwards, None for each that does not verify.
    """

    sealings: tuple[Sealing, ...]
    receipts: tuple[SignedReceipt, ...]
    disclosed: bool
    fields: tuple[str, ...] = ()
    onward: tuple[Certificate | None, ...] = ()

    @property
    def statement(self) -> Statement:
        """The statement of the first sealing shown; the others differ only in what sealing anew changes (nrm1 5.5)."""
        return self.sealings[0].statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosignature:
    """A witness saw the log as the checkpoint says, at `at` by its own clock.

    `counts`: somebody compared the fingerprint of this witness, its key was never revoked, and it signed before the
    key of the log was not to be trusted any more. `stands`: or only before a revocation of that key was published,
    which is enough to keep it from being voided (nrm1 7.9).
    """

    witness: NodeId
    name: str
    fingerprint: str
    at: int
    counts: bool
    stands: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One signed checkpoint of the log: `size` entries, seen by these witnesses."""

    size: int
    cosignatures: tuple[Cosignature, ...]

    @property
    def first(self) -> Cosignature | None:
        """The earliest cosignature that counts."""
        return min((c for c in self.cosignatures if c.counts), key=lambda c: c.at, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One leaf of the log, proven to be under `head`: number `seq`, which the node dates `at`."""

    seq: int
    at: int
    of: str
    head: Head


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What the audit log of one of the parties has about the statements and batches of the bundle."""

    node: NodeId
    heads: tuple[Head, ...]
    entries: tuple[Entry, ...]

    def about(self, hash: str) -> Entry | None:
        """The entry about a statement or batch that was witnessed first; without a witness, the first one."""
        found = [entry for entry in self.entries if entry.of == hash]
        return min(found, key=lambda e: (MAX_INT if e.head.first is None else e.head.first.at, e.seq), default=None)

    def seen(self, hash: str) -> Cosignature | None:
        """The earliest cosignature that counts over an entry about a statement or batch."""
        entry = self.about(hash)
        return None if entry is None else entry.head.first

    def seen_by_others(self, hash: str, node: NodeId) -> Cosignature | None:
        """The earliest cosignature that stands, by another witness than `node`, over an entry about a statement or
        batch.
        """
        heads = [entry.head for entry in self.entries if entry.of == hash]
        found = (c for head in heads for c in head.cosignatures if c.stands and c.witness != node)
        return min(found, key=lambda c: c.at, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A whole bundle, verified: the chains by node id, and the messages of one conversation in the order of writing."""

    chains: Mapping[NodeId, Chain]
    messages: tuple[ProvenMessage, ...]
    log: Log | None


# --- what both readers need -----------------------------------------------------------------------------------------


def read_chain(documents: Sequence[Json]) -> Chain:
    """Read a whole descriptor chain, each version once, the signatures of each in order. Raises RemoteError."""
    signed = [SignedDocument.from_json(item, *DESCRIPTORS) for item in documents]
    for document in signed:
        ascending([signature.kid for signature in document.signatures], "signatures of a descriptor")
    chain = accept_chain(signed, MAX_INT)
    if len(chain) != len(signed):
        raise RemoteError(Code.BAD_CHAIN, "a descriptor occurs twice")
    return chain


def require_version(chain: Chain, lowest: Mapping[str, int]) -> None:
    """Check that a chain reaches the version that was compared with its fingerprint: one that was cut before a key was
    revoked has the same digits (nrm1 7.2).

    Raises RemoteError(rollback).
    """
    newest = chain[-1]
    if newest.version < lowest.get(newest.fingerprint, 1):
        raise RemoteError(Code.ROLLBACK, "a chain ends before the version that was compared: ask for a newer file")


def ascending(keys: Sequence[Any], what: str) -> None:
    """Return if each key is greater than the one before. Raises RemoteError(malformed)."""
    if any(not before < after for before, after in pairwise(keys)):
        raise malformed(f"{what} are not in their order, or not once each")

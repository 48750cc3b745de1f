"""Keys in doubt: what a signature proves whose key was revoked, or was not valid when it was made (nrm1 7.3, 7.4)."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.evidence.log_findings import Names, find_entry, format_time, witness_name
from gateway.evidence.types import Chain, Proof, ProvenMessage, Sealing
from gateway.foundation.ids import KeyId, NodeId
from keys.documents.descriptor import Revocation
from keys.documents.descriptor_chain import revocation_of
from keys.documents.envelope import Statement
from keys.documents.key_records import Use
from keys.primitives.encoding import SKEW


def _revocation(proof: Proof, node: NodeId, kid: KeyId) -> Revocation | None:
    return revocation_of(proof.chains[node], kid)


def weigh_signature(proof: Proof, names: Names, node: NodeId, by: Sequence[tuple[KeyId, str]]) -> tuple[bool, str]:
    """Judge if `node` itself signed, and say why that is weighed; `by` are (kid, hash in the log), at least one.

    A key that was revoked later proves something by a witness only, who saw it in the log before `since`: the date is
    the word of whoever held the key (nrm1 7.4).
    """
    gone = [(_revocation(proof, node, kid), hash) for kid, hash in by]
    late = [(revocation, hash) for revocation, hash in gone if revocation is not None]
    if len(late) < len(by):
        return True, ""
    for revocation, hash in late:
        entry = find_entry(proof, [hash])
        first = None if entry is None else entry.head.first
        if first is not None and first.at < revocation.since:
            return (
                True,
                f"; {_revoked(revocation, names[node])}, and {witness_name(first, names)} had witnessed it before",
            )
    return False, f"; {_revoked(late[0][0], names[node])}, and no witness saw it before"


def _revoked(revocation: Revocation, name: str) -> str:
    return f"{name} revoked the key as of {format_time(revocation.since)} ({revocation.reason})"


def find_support(sealing: Sealing, message: ProvenMessage, proof: Proof, names: Names) -> str:
    """Describe the support of a sealing in doubt: its first receipt from before `since`, by a key never revoked."""
    revocation = _revocation(proof, message.statement.from_, sealing.kid)
    for told in message.receipts:
        receipt = told.receipt
        intact = any(_revocation(proof, receipt.from_, batch.kid) is None for batch in told.batches)
        if intact and receipt.of == sealing.hash and revocation is not None and receipt.at < revocation.since:
            return f": its own date and the receipt of {names[receipt.from_]} of {format_time(receipt.at)} say so"
    return ": only its own date says so"


def was_valid(chain: Chain, kid: KeyId, statement: Statement) -> bool:
    """Whether the key was listed as valid when the statement is dated, at or after `from_desc` (nrm1 7.3)."""
    return any(
        record.kid == kid and record.use is Use.SIG and record.valid_at(statement.created, skew=SKEW)
        for descriptor in chain
        if descriptor.version >= statement.from_desc
        for record in descriptor.keys
    )

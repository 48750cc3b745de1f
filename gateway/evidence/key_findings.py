"""What people are told of a signature beside what it says: its caveats, in the words of both verifiers (nrm1 7.13)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.evidence.form import form_of
from gateway.evidence.log_findings import Names, format_time, witness_name
from gateway.evidence.types import Proof, ProvenMessage, Sealing
from gateway.evidence.weighing import Verdict, Weight
from gateway.foundation.ids import KeyId, NodeId
from keys.documents.descriptor import Revocation
from keys.documents.descriptor_chain import revocation_of


def describe_weight(weight: Weight, node: NodeId, names: Names, at: int, support: str = "") -> Iterator[str]:
    """Put into words what speaks against a signature of `node` that is dated `at`; nothing for one without caveats.

    `support` says what speaks for the date of a signature in doubt.
    """
    if not weight.valid:
        yield f"the key was not listed as valid on {format_time(at)}"
    if weight.revocation is None:
        return
    revoked = f"{names[node]} revoked the key as of {format_time(weight.revocation.since)} ({weight.revocation.reason})"
    if weight.witness is None:
        yield f"{revoked}, and no witness saw it before{support}"
    elif weight.verdict is Verdict.DISPUTED and weight.published is not None:
        witness, seen = witness_name(weight.witness, names), format_time(weight.witness.at)
        yield (
            f"{revoked}, but published that on {format_time(weight.published)} only and {witness} had witnessed it on "
            f"{seen}: it counts for whoever relies on {witness}"
        )
    else:
        yield f"{revoked}, and {witness_name(weight.witness, names)} had witnessed it before"


def describe_form(payload_types: Iterable[str]) -> Iterator[str]:
    """Say that something is signed in the first form only; nothing where one of the signatures is of the second."""
    newest = max((form_of(name) for name in payload_types), key=lambda form: form.number)
    if newest.caveat is not None:
        yield newest.caveat


def find_support(sealing: Sealing, message: ProvenMessage, proof: Proof, names: Names) -> str:
    """Describe the support of a sealing in doubt: its first receipt from before `since`, by a key never revoked."""
    revocation = _revocation(proof, message.statement.from_, sealing.kid)
    for told in message.receipts:
        receipt = told.receipt
        intact = any(_revocation(proof, receipt.from_, batch.kid) is None for batch in told.batches)
        if intact and receipt.of == sealing.hash and revocation is not None and receipt.at < revocation.since:
            return f": its own date and the receipt of {names[receipt.from_]} of {format_time(receipt.at)} say so"
    return ": only its own date says so"


def _revocation(proof: Proof, node: NodeId, kid: KeyId) -> Revocation | None:
    return revocation_of(proof.chains[node], kid)

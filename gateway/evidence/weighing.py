"""What one signature is worth: was its key valid then, was it revoked, who saw it before (nrm1 7.3, 7.4, 7.9).

Dates are those that the signer states, so whoever has the key can choose them; what a witness saw existed by then. A
signer that revokes its own key to deny what it signed chooses `since`, but not when a witness had seen it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gateway.evidence.types import Chain, Cosignature, Log, Proof, ProvenMessage, Sealing, SignedReceipt
from gateway.foundation.ids import KeyId
from keys.documents.descriptor import Revocation
from keys.documents.descriptor_chain import published_at, revocation_of
from keys.documents.key_records import Use
from keys.primitives.encoding import SKEW


class Verdict(StrEnum):
    """What a signature is worth, from best to worst."""

    PROVEN = "proven"
    IN_DOUBT = "in doubt"
    DISPUTED = "disputed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """The verdict on one signature, and why.

    `valid`: its key was listed as valid then, or a witness saw it before that was taken back. `revocation` is None for
    a key that was never revoked. `published` is when its node, by its own word, published that the key was not to be
    trusted then; None where the signature is dated before `since`. `witness` saw it in the log before `since`, or
    before `published`.
    """

    verdict: Verdict
    valid: bool
    revocation: Revocation | None = None
    published: int | None = None
    witness: Cosignature | None = None


def weigh(chain: Chain, log: Log | None, kid: KeyId, hash: str, from_desc: int, at: int) -> Weight:
    """Weigh a signature of the node of `chain`, dated `at`, over what the log names by `hash`."""
    first = None if log is None else log.seen(hash)
    ended = _ended(chain, kid, from_desc, at)
    valid = ended is None or (first is not None and first.at < ended)
    usual = Verdict.PROVEN if valid else Verdict.IN_DOUBT
    revocation = revocation_of(chain, kid)
    if revocation is None:
        return Weight(verdict=usual, valid=valid)
    published = published_at(chain, kid, at)
    if published is None:
        before = first if first is not None and first.at < revocation.since else None
        verdict = Verdict.IN_DOUBT if before is None else usual
    else:
        other = None if log is None else log.seen_by_others(hash, chain[-1].node)
        before = other if other is not None and other.at < published else None
        verdict = Verdict.REFUSED if before is None else Verdict.DISPUTED
    return Weight(verdict=verdict, valid=valid, revocation=revocation, published=published, witness=before)


def weigh_sealing(proof: Proof, sealing: Sealing) -> Weight:
    """Weigh the signature of a statement."""
    said = sealing.statement
    return weigh(proof.chains[said.from_], proof.log, sealing.kid, sealing.hash, said.from_desc, said.created)


def weigh_receipt(proof: Proof, told: SignedReceipt) -> Weight:
    """Weigh a receipt by the best of the batches that it is in."""
    return min(_weigh_batches(proof, told), key=lambda weight: [*Verdict].index(weight.verdict))


def _weigh_batches(proof: Proof, told: SignedReceipt) -> list[Weight]:
    said = told.receipt
    chain = proof.chains[said.from_]
    return [weigh(chain, proof.log, batch.kid, batch.hash, said.from_desc, said.at) for batch in told.batches]


def find_refused(proof: Proof) -> Iterator[str]:
    """Find what nobody may take: the hash over what proves each such statement and receipt (nrm1 7.4)."""
    for message in proof.messages:
        yield from _refused_in(proof, message)


def _refused_in(proof: Proof, message: ProvenMessage) -> Iterator[str]:
    for sealing in message.sealings:
        if weigh_sealing(proof, sealing).verdict is Verdict.REFUSED:
            yield sealing.sig
    for told in message.receipts:
        for batch, weight in zip(told.batches, _weigh_batches(proof, told), strict=True):
            if weight.verdict is Verdict.REFUSED:
                yield batch.mark


def _ended(chain: Chain, kid: KeyId, from_desc: int, at: int) -> int | None:
    """Find when a version was issued that takes back that `kid` is valid at `at`: 0 where none from `from_desc` on ever
    said so, None where it stands.

    A version that does not list the key takes it back for what is dated 300 s after it or later; a revocation has rules
    of its own.
    """
    listed, ended = False, None
    revoked = revocation_of(chain, kid) is not None
    for descriptor in chain[from_desc - 1 :]:
        record = next((r for r in descriptor.keys if r.kid == kid and r.use is Use.SIG), None)
        if record is not None and record.valid_at(at, skew=SKEW):
            listed, ended = True, None
        elif listed and ended is None and (record is not None or (not revoked and descriptor.issued + SKEW <= at)):
            ended = descriptor.issued
    return ended if listed else 0

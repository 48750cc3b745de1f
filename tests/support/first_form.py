"""What release 0.1.0 would have signed of the same content: the first form, which nobody makes any more (nrm1 1.17)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from support.exhibits import A, B, C, Case, Witness, conversation, logbook, next_version, stated
from support.nodes import NOW, Seeds, record
from support.sign_as import in_first_form, sign_as

from gateway.evidence.build import Exhibit, Extract
from gateway.messages.types import SealedEnvelope
from keys.documents.descriptor import Descriptor
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.envelope import Receipt, statement_hash
from keys.documents.key_records import Use
from keys.documents.receipts import SignedReceipts
from keys.documents.signed_note import SignedNote
from keys.documents.statement import compute_whole_commitment
from keys.primitives.domains import DESCRIPTOR_1, RECEIPT_1, RECEIPTS_1, STATEMENT_1
from keys.primitives.encoding import Json, canon
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.sign import SignedDocument


def first_descriptor(node: Witness) -> Descriptor:
    """Version 1 of a node, in the first form."""
    document = sign_as(DESCRIPTOR_1, in_first_form(node.payload()), *(root.key for root in node.roots[:2]))
    return accept_descriptor(None, document, NOW)


def second_version(node: Witness) -> tuple[Descriptor, ...]:
    """The chain of a node that began in the first form and went on in the second, with new keys of notes."""
    notes = [record(SigningKey.generate_for_notes(Seeds(f"{node.name} {use}")), use) for use in (Use.LOG, Use.WIT)]
    keys = [record(node.sig, Use.SIG), record(node.http, Use.HTTP), *notes]
    return next_version(node, [first_descriptor(node)], keys=keys)


def first_sealing(sealed: SealedEnvelope, key: SigningKey, body: bytes = b"") -> SealedEnvelope:
    """The same message, stated and signed in the first form; what was sealed stays as it is."""
    commit = compute_whole_commitment(sealed.secret, body)
    said = replace(stated(sealed), payload_type=STATEMENT_1, commit=commit).encode()
    return replace(sealed, statement=said, statement_hash=statement_hash(said), proof=first_frame(said, key))


def first_frame(statement: bytes, key: SigningKey) -> bytes:
    """What stood in the place of a proof: the signature of the statement."""
    return canon({"signatures": [sign_as(STATEMENT_1, statement, key).signature.to_json()]})


def first_batch(key: SigningKey, *receipts: Receipt) -> SignedDocument:
    """Receipts as they were signed together."""
    told: list[Json] = [one.to_json(RECEIPT_1) for one in receipts]
    return sign_as(RECEIPTS_1, canon({"type": "nrm.receipts/1", "receipts": told}), key)


def _of_one_half(extract: Extract) -> Extract:
    """What the logs and witnesses of 0.1.0 would have signed: by Ed25519 alone, but for C, which is of today."""
    checkpoints = []
    for data, leaves in extract.checkpoints:
        note = SignedNote.decode(data)
        kept = [line for line in note.signatures if len(line.value) <= 72 or line.name == C.first().node]
        checkpoints.append((replace(note, signatures=tuple(kept)).encode(), leaves))
    return replace(extract, checkpoints=checkpoints)


@cache
def first_conversation() -> Case:
    """The conversation of ``support.exhibits`` as two nodes of 0.1.0 would have kept it."""
    usual = conversation()
    keys = {A.first().node: A.sig, B.first().node: B.sig}
    shown = zip(("referral", "decline"), usual.exhibits, strict=True)
    bodies = {name: exhibit.disclosure[1] for name, exhibit in shown if exhibit.disclosure is not None}
    sealed = {
        name: first_sealing(one, keys[stated(one).from_], bodies.get(name, b"")) for name, one in usual.sealed.items()
    }
    of = {one.statement_hash: sealed[name].statement_hash for name, one in usual.sealed.items()}
    batches = []
    for told in usual.batches:
        assert isinstance(told, SignedReceipts)
        receipts = [replace(one, of=of[one.of]) for one in told.receipts]
        batches.append(first_batch(keys[told.from_], *receipts))
    exhibits = [
        Exhibit(sealings=[(sealed[name].statement, sealed[name].proof)], disclosure=shown.disclosure)
        for name, shown in zip(("referral", "decline"), usual.exhibits, strict=True)
    ]
    book = logbook(A, (sealed["enquiry"], sealed["referral"]), sealed["decline"], batches)
    return Case(
        chains=((first_descriptor(A),), (first_descriptor(B),)),
        exhibits=tuple(exhibits),
        batches=tuple(batches),
        extract=_of_one_half(book.extract()),
        sealed=sealed,
    )

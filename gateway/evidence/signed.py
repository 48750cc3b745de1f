"""A statement or receipt with what proves it, in either form: read from a bundle, or from what a node keeps (nrm1 7.1).

In the second form it names one of the `batches` of its bundle, which stand there once, and has its own place in it. In
the first form it is a signed document; one of receipts has up to a hundred of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from gateway.foundation.ids import KeyId
from keys.documents.receipts import FirstReceipts, KeptReceipts, Receipt, SignedReceipts, batch_hash
from keys.documents.statement import STATEMENTS, Statement, proof_hash
from keys.primitives.batch import INSIDE, Batch, Inclusion, Proof, Verifier, read_signature
from keys.primitives.domains import RECEIPT, RECEIPTS_1, SIGNED
from keys.primitives.encoding import (
    DOCUMENT_LIMIT,
    Check,
    Json,
    b64u,
    canon,
    exact,
    is_int,
    is_str,
    malformed,
    number,
    unb64u,
)
from keys.primitives.hybrid_keys import PublicKey, Signature
from keys.primitives.sign import SignedDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A payload with what proves it, if `verify` agrees: its batch, or a signature of its own in the first form."""

    payload: bytes
    payload_type: str
    by: Proof | Signature

    @property
    def kid(self) -> KeyId:
        """The key that signed."""
        return self.by.batch.signature.kid if isinstance(self.by, Proof) else self.by.kid

    @property
    def batch(self) -> Batch | None:
        """The batch of the second form."""
        return self.by.batch if isinstance(self.by, Proof) else None

    @property
    def place(self) -> tuple[bytes, bytes]:
        """The key by which receipts are ordered: (payload, batch)."""
        return self.payload, b"" if self.batch is None else self.batch.encode()

    @property
    def frame(self) -> bytes:
        """What stands beside a statement where it is kept: its proof, or in the first form its signature."""
        return self.by.encode() if isinstance(self.by, Proof) else canon({"signatures": [self.by.to_json()]})

    @property
    def mark(self) -> str:
        """The hash over what proves it, as the log has it of a statement (nrm1 7.7)."""
        return proof_hash(self.frame)

    @property
    def batch_hash(self) -> str:
        """By what the log names the batch of a receipt (nrm1 7.7)."""
        return self.by.batch.hash if isinstance(self.by, Proof) else batch_hash(canon(self._document()))

    def verify(self, public: PublicKey, verifier: Verifier) -> None:
        """Verify that `public` signed it. Raises RemoteError(bad_signature)."""
        if isinstance(self.by, Proof):
            self.by.require(self.payload_type, self.payload)
            verifier.verify(public, self.by.batch)
        else:
            self._signed().verify(public)

    def receipts(self) -> tuple[Receipt, ...]:
        """Read what a receipt says, or those of the first form that were signed together. Raises RemoteError."""
        if self.payload_type == RECEIPTS_1:
            return FirstReceipts.parse(self.payload).receipts
        return (Receipt.parse(self.payload, self.payload_type),)

    def to_json(self, places: Mapping[Batch, int]) -> dict[str, Json]:
        """Return the object of a bundle whose `batches` are at these places."""
        if not isinstance(self.by, Proof):
            return self._document()
        inside = self.by.inclusion.to_json()
        return {"batch": places[self.by.batch], "payload": b64u(self.payload), **inside}

    @classmethod
    def from_json(cls, value: Json, batches: Sequence[Batch], *payload_types: str) -> Self:
        """Read the object of a bundle that has these batches, of one of these types. Raises RemoteError."""
        together = [name for name in payload_types if SIGNED[name].batched]
        if not together or not isinstance(value, dict) or "batch" not in value:
            return cls.of(SignedDocument.from_json(value, *(set(payload_types) - {*together})))
        member = exact(value, _PROVEN, what="proven")
        if number(member["batch"]) >= len(batches):
            raise malformed("a batch is named that is not there")
        batch = batches[number(member["batch"])]
        proof = Proof(batch=batch, inclusion=Inclusion.from_members(member, batch.count))
        return cls(payload=unb64u(member["payload"]), payload_type=together[0], by=proof)

    @classmethod
    def of(cls, document: SignedDocument) -> Self:
        """Take what a document of the first form signs. Raises RemoteError(malformed)."""
        return cls(payload=document.payload, payload_type=document.payload_type, by=document.signature)

    def _signed(self) -> SignedDocument:
        if isinstance(self.by, Proof):
            raise RuntimeError("what is in a batch is no document")
        return SignedDocument(payload=self.payload, payload_type=self.payload_type, signatures=(self.by,))

    def _document(self) -> dict[str, Json]:
        return self._signed().to_json()


_PROVEN: Final[dict[str, Check]] = {
    **INSIDE,
    "batch": is_int(),
    "payload": is_str(r"[A-Za-z0-9_-]*", 2 * DOCUMENT_LIMIT),
}


def read_kept_statement(statement: bytes, frame: bytes) -> Signed:
    """Read a statement as a node keeps it, with its frame: a proof, or a signature of the first form."""
    payload_type = Statement.parse(statement, *STATEMENTS).payload_type
    if SIGNED[payload_type].batched:
        return Signed(payload=statement, payload_type=payload_type, by=Proof.parse(frame, payload_type, statement))
    return Signed(payload=statement, payload_type=payload_type, by=read_signature(frame))


def read_kept_receipts(kept: KeptReceipts) -> Iterator[Signed]:
    """Take apart receipts as a node keeps them: each by itself, or a document of the first form."""
    if isinstance(kept, SignedReceipts):
        for receipt, proof in zip(kept.receipts, kept.proofs, strict=True):
            yield Signed(payload=receipt.encode(), payload_type=RECEIPT, by=proof)
    else:
        yield Signed.of(kept)

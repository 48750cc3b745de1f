"""Batches that tests sign by keys of their own, with random bytes that are the same at each run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from support.nodes import Seeds

from gateway.messages.answers import SignBatch
from keys.primitives.batch import Batch, Inclusion, Proof, Unsigned, sign_batch
from keys.primitives.encoding import sha256_hex
from keys.primitives.hybrid_keys import Signature, SigningKey


def by(key: SigningKey) -> SignBatch:
    """What signs a batch with a key, in the place of a key service."""
    return with_sign(key.sign)


def with_sign(sign: Callable[[str, bytes], Signature]) -> SignBatch:
    """The same with anything else that signs."""

    def sign_together(documents: Sequence[Unsigned]) -> tuple[Batch, tuple[Inclusion, ...]]:
        digest = sha256_hex(b"".join(payload for _, payload in documents))
        return sign_batch(documents, sign, Seeds(f"batch of {digest}"))

    return sign_together


def proofs(key: SigningKey, *documents: Unsigned) -> list[Proof]:
    """What proves each of these, which are signed together."""
    batch, inclusions = by(key)(documents)
    return [Proof(batch=batch, inclusion=inclusion) for inclusion in inclusions]


def prove(key: SigningKey, payload_type: str, payload: bytes) -> bytes:
    """The frame that proves one payload, alone in its batch."""
    return proofs(key, (payload_type, payload))[0].encode()


def sign_one(key: SigningKey, payload_type: str, payload: bytes) -> Signature:
    """The signature of a batch of one payload; the tree is the same whoever signs."""
    return proofs(key, (payload_type, payload))[0].batch.signature

"""What somebody makes who has a key and keeps to no rule: statements, receipts and trees that no node would make.

The frames are those of the product, so that only what is said is a lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from support.batches import by, prove
from support.endpoints import Endpoint
from support.exhibits import Logbook
from support.robbed_nodes import Founded
from support.robbed_world import BODY

from gateway.delivery.outbound import departure_steps
from gateway.evidence.build import Exhibit
from gateway.messages.answers import Answer, encode_answers, sign_receipts
from gateway.messages.types import LinkPosition, SealedEnvelope
from keys.documents.envelope import Receipt, Statement, compute_commitment
from keys.documents.log_signatures import sign_checkpoint
from keys.documents.receipts import SignedReceipts
from keys.documents.signed_note import Checkpoint, SignedNote, read_signatures
from keys.primitives.hybrid_keys import SigningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie:
    """A sealed message that says what somebody wanted it to say, and what it shows."""

    sealed: SealedEnvelope
    said: Statement
    body: bytes

    @property
    def exhibit(self) -> Exhibit:
        """As it is shown to a court."""
        frames = [(self.sealed.statement, self.sealed.proof)]
        return Exhibit(sealings=frames, disclosure=(self.sealed.secret, self.body))


def forge(end: Endpoint, key: SigningKey, position: LinkPosition, **changes: Any) -> Lie:
    """A message of `end` at a position, signed by whatever key, that says what `changes` say."""
    message = end.submit(end.draft(BODY))
    secret = end.secret(message)
    commit = compute_commitment(secret, message.body)
    stated = departure_steps.state(
        message, secret, position, commit=commit, own=end.own, peer=end.peer, keyset=end.keyset, now=end.now
    )
    said = replace(stated.said, **changes)
    lie = replace(stated, said=said, payload=said.encode())
    sealed = departure_steps.seal(lie, prove(key, *lie.unsigned), end.rand)
    return Lie(sealed=sealed, said=said, body=message.body)


def dated(at: int) -> dict[str, int]:
    """When a statement says that it was made."""
    return {"created": at, "expires": at + 86_400}


def tell(key: SigningKey, *receipts: Receipt) -> SignedReceipts:
    """Receipts, signed by whatever key."""
    return sign_receipts(receipts, by(key))


def answer(ids: Sequence[str], told: SignedReceipts | None) -> bytes:
    """The body of an answer that refuses nothing."""
    return encode_answers([Answer(id=id, code=None) for id in ids], told)  # type: ignore[arg-type]


def sign_tree(book: Logbook, origin: str, key: SigningKey) -> SignedNote:
    """A checkpoint of a log as it is, signed by whatever key."""
    size = len(book.leaves)
    text = Checkpoint(origin=origin, size=size, root=book.tree(size).root()).text
    return SignedNote(text=text, signatures=read_signatures(sign_checkpoint(text, key)))


def grown(node: Founded, leaves: Sequence[bytes], *, at: int, more: int = 1, mark: str = "") -> Logbook:
    """Another log of a node that begins with these leaves."""
    book = Logbook(node, leaves=[*leaves])
    for number in range(more):
        book.write(at, "message.received", of=f"{mark}{number}".ljust(43, "A"), peer=node.first().node, n=1)
    return book

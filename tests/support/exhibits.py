"""A short conversation of two endpoints with everything that was signed about it, as both nodes keep it.

A sends an enquiry of another conversation and a referral; B declines. B's first batch of receipts is about both
messages of A, its second about the referral alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from support.endpoints import Endpoint, circumstances, consent, edited
from support.nodes import NOW, Node, signed

from gateway.core.stages import SealedEnvelope
from gateway.exchange.answers import sign_receipts
from gateway.exchange.evidence import Exhibit, build
from keys.descriptor import Descriptor, accept_descriptor
from keys.encoding import b64u
from keys.envelope import Receipt, Statement, Status
from keys.sign import SigningKey

A, B, C = Node("a"), Node("b"), Node("c")


@dataclass(frozen=True, kw_only=True)
class Case:
    """What goes into a bundle; a test changes a part of it."""

    chains: tuple[tuple[Descriptor, ...], tuple[Descriptor, ...]]
    exhibits: tuple[Exhibit, ...]
    batches: tuple[bytes, ...]
    sealed: dict[str, SealedEnvelope] = field(default_factory=dict)

    @property
    def anchors(self) -> set[str]:
        """The two fingerprints, from an independent channel."""
        return {chain[-1].fingerprint for chain in self.chains}

    def build(self, **changes: Any) -> bytes:
        """The bundle of this case with `changes`."""
        case = replace(self, **changes)
        return build(case.chains, case.exhibits, case.batches)

    def erased(self) -> Case:
        """The same after the content was erased."""
        return replace(self, exhibits=tuple(replace(exhibit, disclosure=None) for exhibit in self.exhibits))


def exhibit(sealed: SealedEnvelope, body: bytes, *more: SealedEnvelope) -> Exhibit:
    """One message as it is kept, with other sealings of it."""
    frames = [(one.statement, one.signatures) for one in (sealed, *more)]
    return Exhibit(sealings=frames, disclosure=(sealed.secret, body))


@cache
def conversation() -> Case:
    """See the module."""
    a, b = Endpoint.pair(A, B)
    b.conversation = a.conversation
    enquiry = a.send(a.submit(a.draft("enquiry.capacity.1/valid-minimal", conversation="C" * 21 + "A")))
    message = a.submit(a.draft("referral.request.1/valid-minimal"))
    referral = a.send(message)
    first = b.answer([enquiry.data, referral.data])
    a.hear(first, [enquiry.id, referral.id])
    b.now = a.now = NOW + 60
    draft = b.draft("referral.decline.1/valid-capacity", reply_to=referral.id)
    reply = b.submit(draft, circumstances(consent(a.own.node)))
    decline = b.send(reply)
    b.hear(a.answer([decline.data]), [decline.id])
    later = [b.receipt(stated(referral), Status.DELIVERED), b.receipt(stated(referral), Status.OPENED, at=NOW + 90)]
    return Case(
        chains=((a.own,), (b.own,)),
        exhibits=(exhibit(referral, message.body), exhibit(decline, reply.body)),
        batches=(*a.documents, *b.documents, batch(B.sig, *later)),
        sealed={"enquiry": enquiry, "referral": referral, "decline": decline},
    )


@cache
def small() -> Case:
    """One message and one batch: quick to verify, for tests that verify often."""
    whole = conversation()
    return replace(whole, exhibits=whole.exhibits[:1], batches=whole.batches[:1])


def stated(sealed: SealedEnvelope) -> Statement:
    """The statement of a sealed envelope."""
    return Statement.parse(sealed.statement)


def batch(key: SigningKey, *receipts: Receipt) -> bytes:
    """A signed batch."""
    return sign_receipts(receipts, key.sign)


def receipt(sealed: SealedEnvelope, status: Status, **changes: Any) -> Receipt:
    """The receiver's receipt for a sealed message."""
    said = stated(sealed)
    usual = {
        "of": sealed.statement_hash, "msg": said.id, "from_": said.to, "from_desc": 1, "to": said.from_, "n": said.n,
        "status": status, "at": NOW + 60,
    }  # fmt: skip
    return Receipt(**{**usual, **changes})


def next_version(node: Node, held: Sequence[Descriptor], **changes: Any) -> tuple[Descriptor, ...]:
    """The chain with one more version that has other content."""
    document = signed(node.next(held[-1], **changes), node.roots[:2])
    return (*held, accept_descriptor(held[-1], document, NOW))


def base64_fields(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where a bundle has base64url: paths to every text that is not a payload type."""
    if isinstance(value, dict):
        return [found for name, item in value.items() for found in base64_fields(item, (*path, name))]
    if isinstance(value, list):
        return [found for place, item in enumerate(value) for found in base64_fields(item, (*path, place))]
    return [path] if isinstance(value, str) and path[-1] not in ("payloadType", "type") else []


def at(value: Any, path: tuple[Any, ...]) -> Any:
    """What is at a path."""
    for step in path:
        value = value[step]
    return value


def with_text(data: bytes, path: tuple[Any, ...], text: str) -> bytes:
    """The bundle with another text at a path."""
    return edited(data, lambda value: at(value, path[:-1]).__setitem__(path[-1], text))


OTHER_ID = b64u(b"\1" * 16)

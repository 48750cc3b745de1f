"""Evidence bundles of one case, and what a verifier says of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from support.batches import prove
from support.endpoints import Endpoint
from support.exhibits import (
    A,
    B,
    C,
    Case,
    conversation,
    next_version,
    stated,
)
from support.nodes import NOW, Node, record
from support.stranger import verify

from gateway.evidence.build import Exhibit, MessageReport, Report
from keys.documents.descriptor import Descriptor, Revocation
from keys.documents.key_records import Use
from keys.primitives.domains import STATEMENT
from keys.primitives.encoding import DAY
from keys.primitives.hybrid_keys import SigningKey

CASE = conversation()
REFERRAL = CASE.sealed["referral"]
A_FIRST, B_FIRST = A.first(), B.first()


def report(case: Case = CASE, **changes: Any) -> Report:
    """What the bundle of a case proves."""
    case = replace(case, **changes)
    return verify(case.build(), case.anchors)


def only(**changes: Any) -> MessageReport:
    """What is proven of the referral alone."""
    return report(**{"exhibits": CASE.exhibits[:1], **changes}).messages[0]


def revoked(node: Node, held: tuple[Descriptor, ...], since: int) -> tuple[Descriptor, ...]:
    """The chain after the node revoked its `sig` key."""
    gone = Revocation(kid=node.sig.public.kid, at=NOW + DAY, since=since, reason="stolen")
    key = SigningKey.generate(Endpoint.pair(A, B)[0].rand, hybrid=True)
    return next_version(node, held, keys=[record(key, Use.SIG)], revoked=[gone], issued=NOW + DAY)


def resigned(**changes: Any) -> Exhibit:
    """The referral with other members, truly signed by A."""
    said = replace(stated(REFERRAL), **changes).encode()
    return Exhibit(sealings=[(said, prove(A.sig, STATEMENT, said))])


C_DIGITS = C.first().fingerprint

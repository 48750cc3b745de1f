"""keys.tombstone: all roots end a node id, and nobody else does (nrm1 2.24)."""

from __future__ import annotations

import pytest
from support.nodes import NOW, Node, edited, refused, signed

from gateway.errors import Code
from keys.documents.descriptor import Revocation
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.tombstone import accept_tombstone, build_tombstone, parse_tombstone
from keys.primitives.domains import DESCRIPTOR, TOMBSTONE
from keys.primitives.encoding import DAY
from keys.primitives.sign import SignedDocument, sign_document

A = Node("a")
FIRST = A.first()
PAYLOAD = build_tombstone(FIRST.node, NOW)
STRANGER = Node("stranger").roots[0].key
KEYS = [root.key for root in A.roots]


def test_all_roots_end_a_node() -> None:
    """Signed by every root it is accepted, also years later."""
    document = sign_document(TOMBSTONE, PAYLOAD, KEYS)
    found = accept_tombstone([FIRST], document, NOW + 3 * 365 * DAY)
    assert (found.node, found.issued) == (FIRST.node, NOW)
    assert SignedDocument.decode(document.encode(), TOMBSTONE) == document


@pytest.mark.parametrize(
    "keys",
    [[], KEYS[:1], KEYS[:2], [*KEYS[:2], KEYS[0]], [*KEYS[:2], STRANGER], [*KEYS, STRANGER], [*KEYS, KEYS[0]]],
    ids=["nobody", "one", "threshold", "one twice", "stranger instead", "stranger beside", "all and one twice"],
)
def test_fewer_than_all_do_not(keys: list) -> None:
    """The threshold does not suffice, nor does a signature twice or by a stranger."""
    with refused(Code.BAD_SIGNATURE):
        accept_tombstone([FIRST], sign_document(TOMBSTONE, PAYLOAD, keys), NOW)


def test_signature_must_verify() -> None:
    """A signature over another payload does not count."""
    other = sign_document(TOMBSTONE, build_tombstone(FIRST.node, NOW + 1), KEYS)
    moved = SignedDocument(payload=PAYLOAD, payload_type=TOMBSTONE, signatures=other.signatures)
    with refused(Code.BAD_SIGNATURE):
        accept_tombstone([FIRST], moved, NOW)


def test_descriptor_signature_is_no_tombstone_signature() -> None:
    """The type is part of what is signed."""
    other = sign_document(DESCRIPTOR, PAYLOAD, KEYS)
    moved = SignedDocument(payload=PAYLOAD, payload_type=TOMBSTONE, signatures=other.signatures)
    with refused(Code.BAD_SIGNATURE):
        accept_tombstone([FIRST], moved, NOW)


def test_of_the_first_ceremony_it_stays_good() -> None:
    """After a root was replaced the tombstone of the first three still ends the node, and so does one of the new."""
    new = Node("b").roots[0]
    payload = A.next(FIRST, roots=[*(root.record for root in A.roots[:2]), new.record])
    second = accept_descriptor(FIRST, signed(payload, A.roots[:2]), NOW)
    chain = [FIRST, second]
    for keys in (KEYS, [*KEYS[:2], new.key]):
        assert accept_tombstone(chain, sign_document(TOMBSTONE, PAYLOAD, keys), NOW).node == FIRST.node
    with refused(Code.BAD_SIGNATURE):
        accept_tombstone(chain, sign_document(TOMBSTONE, PAYLOAD, [KEYS[2], new.key, KEYS[0]]), NOW)


def test_flaw_8_roots_that_were_revoked_end_nothing() -> None:
    """Threat 172: who stole a root that was revoked since ends the node with it no more; a new tombstone does."""
    new = Node("b").roots[0]
    roots = [*(root.record for root in A.roots[:2]), new.record]
    gone = Revocation(kid=A.roots[2].record.kid, at=NOW, since=NOW - DAY, reason="robbed")
    second = accept_descriptor(FIRST, signed(A.next(FIRST, roots=roots, revoked=[gone]), A.roots[:2]), NOW)
    chain = [FIRST, second]
    with refused(Code.REVOKED_KEY, "revoked since"):
        accept_tombstone(chain, sign_document(TOMBSTONE, PAYLOAD, KEYS), NOW)
    assert accept_tombstone(chain, sign_document(TOMBSTONE, PAYLOAD, [*KEYS[:2], new.key]), NOW).node == FIRST.node


def test_of_another_node() -> None:
    """It ends the node it names, judged by that node's own chain."""
    with refused(Code.WRONG_NODE):
        accept_tombstone([Node("b").first()], sign_document(TOMBSTONE, PAYLOAD, KEYS), NOW)
    with refused(Code.WRONG_NODE):
        accept_tombstone([], sign_document(TOMBSTONE, PAYLOAD, KEYS), NOW)


def test_of_the_future() -> None:
    """300 seconds are allowed, not more."""
    document = sign_document(TOMBSTONE, build_tombstone(FIRST.node, NOW + 301), KEYS)
    with refused(Code.NOT_YET_VALID):
        accept_tombstone([FIRST], document, NOW)


FAULTS = [lambda v: v.pop("issued"), lambda v: v.update(more=1), lambda v: v.update(node="n1")]


@pytest.mark.parametrize("change", FAULTS)
def test_exact_members(change) -> None:
    """A member too many, too few or of another form."""
    document = SignedDocument(payload=edited(PAYLOAD, change), payload_type=TOMBSTONE, signatures=())
    with refused(Code.MALFORMED):
        parse_tombstone(document)


def test_another_document_is_none() -> None:
    """A descriptor is no tombstone."""
    with refused(Code.WRONG_TYPE):
        parse_tombstone(FIRST.document)

"""keys.offline.ceremony: the files between a node and its root holders (nrm1 2.23, 2.27)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.nodes import NOW, Node, edited, refused

from gateway.errors import Code, RefusedError
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.key_records import Use
from keys.documents.tombstone import accept_tombstone, build_tombstone
from keys.offline.ceremony import Request, read_root_public, root_public
from keys.primitives.domains import DESCRIPTOR, ROOT_KEY, STATEMENT, TOMBSTONE
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.sign import SignedDocument, sign_document

A = Node("a")
FIRST = A.first()
NEXT = A.next(FIRST, contact="the new desk")
ASKED = Request.of(DESCRIPTOR, NEXT, FIRST.document.payload)
ROOT = A.roots[0]


def fails(code: Code) -> pytest.RaisesExc[RefusedError]:
    """Expect a RefusedError with this code."""
    return pytest.RaisesExc(RefusedError, check=lambda error: error.code is code)


def test_public_root_is_signed_by_itself() -> None:
    """FILE.public gives the record, and only with the holder's own signature."""
    document = root_public(ROOT.record, ROOT.key, NOW)
    assert read_root_public(document.encode()) == ROOT.record
    other = sign_document(ROOT_KEY, document.payload, [A.roots[1].key])
    with refused(Code.BAD_SIGNATURE):
        read_root_public(other.encode())


def test_public_key_of_another_use_is_no_root() -> None:
    """An online key can not be slipped in as a root."""
    record = replace(ROOT.record, use=Use.SIG)
    with refused(Code.BAD_KEY):
        read_root_public(root_public(record, ROOT.key, NOW).encode())


def test_request_round_trip() -> None:
    """What the node wrote is what the holder reads."""
    again = Request.decode(ASKED.encode())
    assert (again.payload, again.previous, again.node) == (NEXT, ASKED.previous, FIRST.node)
    assert again.new is not None and again.new.contact == "the new desk"


def test_a_descriptor_by_two_holders() -> None:
    """Each signs the request elsewhere; together the signatures make the document that peers accept."""
    signatures = [ASKED.sign(root.key).encode() for root in A.roots[:2]]
    document = ASKED.gather([*signatures, signatures[0]])
    assert accept_descriptor(FIRST, document, NOW).contact == "the new desk"
    with refused(Code.BAD_SIGNATURE):
        accept_descriptor(FIRST, ASKED.gather(signatures[:1]), NOW)


def test_a_tombstone_by_all_holders() -> None:
    """The same files carry the tombstone."""
    asked = Request.of(TOMBSTONE, build_tombstone(FIRST.node, NOW), FIRST.document.payload)
    document = Request.decode(asked.encode()).gather([asked.sign(root.key).encode() for root in A.roots])
    assert accept_tombstone([FIRST], document, NOW).node == FIRST.node


def test_a_stranger_does_not_sign() -> None:
    """A root key of another node is turned away before it signs anything."""
    with fails(Code.INVALID):
        ASKED.sign(Node("b").roots[0].key)


def test_an_old_root_signs_its_successor() -> None:
    """At a change of roots the old ones sign too."""
    new = Node("b").roots[0]
    payload = A.next(FIRST, roots=[*(root.record for root in A.roots[:2]), new.record])
    asked = Request.of(DESCRIPTOR, payload, FIRST.document.payload)
    assert all(asked.may_sign(key.public.kid) for key in (A.roots[2].key, new.key))


def test_a_signature_of_another_request_is_not_mixed_in() -> None:
    """SIG files of two requests do not make one document."""
    other = Request.of(DESCRIPTOR, A.next(FIRST, contact="another desk"), FIRST.document.payload)
    with fails(Code.INVALID):
        ASKED.gather([ASKED.sign(ROOT.key).encode(), other.sign(A.roots[1].key).encode()])


def test_a_request_follows_what_it_names() -> None:
    """The words say what changes: against the descriptor that the payload names by its hash, and no other."""
    other = accept_descriptor(None, A.document(contact="somewhere else"), NOW)
    with refused(Code.BAD_CHAIN):
        Request.of(DESCRIPTOR, NEXT, other.document.payload)
    with refused(Code.BAD_CHAIN):
        Request.of(DESCRIPTOR, NEXT, None)
    with refused(Code.WRONG_NODE):
        Request.of(TOMBSTONE, build_tombstone(Node("b").first().node, NOW), FIRST.document.payload)


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(payloadType=STATEMENT),
        lambda v: v.pop("previous"),
        lambda v: v.update(words="all is well"),
        lambda v: v.update(payload="AAAA"),
    ],
    ids=["another type", "no previous", "words of its own", "no document"],
)
def test_one_fault_and_it_is_no_request(change) -> None:
    """A request has no room for anything but what is signed."""
    with refused(Code.MALFORMED):
        Request.decode(edited(ASKED.encode(), change))


def test_signature_files_are_documents() -> None:
    """SIG is the signed document with one signature, so that it can be checked alone."""
    document = SignedDocument.decode(ASKED.sign(ROOT.key).encode(), DESCRIPTOR)
    document.verify(ROOT.key.public)
    assert isinstance(ROOT.key, SigningKey)

"""keys.documents.equivocation: two descriptors under one version, provable to anybody (nrm1 2.26, 2.25)."""

from __future__ import annotations

import pytest
from support.nodes import NOW, Node, edited, refused, signed

from gateway.errors import Code
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.equivocation import build_proof, verify_proof
from keys.primitives.sign import SignedDocument

A = Node("a")
FIRST = A.first()
ONE = accept_descriptor(FIRST, signed(A.next(FIRST, contact="one"), A.roots[:2]), NOW)
OTHER = signed(A.next(FIRST, contact="other"), A.roots[1:])
CHAIN = (FIRST, ONE)


def test_it_verifies_from_nothing() -> None:
    """Whoever has the file learns node, version, both hashes and who signed each."""
    found = verify_proof(build_proof(CHAIN, OTHER))
    assert (found.node, found.version, found.fingerprint) == (FIRST.node, 2, ONE.fingerprint)
    assert found.hashes[0] == ONE.hash != found.hashes[1]
    kids = [root.record.kid for root in A.roots]
    assert [set(signers) for signers in found.signers] == [set(kids[:2]), set(kids[1:])]


def test_two_first_descriptors() -> None:
    """It holds for version 1 too, without a chain before."""
    other = A.document(contact="other")
    assert verify_proof(build_proof(CHAIN, other)).version == 1


def test_one_document_twice_proves_nothing() -> None:
    """The same payload is no second one, whoever signed it."""
    again = signed(ONE.document.payload, A.roots[1:])
    with refused(Code.MALFORMED, "one"):
        verify_proof(build_proof(CHAIN, again))


@pytest.mark.parametrize("roots", [Node("b").roots[:2], A.roots[:1]], ids=["strangers", "one root"])
def test_who_is_not_the_roots_can_not_blame_them(roots: list) -> None:
    """A document that the roots did not sign proves nothing."""
    with refused(Code.BAD_SIGNATURE):
        verify_proof(build_proof(CHAIN, signed(OTHER.payload, roots)))


def test_two_nodes_do_not_contradict_each_other() -> None:
    """The first descriptors of two nodes, each signed by its own roots, blame nobody."""
    value = build_proof(CHAIN, A.document(contact="other"))
    with refused(Code.WRONG_NODE):
        verify_proof(edited(value, lambda v: v["documents"].__setitem__(1, Node("b").document().to_json())))


def test_documents_of_two_versions() -> None:
    """A later version is no contradiction."""
    third = signed(A.next(ONE), A.roots[:2])
    value = build_proof(CHAIN, OTHER).replace(OTHER.encode(), third.encode())
    with refused(Code.BAD_CHAIN):
        verify_proof(value)


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v["documents"].pop(),
        lambda v: v["chain"].pop(),
        lambda v: v.update(more=1),
        lambda v: v["documents"][1].update(payload=v["documents"][1]["payload"][:-4] + "AAAA"),
        lambda v: v["documents"][0]["signatures"].pop(),
    ],
    ids=["one document", "no chain", "more", "edited", "a signature less"],
)
def test_one_fault_and_it_proves_nothing(change) -> None:
    """Every edit is refused."""
    from gateway.errors import RemoteError

    with pytest.raises(RemoteError):
        verify_proof(edited(build_proof(CHAIN, OTHER), change))


def test_nothing_is_held_under_it() -> None:
    """Without a held document of that version there is nothing to prove."""
    with refused(Code.MALFORMED):
        build_proof((), SignedDocument(payload=OTHER.payload, payload_type=OTHER.payload_type, signatures=()))

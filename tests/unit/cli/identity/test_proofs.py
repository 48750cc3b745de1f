"""trm keys proof: evidence against roots is checked without a node."""

from __future__ import annotations

from pathlib import Path

from support.desks import run
from support.nodes import NOW, Node, signed

from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.equivocation import build_proof

A = Node("a")
FIRST = A.first()


def test_a_proof_is_checked_without_a_node(tmp_path: Path) -> None:
    """`trm keys proof verify` needs the file and nothing else; one that proves nothing is refused."""
    held = accept_descriptor(FIRST, signed(A.next(FIRST), A.roots[:2]), NOW)
    other = signed(A.next(FIRST, contact="other"), A.roots[1:])
    (tmp_path / "good").write_bytes(build_proof((FIRST, held), other))
    (tmp_path / "bad").write_bytes(build_proof((FIRST, held), held.document))
    ran = run("keys", "proof", "verify", str(tmp_path / "good"))
    assert ran.exit_code == 0
    assert "proven: the roots of this node signed two different descriptors" in ran.output
    assert FIRST.node in ran.output
    ran = run("keys", "proof", "verify", str(tmp_path / "bad"))
    assert (ran.exit_code, "nothing is proven" in ran.output) == (1, True)

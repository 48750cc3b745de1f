"""trm keys proof: evidence against roots is checked without a node."""

from __future__ import annotations

from pathlib import Path

from support import exhibits
from support.bundle_reports import CASE, resigned, revoked
from support.desks import run
from support.nodes import NOW, Node, signed

from gateway.evidence.build import build
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


def test_two_messages_under_one_number(tmp_path: Path) -> None:
    """A bundle of both proves it to whoever knows both fingerprints; of one message, or by a stolen key, nothing is."""
    second = resigned(commit="A" * 43)
    stolen = (revoked(exhibits.A, CASE.chains[0], NOW + 600), CASE.chains[1])
    files = {
        "good": build(CASE.chains, (CASE.exhibits[0], second), ()),
        "one": build(CASE.chains, (second,), ()),
        "stolen": build(stolen, (CASE.exhibits[0], second), ()),
    }
    anchors = [word for digits in CASE.anchors for word in ("--fingerprint", digits)]
    ran = {}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        ran[name] = run("keys", "proof", "verify", str(tmp_path / name), *anchors)
    assert ran["good"].exit_code == 0, ran["good"].output
    assert "proven: NRM a signed two contents under number 2" in ran["good"].stdout
    assert (ran["one"].exit_code, "it shows no two contents" in ran["one"].output) == (1, True)
    assert (ran["stolen"].exit_code, "not all of these signatures are proven" in ran["stolen"].output) == (1, True)
    assert run("keys", "proof", "verify", str(tmp_path / "good")).exit_code == 2
    other = run("keys", "proof", "verify", str(tmp_path / "good"), "--fingerprint", FIRST.fingerprint)
    assert (other.exit_code, "nothing is proven" in other.output) == (1, True)

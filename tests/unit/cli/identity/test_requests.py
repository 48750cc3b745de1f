"""gateway.cli.identity.requests and `trm keys root`: a holder reads in words what is signed, taken from the payload
itself.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.desks import run
from support.nodes import NOW, Node

from gateway.cli.identity.requests import describe_request
from gateway.foundation.ids import UnitKind
from keys.documents.descriptor import Revocation, Unit
from keys.documents.tombstone import build_tombstone
from keys.offline.ceremony import Request
from keys.primitives.domains import DESCRIPTOR, TOMBSTONE

A = Node("a")
FIRST = A.first()
KID = FIRST.keys[0].kid


def said(**changes: object) -> str:
    """The words of a request for the next descriptor with these changes."""
    asked = Request.of(DESCRIPTOR, A.next(FIRST, **changes), FIRST.document.payload)
    return "\n".join(f"{name}: {text}" for name, text in describe_request(asked))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"contact": "call the thief"}, "contact: duty desk -> call the thief"),
        ({"endpoints": ["https://evil.example:1"]}, "endpoint: https://a.example:8443 -> https://evil.example:1"),
        ({"threshold": 1}, "THRESHOLD: 2 of 3 -> 1 of 3 (FEWER MUST SIGN)"),
        ({"roots": [root.record for root in A.roots[:2]]}, f"ROOT GOES: {A.roots[2].record.kid}"),
        ({"roots": [*FIRST.roots, Node("b").roots[0].record]}, f"NEW ROOT: {Node('b').roots[0].record.kid}"),
        ({"tls_spki": [b"x" * 32]}, "TLS keys: the same -> OTHER ONES"),
        ({"keys": FIRST.keys[1:]}, f"key goes: sig {KID}"),
        ({"keys": FIRST.keys[1:], "revoked": [Revocation(kid=KID, at=NOW, since=NOW, reason="stolen")]}, "REVOKED: "),
        (
            {"units": [Unit(id="shelter-3", name="Shelter", kind=UnitKind.NGO)]},
            "units: none -> shelter-3 (Shelter, ngo: )",
        ),
        ({"name": "NRM b"}, "name: NRM a -> NRM b"),
        ({"country": "AL"}, "country: FR -> AL"),
        ({"log": f"a.{FIRST.node}.trm"}, f"audit log: nrm1/{FIRST.node} -> a.{FIRST.node}.trm"),
    ],
)
def test_every_change_has_its_line(changes: dict[str, object], expected: str) -> None:
    """What differs from the version before is said, and nothing else is said to change."""
    assert expected in said(**changes)


def test_what_stays_is_not_said() -> None:
    """A renewal without changes says who, which version and until when."""
    assert [line.partition(":")[0] for line in said().splitlines()] == ["to sign", "node", "valid until"]


def test_tombstone_and_first_are_told_apart() -> None:
    """The words begin with what kind of document it is."""
    asked = Request.of(TOMBSTONE, build_tombstone(FIRST.node, NOW), FIRST.document.payload)
    assert describe_request(asked)[0][1].startswith("the TOMBSTONE of NRM a (FR)")
    first = describe_request(Request.of(DESCRIPTOR, FIRST.document.payload, None))
    assert first[0] == ("to sign", "the FIRST descriptor of NRM a (FR)")
    assert ("fingerprint", FIRST.fingerprint) in first


def test_a_holder_who_says_no_signs_nothing(tmp_path: Path) -> None:
    """The words come first; without a yes the key file is not even opened."""
    asked = Request.of(DESCRIPTOR, A.next(FIRST, contact="call the thief"), FIRST.document.payload)
    (tmp_path / "r.request").write_bytes(asked.encode())
    words = ("keys", "root", "sign", str(tmp_path / "r.request"), "--root", "nowhere", "--out", str(tmp_path / "sig"))
    ran = run(*words, given="n\n")
    assert ran.exit_code == 1
    assert "duty desk -> call the thief" in ran.output
    assert not (tmp_path / "sig").exists()

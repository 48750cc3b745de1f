"""What it means that a peer holds this or that descriptor of ours."""

from __future__ import annotations

from typing import Any

import pytest
from support.exhibits import next_version
from support.incoming import A, C
from support.nodes import NOW, refused

from gateway.errors import Code
from gateway.peers.split_view_rules import KINDS, SplitView, judge_held, read_held
from keys.documents.descriptor import Descriptor
from keys.documents.equivocation import verify_proof
from keys.primitives.encoding import canon

FIRST = (A.first(),)
ALIEN = C.first()
OWN = next_version(A, FIRST, contact="day desk")
OTHER = next_version(A, FIRST, contact="call the thief")


def judge(held: Descriptor) -> SplitView | None:
    """What A makes of it that a peer holds this."""
    return judge_held(OWN, held.document, NOW)


@pytest.mark.parametrize("held", OWN, ids=["older", "newest"])
def test_one_of_ours(held: Descriptor) -> None:
    """A peer that is behind holds an older one: nobody has to look."""
    assert judge(held) is None


def test_two_documents_under_one_version() -> None:
    """Our roots signed both: the proof verifies anywhere."""
    found = judge(OTHER[-1])
    assert found is not None and found.kind == "own.split_view"
    proven = verify_proof(found.proof)
    assert (proven.node, proven.version) == (FIRST[0].node, 2)


def test_one_that_was_never_issued() -> None:
    """Our roots signed what this node does not know."""
    newer = next_version(A, OWN, contact="call the thief")[-1]
    assert judge(newer) == SplitView(kind="own.unknown_descriptor", proof=newer.document.encode())


def test_one_that_is_not_ours() -> None:
    """It says something about the peer, not about us."""
    assert judge(ALIEN) == SplitView(kind="peer.held_false", proof=ALIEN.document.encode())


def test_every_kind_is_listed() -> None:
    """The texts of the console are looked up by these."""
    found = [judge(held) for held in (OTHER[-1], next_version(A, OWN)[-1], ALIEN)]
    assert tuple(split.kind for split in found if split is not None) == KINDS


def answer(**changes: Any) -> bytes:
    """The answer to `GET /v1/held` of a peer that holds the first version, but for `changes`."""
    (held,) = FIRST
    return canon({"version": 1, "hash": held.hash, "document": held.document.to_json(), **changes})


def test_an_answer_is_read() -> None:
    """Version and hash are those of the document."""
    assert read_held(answer()) == FIRST[0].document


@pytest.mark.parametrize(
    "data",
    [b"[]", b"{}", answer(more=1), answer(version=2), answer(hash="A" * 43), b"\xff"],
    ids=["array", "empty", "more", "version", "hash", "no text"],
)
def test_an_answer_of_another_shape(data: bytes) -> None:
    """What contradicts itself is no answer."""
    with refused(Code.MALFORMED):
        read_held(data)

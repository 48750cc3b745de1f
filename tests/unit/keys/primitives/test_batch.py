"""keys.primitives.batch: one signature for many, each of which is proven alone and shows nothing of the others."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.batches import by, proofs
from support.endpoints import edited
from support.nodes import Seeds, refused

from gateway.errors import Code
from keys.primitives import batch as batches
from keys.primitives.batch import CLASSES, Batch, Inclusion, Proof, Verifier, read_signature, sign_batch
from keys.primitives.domains import RECEIPT, STATEMENT, VOID
from keys.primitives.encoding import b64u, canon, h, lp
from keys.primitives.hybrid_keys import PublicKey, SigningKey
from keys.primitives.merkle_tree import root_of

KEY, OTHER = (SigningKey.generate(Seeds(name), hybrid=True) for name in ("batch", "other"))
THREE = [(STATEMENT, b'{"a":1}'), (RECEIPT, b'{"a":1}'), (STATEMENT, b'{"b":2}')]


@pytest.mark.parametrize(
    ("documents", "count", "steps"),
    [(1, 1, 0), (2, 8, 3), (8, 8, 3), (9, 32, 5), (32, 32, 5), (33, 128, 7), (127, 128, 7), (128, 128, 7)],
)
def test_the_path_tells_the_class_and_not_the_number(documents: int, count: int, steps: int) -> None:
    """nrm1 1.18: a tree has 1, 8, 32 or 128 leaves, and each document in it has a path of one length."""
    made = [(STATEMENT, canon({"n": number})) for number in range(documents)]
    batch, inclusions = by(KEY)(made)
    assert (batch.count, {len(one.path) for one in inclusions}) == (count, {steps})
    assert {one.root_over(*document) for one, document in zip(inclusions, made, strict=True)} == {batch.root}
    batch.verify(KEY.public)


def test_the_tree_is_that_of_the_specification() -> None:
    """nrm1 1.18: a labelled hash over type, random bytes and payload; the leaves in the order of their bytes; RFC 9162
    over them, taken as leaf hashes.
    """
    given = Seeds("given")
    drawn = [Seeds("given")(32) for _ in range(1)]
    batch, inclusions = sign_batch(THREE, KEY.sign, given)
    assert inclusions[0].blind == drawn[0]
    leaves = [
        h("leaf", lp(kind.encode()) + one.blind + payload)
        for (kind, payload), one in zip(THREE, inclusions, strict=True)
    ]
    again = Seeds("given")
    fillers = [again(32) for _ in range(8)][3:]
    assert batch.root == root_of(sorted([*leaves, *fillers]))
    assert [one.index for one in inclusions] == [sorted([*leaves, *fillers]).index(leaf) for leaf in leaves]


def test_the_same_payload_has_another_leaf_each_time() -> None:
    """Nobody who guesses a neighbour can compare: the random bytes are drawn for each document."""
    twice = proofs(KEY, THREE[0], THREE[0])
    assert twice[0].inclusion.blind != twice[1].inclusion.blind
    assert twice[0].inclusion.index != twice[1].inclusion.index


def test_a_proof_comes_back_as_it_was_written() -> None:
    """Without the root, which whoever has the payload computes."""
    for document, proof in zip(THREE, proofs(KEY, *THREE), strict=True):
        assert Proof.parse(proof.encode(), *document) == proof
        assert Inclusion.unpack(proof.inclusion.pack(), 8) == proof.inclusion
        assert Batch.from_json(json.loads(proof.batch.encode())) == proof.batch
        assert read_signature(proof.encode()) == proof.batch.signature
        assert json.loads(proof.encode()).keys() == {"blind", "count", "index", "path", "signatures"}


def test_what_a_node_keeps_is_bytes() -> None:
    """Packed, a batch and a place are as large as what they are of; what was kept as JSON before is read as well."""
    for proof in proofs(KEY, *THREE):
        packed = proof.batch.pack(), proof.inclusion.pack()
        assert (len(packed[0]), len(packed[1])) == (2 + 32 + 3 * 4 + 22 + 64 + 3309, 2 + 4 * 32)
        assert (Batch.unpack(packed[0]), Inclusion.unpack(packed[1], 8)) == (proof.batch, proof.inclusion)
        assert Batch.unpack(proof.batch.encode()) == proof.batch
        assert Inclusion.unpack(canon(proof.inclusion.to_json()), 8) == proof.inclusion
        assert b64u(proof.batch.name) == proof.batch.hash


def test_a_place_of_any_index_is_told_from_json() -> None:
    """The 124th of 128 has the index that is a brace: the form stands before it."""
    for proof in proofs(KEY, *[THREE[0]] * 128):
        assert Inclusion.unpack(proof.inclusion.pack(), 128) == proof.inclusion


def test_packed_bytes_that_were_spoilt_are_refused() -> None:
    """Cut at any place, longer, of another form, or with a place outside of the tree."""
    (proof, *_) = proofs(KEY, *THREE)
    batch, place = proof.batch.pack(), proof.inclusion.pack()
    for spoilt in (b"", batch[:1], batch[:20], batch[:-1], batch + b"\0", b"\2" + batch[1:], b"\1\2" + batch[2:]):
        with refused(Code.MALFORMED):
            Batch.unpack(spoilt)
    for spoilt in (b"", place[:1], place[:2], place[:-1], place[:-32], place + bytes(32), b"\1\x08" + place[2:]):
        with refused(Code.MALFORMED):
            Inclusion.unpack(spoilt, 8)


def test_a_leaf_of_one_type_is_none_of_another() -> None:
    """Threat 13: the same bytes as a receipt and as a statement are two leaves."""
    statement, receipt, _ = proofs(KEY, *THREE)
    statement.require(*THREE[0])
    for proof, document in ((statement, THREE[1]), (receipt, THREE[0]), (statement, THREE[2])):
        with refused(Code.BAD_SIGNATURE, "not in the batch"):
            proof.require(*document)
        with refused(Code.BAD_SIGNATURE):
            Proof.parse(proof.encode(), *document).batch.verify(KEY.public)


SPOILED: dict[str, tuple[Callable[[Any], object], Code]] = {
    "other random bytes": (lambda v: v.update(blind=b64u(bytes(32))), Code.BAD_SIGNATURE),
    "another place": (lambda v: v.update(index=v["index"] ^ 1), Code.BAD_SIGNATURE),
    "steps in another order": (lambda v: v["path"].reverse(), Code.BAD_SIGNATURE),
    "another step": (lambda v: v["path"].__setitem__(2, b64u(bytes(32))), Code.BAD_SIGNATURE),
    "a step less": (lambda v: v["path"].pop(), Code.MALFORMED),
    "a step more": (lambda v: v["path"].append(b64u(bytes(32))), Code.MALFORMED),
    "a larger class": (lambda v: v.update(count=32), Code.MALFORMED),
    "a smaller class": (lambda v: v.update(count=1, path=[], index=0), Code.BAD_SIGNATURE),
    "the path of another class": (
        lambda v: v.update(count=32, path=[*v["path"], *v["path"][:2]]),
        Code.BAD_SIGNATURE,
    ),
    "outside of the tree": (lambda v: v.update(index=8), Code.MALFORMED),
    "no class": (lambda v: v.update(count=2, path=v["path"][:1], index=0), Code.MALFORMED),
    "a truth value for a number": (lambda v: v.update(count=True, path=[], index=0), Code.MALFORMED),
    "two signatures": (lambda v: v.update(signatures=v["signatures"] * 2), Code.MALFORMED),
    "no signature": (lambda v: v.update(signatures=[]), Code.MALFORMED),
    "a member more": (lambda v: v.update(root=b64u(bytes(32))), Code.MALFORMED),
    "a member less": (lambda v: v.pop("blind"), Code.MALFORMED),
}


@pytest.mark.parametrize(("change", "code"), SPOILED.values(), ids=SPOILED)
def test_a_spoiled_proof_proves_nothing(change: Callable[[Any], object], code: Code) -> None:
    """One thing is wrong with each."""
    frame = edited(proofs(KEY, *THREE)[0].encode(), change)
    with refused(code):
        Proof.parse(frame, *THREE[0]).batch.verify(KEY.public)


def test_a_batch_is_signed_by_one_key() -> None:
    """The signature of another key, and one over another size or root, verify nothing."""
    batch, _ = by(KEY)(THREE)
    foreign, _ = by(OTHER)(THREE)
    assert foreign.root == batch.root
    for wrong, key in (
        (batch, OTHER),
        (replace(batch, signature=foreign.signature), KEY),
        (replace(batch, count=32), KEY),
        (replace(batch, root=bytes(32)), KEY),
    ):
        with refused(Code.BAD_SIGNATURE):
            wrong.verify(key.public)


@pytest.mark.parametrize("documents", [[], THREE * 43, [(VOID, b"{}")]], ids=["none", "129", "a void"])
def test_what_is_no_batch_is_not_signed(documents: list[tuple[str, bytes]]) -> None:
    """None, too many, and what is signed alone."""
    with pytest.raises(RuntimeError, match="1 to 128"):
        by(KEY)(documents)
    assert CLASSES[-1] == 128


def test_a_batch_is_verified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many of its documents ask; for another key it is verified anew, and a failure is never remembered."""
    asked: Counter[PublicKey] = Counter()
    true = batches.verify

    def counted(public: PublicKey, *rest: Any) -> None:
        asked[public] += 1
        true(public, *rest)

    monkeypatch.setattr(batches, "verify", counted)
    verifier, (batch, _) = Verifier(), by(KEY)(THREE)
    for _ in THREE:
        verifier.verify(KEY.public, batch)
        with refused(Code.BAD_SIGNATURE):
            verifier.verify(OTHER.public, batch)
    assert asked == {KEY.public: 1, OTHER.public: 3}
    with refused(Code.BAD_SIGNATURE):
        verifier.verify(KEY.public, replace(batch, root=bytes(32)))


@pytest.mark.parametrize("frame", [b"[]", b"{}", b'{"signatures":[]}', b'{"signatures":{}}', b'{"signatures":[1]}'])
def test_a_frame_without_a_signature(frame: bytes) -> None:
    """What is kept of a statement has exactly one, in either form."""
    with refused(Code.MALFORMED):
        read_signature(frame)

"""Properties of the tree and of notes: every right proof is accepted, no other one, no input makes a reader crash."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import RemoteError
from keys.documents.signed_note import AddCheckpoint, Checkpoint, NoteSignature, SignedNote, read_signatures
from keys.primitives.merkle_tree import (
    Tiles,
    is_consistent,
    is_included,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    root_of,
)

LEAVES = [leaf_hash(number.to_bytes(2, "big")) for number in range(600)]
SIZE = st.one_of(st.integers(1, 40), st.integers(250, 260), st.integers(1, 600))
HASH = st.binary(min_size=32, max_size=32)
NAME = st.text("abcdefghijklmnopqrstuvwxyz0123456789./-", min_size=1, max_size=30)
COUNT = st.integers(0, 2**53 - 1)


def tiles(size: int) -> Tiles:
    """The tree of the first leaves."""
    return Tiles(size, lambda level, index: None, lambda first, last: LEAVES[first:last])


def corrupted(data: st.DataObject, proof: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Another proof than this one: a bit changed, a step more, a step less, two steps exchanged."""
    kind = data.draw(st.sampled_from(["flip", "more", "less", "swap"] if len(proof) > 1 else ["more"]))
    at = data.draw(st.integers(0, max(0, len(proof) - 1)))
    if kind == "flip":
        step = proof[at]
        byte = data.draw(st.integers(0, 31))
        return (*proof[:at], step[:byte] + bytes([step[byte] ^ 1]) + step[byte + 1 :], *proof[at + 1 :])
    if kind == "more":
        return (*proof[:at], data.draw(HASH), *proof[at:])
    if kind == "less":
        return (*proof[:at], *proof[at + 1 :])
    other = (at + 1) % len(proof)
    steps = list(proof)
    steps[at], steps[other] = steps[other], steps[at]
    return tuple(steps)


@given(SIZE, st.data())
def test_inclusion(size: int, data: st.DataObject) -> None:
    """Each leaf has a proof that is accepted for it; for another place, size, leaf, root or proof it is not."""
    index = data.draw(st.integers(0, size - 1))
    leaf, root = LEAVES[index], root_of(LEAVES[:size])
    proof = prove_inclusion(index, size, tiles(size).node)
    assert is_included(leaf, index, size, proof, root)
    assert not is_included(leaf, index, size, corrupted(data, proof), root)
    assert not is_included(data.draw(HASH), index, size, proof, root)
    assert not is_included(leaf, index, size, proof, data.draw(HASH))
    elsewhere = data.draw(st.integers(-1, size).filter(lambda other: other != index))
    assert not is_included(leaf, elsewhere, size, proof, root)


@given(SIZE, st.data())
def test_consistency(size: int, data: st.DataObject) -> None:
    """Each earlier tree has a proof that is accepted; another old size, root or proof is not."""
    old = data.draw(st.integers(1, size))
    before, after = root_of(LEAVES[:old]), root_of(LEAVES[:size])
    proof = prove_consistency(old, size, tiles(size).node)
    assert is_consistent(old, size, before, after, proof)
    assert not is_consistent(old, size, before, after, corrupted(data, proof))
    assert not is_consistent(old, size, data.draw(HASH), after, proof)
    assert not is_consistent(old, size, before, data.draw(HASH), proof)
    other = data.draw(st.integers(-1, size + 1).filter(lambda value: value not in (old, 0)))
    assert not is_consistent(other, size, before, after, proof)


@given(COUNT, COUNT, st.lists(HASH, max_size=8), HASH)
def test_judges_answer_whatever_they_are_asked(one: int, two: int, proof: list[bytes], root: bytes) -> None:
    """Sizes and proofs of a stranger are judged, and never crash or hang a judge."""
    assert not is_included(root, one, two, proof, root) or (one, two, proof) == (0, 1, [])
    is_consistent(one, two, root, root, proof)


@given(NAME, COUNT, HASH, st.lists(st.tuples(NAME, st.binary(min_size=5, max_size=80)), min_size=1, max_size=4))
def test_notes_round_trip(origin: str, size: int, root: bytes, lines: list[tuple[str, bytes]]) -> None:
    """A checkpoint, its note and a request to a witness are read back as they were written."""
    checkpoint = Checkpoint(origin=origin, size=size, root=root)
    assert Checkpoint.parse(checkpoint.text) == checkpoint
    note = SignedNote(
        text=checkpoint.text,
        signatures=tuple(NoteSignature(name=name, key_id=data[:4], value=data[4:]) for name, data in lines),
    )
    assert SignedNote.decode(note.encode()) == note
    request = AddCheckpoint(old=size, proof=(root,), note=note)
    assert AddCheckpoint.decode(request.encode()) == request


@given(st.binary(max_size=200) | st.text("old 0123456789\n\u2014 abc=+/", max_size=80).map(str.encode))
def test_notes_from_outside(data: bytes) -> None:
    """Any bytes are read or refused as malformed; what is read has one spelling."""
    for read in (Checkpoint.parse, SignedNote.decode, AddCheckpoint.decode, read_signatures):
        with contextlib.suppress(RemoteError):
            found = read(data)
            if isinstance(found, Checkpoint):
                assert found.text == data
            elif isinstance(found, SignedNote | AddCheckpoint):
                assert found.encode() == data

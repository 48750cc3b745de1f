"""keys.primitives.merkle_tree: the reference trees of Certificate Transparency (RFC 9162 2.1; nrm1 11.1)."""

from __future__ import annotations

import pytest

from keys.primitives import merkle_tree
from keys.primitives.merkle_tree import (
    Frontier,
    Tiles,
    is_consistent,
    is_included,
    leaf_hash,
    perfect_levels,
    prove_consistency,
    prove_inclusion,
    root_of,
)

# The leaves, roots and proofs that the implementations of Certificate Transparency test themselves with.
ENTRIES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
ENTRIES += [bytes.fromhex("606162636465666768696a6b6c6d6e6f")]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
A, B, C = (
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
)
D = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
E = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
F = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
INCLUDED = {(0, 1): [], (0, 8): [D, A, E], (5, 8): [B, C, ROOTS[4]], (2, 3): [ROOTS[2]], (1, 5): [ROOTS[1], A, B]}
CONSISTENT = {(1, 1): [], (1, 8): [D, A, E], (6, 8): [F, C, ROOTS[4]], (2, 5): [A, B]}


def tiles(size: int, leaves: list[bytes] = LEAVES) -> Tiles:
    """The tree of the first leaves, with no tile stored."""
    return Tiles(size, lambda level, index: None, lambda first, last: leaves[first:last])


@pytest.mark.parametrize("size", range(9))
def test_reference_roots(size: int) -> None:
    """The roots of 0 to 8 leaves, grown and out of tiles."""
    assert root_of(LEAVES[:size]).hex() == ROOTS[size]
    assert tiles(size).root().hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUDED)
def test_reference_inclusion_proofs(index: int, size: int) -> None:
    """The published audit paths are made and accepted."""
    proof = prove_inclusion(index, size, tiles(size).node)
    assert [step.hex() for step in proof] == INCLUDED[index, size]
    assert is_included(LEAVES[index], index, size, proof, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "size"), CONSISTENT)
def test_reference_consistency_proofs(old: int, size: int) -> None:
    """The published consistency proofs are made and accepted."""
    proof = prove_consistency(old, size, tiles(size).node)
    assert [step.hex() for step in proof] == CONSISTENT[old, size]
    assert is_consistent(old, size, bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[size]), proof)


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_levels_of_a_full_tree(size: int) -> None:
    """They end in the same root, and the neighbours of a leaf are its audit path."""
    levels = perfect_levels(LEAVES[:size])
    assert levels[-1][0].hex() == ROOTS[size]
    for index in range(size):
        path = [level[index >> height ^ 1] for height, level in enumerate(levels[:-1])]
        assert path == [*prove_inclusion(index, size, tiles(size).node)]


@pytest.mark.parametrize("size", [3, 6])
def test_a_tree_that_is_not_full_has_no_levels(size: int) -> None:
    """An odd level is a bug of ours, not a leaf that goes missing."""
    with pytest.raises(ValueError, match="shorter"):
        perfect_levels(LEAVES[:size])


def test_leaf_is_no_node() -> None:
    """A node's bytes as a leaf give another hash, else a tree could be read in two ways (RFC 9162, 2.1.1)."""
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != merkle_tree.node_hash(LEAVES[0], LEAVES[1])


def test_rewritten_history_has_no_proof() -> None:
    """Threat 49: a tree in which an early leaf was changed does not extend the old one, whatever is shown."""
    forged = [leaf_hash(b"forged"), *LEAVES[1:]]
    proof = prove_consistency(5, 8, tiles(8, forged).node)
    assert not is_consistent(5, 8, root_of(LEAVES[:5]), root_of(forged), proof)
    assert not is_consistent(5, 8, root_of(LEAVES[:5]), root_of(forged), prove_consistency(5, 8, tiles(8).node))


def test_the_empty_tree_and_itself() -> None:
    """Only an empty proof shows that a tree begins with the empty one or with itself."""
    eight, empty = root_of(LEAVES), merkle_tree.EMPTY
    assert is_consistent(0, 8, empty, eight, ()) and is_consistent(8, 8, eight, eight, ())
    assert is_consistent(0, 0, empty, empty, ())
    for old, size, before, after, proof in [
        (0, 8, empty, eight, (empty,)),
        (0, 8, eight, eight, ()),
        (8, 8, eight, eight, (eight,)),
        (8, 8, empty, eight, ()),
        (8, 7, eight, root_of(LEAVES[:7]), ()),
        (0, 0, empty, eight, ()),
        (4, 8, root_of(LEAVES[:4]), eight, ()),
        (-1, 8, empty, eight, ()),
    ]:
        assert not is_consistent(old, size, before, after, proof)


def test_outside_of_the_tree() -> None:
    """A leaf outside of the tree is not included, and asking for its proof is a fault of ours."""
    assert not is_included(LEAVES[0], 8, 8, (), root_of(LEAVES))
    assert not is_included(LEAVES[0], -1, 8, (), root_of(LEAVES))
    assert not is_included(LEAVES[0], 0, 0, (), merkle_tree.EMPTY)
    with pytest.raises(RuntimeError, match="outside"):
        prove_inclusion(8, 8, tiles(8).node)
    with pytest.raises(RuntimeError, match="larger"):
        prove_consistency(9, 8, tiles(8).node)


def test_tiles_are_stored_once_and_used() -> None:
    """Full tiles of 256 come out once, lowest first; with them a leaf below is not read again, but for its own tile."""
    leaves = [leaf_hash(number.to_bytes(3, "big")) for number in range(70_000)]
    stored: dict[tuple[int, int], bytes] = {}
    for before, size in [(0, 255), (255, 256), (256, 65_535), (65_535, 70_000)]:
        for level, index, data in Tiles(size, lambda *at: stored.get(at), lambda a, b: leaves[a:b]).full(before):
            assert (level, index) not in stored
            stored[level, index] = data
    assert len(stored) == 70_000 // 256 + 1
    assert (1, 0) in stored and len(stored[1, 0]) == 8192
    asked: list[tuple[int, int]] = []

    def read(first: int, last: int) -> list[bytes]:
        asked.append((first, last))
        return leaves[first:last]

    found = Tiles(70_000, lambda *at: stored.get(at), read)
    assert found.root() == root_of(leaves)
    assert asked == [(69_888, 70_000)]
    assert is_included(leaves[5], 5, 70_000, prove_inclusion(5, 70_000, found.node), found.root())


def test_an_altered_tile_shows_in_the_root() -> None:
    """A tile is not believed: a changed one gives another root, a cut one is computed anew."""
    leaves = [leaf_hash(bytes([number])) for number in range(256)]
    whole = b"".join(leaves)
    spoilt = b"\0" + whole[1:]
    assert Tiles(256, lambda *at: whole, lambda a, b: []).root() == root_of(leaves)
    assert Tiles(256, lambda *at: spoilt, lambda a, b: []).root() != root_of(leaves)
    assert Tiles(256, lambda *at: whole[:-1], lambda a, b: leaves[a:b]).root() == root_of(leaves)


def test_frontier_grows() -> None:
    """The root after each append is the reference root."""
    frontier = Frontier()
    for size, leaf in enumerate(LEAVES, start=1):
        frontier.append(leaf)
        assert (frontier.size, frontier.root().hex()) == (size, ROOTS[size])

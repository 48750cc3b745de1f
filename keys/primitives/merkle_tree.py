"""The Merkle tree of RFC 9162 section 2.1 over the leaves of an audit log (nrm1 11.1): roots, proofs, their judges.

A tree is read through a ``Node``: (height, index) -> the hash over the leaves index * 2^height up to, but without,
(index + 1) * 2^height, all of which exist. There are two stores of hashes: ``Frontier`` only grows and keeps the peaks
alone; ``Tiles`` reads 256 hashes at a time, as C2SP tlog-tiles divides a tree.

``is_included`` and ``is_consistent`` return False for anything but the one right proof; no input makes them raise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

HASH: Final = 32
EMPTY: Final = hashlib.sha256().digest()
"""The root of a tree without leaves (RFC 9162, 2.1.1)."""
TILE: Final = 256
"""How many hashes one tile has: 8 heights of the tree (C2SP tlog-tiles)."""
TILE_HEIGHT: Final = 8
MAX_PROOF: Final = 63
"""Lines of a consistency proof at most (C2SP tlog-witness)."""

Node = Callable[[int, int], bytes]


def leaf_hash(leaf: bytes) -> bytes:
    """Return SHA-256(0x00 || leaf)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


# --- making roots and proofs -------------------------------------------------------------------------------------


def compute_root(size: int, node: Node) -> bytes:
    """Compute the root over the first `size` leaves."""
    return _subtree(0, size, node) if size else EMPTY


def prove_inclusion(index: int, size: int, node: Node) -> tuple[bytes, ...]:
    """Prove that leaf `index`, counted from 0, is in the tree of `size` leaves: PATH(index, D[size]) of RFC 9162,
    2.1.3.1.
    """
    if not 0 <= index < size:
        raise RuntimeError("a leaf outside of the tree cannot be proven")
    return tuple(_path(index, 0, size, node))


def prove_consistency(old: int, size: int, node: Node) -> tuple[bytes, ...]:
    """Prove that the tree of `size` leaves begins with the tree of `old`: PROOF(old, D[size]) of RFC 9162, 2.1.4.1.

    Empty when `old` is 0 or `size` (C2SP tlog-witness).
    """
    if not 0 <= old <= size:
        raise RuntimeError("a tree does not begin with a larger one")
    return tuple(_subproof(old, 0, size, node, whole=True)) if old else ()


def _split(size: int) -> int:
    """Return the largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1


def _subtree(start: int, end: int, node: Node) -> bytes:
    size = end - start
    if size & (size - 1) == 0:  # a power of two; `start` is a multiple of it wherever RFC 9162 splits
        return node(size.bit_length() - 1, start // size)
    middle = start + _split(size)
    return node_hash(_subtree(start, middle, node), _subtree(middle, end, node))


def _path(index: int, start: int, end: int, node: Node) -> Iterator[bytes]:
    if end - start == 1:
        return
    middle = start + _split(end - start)
    if index < middle:
        yield from _path(index, start, middle, node)
        yield _subtree(middle, end, node)
    else:
        yield from _path(index, middle, end, node)
        yield _subtree(start, middle, node)


def _subproof(old: int, start: int, end: int, node: Node, *, whole: bool) -> Iterator[bytes]:
    """`whole`: the verifier knows the hash over these leaves already, as it is its old root."""
    if old == end:
        if not whole:
            yield _subtree(start, end, node)
        return
    middle = start + _split(end - start)
    if old <= middle:
        yield from _subproof(old, start, middle, node, whole=whole)
        yield _subtree(middle, end, node)
    else:
        yield from _subproof(old, middle, end, node, whole=False)
        yield _subtree(start, middle, node)


def perfect_levels(leaves: Sequence[bytes]) -> list[Sequence[bytes]]:
    """Compute every level of a tree with a power of two of leaves, given by their hashes, from these to the root.

    PATH(index) of RFC 9162, 2.1.3.1, is then the neighbour at each level: see `path_of`.
    """
    levels, sha256 = [leaves], hashlib.sha256  # without a call for each node: this is done for each message
    while len(levels[-1]) > 1:
        pairs = iter(levels[-1])
        levels.append([sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)])
    return levels


def path_of(index: int, levels: Sequence[Sequence[bytes]]) -> tuple[bytes, ...]:
    """List the neighbours of leaf `index` at each height of a tree of `perfect_levels`: PATH(index)."""
    return tuple(level[index >> height ^ 1] for height, level in enumerate(levels[:-1]))


# --- judging proofs ----------------------------------------------------------------------------------------------


def climb(leaf: bytes, index: int, path: Iterable[bytes]) -> bytes:
    """Compute the root that the path of the leaf with this hash leads to, in a tree with a power of two of leaves (RFC
    9162, 2.1.3.2).
    """
    for height, step in enumerate(path):
        leaf = node_hash(step, leaf) if index >> height & 1 else node_hash(leaf, step)
    return leaf


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows that the leaf with the hash `leaf` is number `index`, counted from 0, under `root`.

    RFC 9162, 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(step, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, step)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(old: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree of `size` leaves under `root` begins with that of `old` under `old_root`.

    RFC 9162, 2.1.4.2; a tree is consistent with itself and with the empty one by an empty proof only.
    """
    if old == 0:
        return size >= 0 and not proof and old_root == EMPTY and (size > 0 or root == EMPTY)
    if old == size:
        return not proof and old_root == root
    if not 0 < old < size:
        return False
    steps = list(proof) if old & (old - 1) else [old_root, *proof]
    if not steps:
        return False
    place, last = old - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, step)
        place, last = place >> 1, last >> 1
    return last == 0 and first == old_root and second == root


# --- where the hashes are ----------------------------------------------------------------------------------------


class Frontier:
    """A tree that only grows and is asked only for its root: it keeps the peaks, one hash for each bit of its size."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Append one leaf, given by its hash."""
        found, size = leaf, self.size
        while size & 1:
            found, size = node_hash(self._peaks.pop(), found), size >> 1
        self._peaks.append(found)
        self.size += 1

    def root(self) -> bytes:
        """Compute the root over all appended leaves."""
        if not self._peaks:
            return EMPTY
        found = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            found = node_hash(peak, found)
        return found


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Compute the root over leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


class Tiles:
    """A tree of `size` leaves, read from stored tiles. Tile `index` of `level` has the hashes of height 8 * level from
    number 256 * index on. Only full tiles are stored; the others are computed from the level below.

    `stored(level, index)` returns the 8192 bytes of a tile or None, `leaves(first, last)` the leaf hashes from `first`
    up to but without `last`, counted from 0. Neither is trusted: the caller compares the result with a signed root.
    """

    def __init__(
        self,
        size: int,
        stored: Callable[[int, int], bytes | None],
        leaves: Callable[[int, int], Sequence[bytes]],
    ) -> None:
        self.size = size
        self._stored = stored
        self._leaves = leaves
        self._read: dict[tuple[int, int], tuple[bytes, ...]] = {}

    def tile(self, level: int, index: int) -> tuple[bytes, ...]:
        """Return the hashes of one tile: 256, or fewer at the end of the tree."""
        key = (level, index)
        if key not in self._read:
            self._read[key] = self._make(level, index)
        return self._read[key]

    def _make(self, level: int, index: int) -> tuple[bytes, ...]:
        there = self.size >> TILE_HEIGHT * level  # how many complete subtrees of this height the tree has
        first, last = index * TILE, min((index + 1) * TILE, there)
        stored = self._stored(level, index) if last - first == TILE else None
        if stored is not None and len(stored) == TILE * HASH:
            return tuple(stored[at : at + HASH] for at in range(0, TILE * HASH, HASH))
        if level == 0:
            return tuple(self._leaves(first, last))
        return tuple(root_of(self.tile(level - 1, below)) for below in range(first, last))

    def node(self, height: int, index: int) -> bytes:
        """Return the ``Node`` of this tree."""
        level, inside = divmod(height, TILE_HEIGHT)
        first = index << inside
        tile = self.tile(level, first // TILE)
        place = first % TILE
        return root_of(tile[place : place + (1 << inside)])

    def root(self) -> bytes:
        """Return the root of the whole tree."""
        return compute_root(self.size, self.node)

    def full(self, since: int) -> Iterator[tuple[int, int, bytes]]:
        """Yield the tiles that became full while the tree grew from `since` leaves: (level, index, bytes), lowest level
        first.
        """
        level = 0
        while self.size >> TILE_HEIGHT * (level + 1):
            step = TILE_HEIGHT * (level + 1)
            for index in range(since >> step, self.size >> step):
                yield level, index, b"".join(self.tile(level, index))
            level += 1

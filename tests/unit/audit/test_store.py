"""gateway.audit.store: tiles, checkpoints, cosignatures, and what is witnessed for peers."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from gateway.audit import store
from gateway.audit.store import CheckpointRow, CosignatureRow, WitnessedRow
from gateway.database import journal
from gateway.database.atomic_file import read_kept, write_kept
from gateway.database.audit_entries import leaf
from gateway.errors import Code, TransientError
from keys.primitives.merkle_tree import leaf_hash, root_of


def grow(connection: Connection, count: int) -> list[bytes]:
    """More leaves; the hashes of all of them."""
    journal.append_leaves(connection, [lambda seq: b'{"seq":%d}' % seq] * count)
    return [leaf_hash(leaf) for _, leaf in store.leaves(connection)]


def test_the_tree_of_the_rows(connection: Connection) -> None:
    """Root and tiles come from the rows, with and without stored tiles, across batches of rows."""
    hashes = grow(connection, 2_500)
    assert store.size(connection) == 2_500
    assert store.tree(connection, 2_500).root() == root_of(hashes)
    store.put_tiles(connection, store.tree(connection, 2_500).full(0))
    assert store.tiled(connection) == 2_304
    assert store.tree(connection, 2_500).root() == root_of(hashes)
    assert store.tree(connection, 700).root() == root_of(hashes[:700])
    assert [seq for seq, _ in store.leaves(connection, 2_499)] == [2_499, 2_500]
    assert [seq for seq, _ in store.leaves(connection, 3, 5)] == [3, 4, 5]


def test_a_tile_that_was_not_full_is_replaced(connection: Connection) -> None:
    """The last tile grows in place and only counts when it is full."""
    store.put_tiles(connection, [(0, 0, b"a" * 32)])
    assert store.tiled(connection) == 0
    store.put_tiles(connection, [(0, 0, b"b" * 8192)])
    assert (store.tiled(connection), store.tile(connection, 0, 0)) == (256, b"b" * 8192)
    assert store.tile(connection, 0, 1) is None


def test_checkpoints_only_grow(connection: Connection) -> None:
    """A checkpoint of a size that was signed, or of a smaller one, is not kept."""
    assert store.add_checkpoint(connection, CheckpointRow(size=5, note=b"five", at=1))
    assert not store.add_checkpoint(connection, CheckpointRow(size=5, note=b"other", at=2))
    assert not store.add_checkpoint(connection, CheckpointRow(size=4, note=b"four", at=2))
    assert [row.note for row in store.checkpoints(connection)] == [b"five"]


def test_the_newest_witnessed_one(connection: Connection) -> None:
    """The largest checkpoint with enough cosignatures, with one at least also where none is asked for."""
    for size in (5, 7, 9):
        store.add_checkpoint(connection, CheckpointRow(size=size, note=b"n%d" % size, at=size))
    for size, peer in [(5, "a"), (5, "b"), (7, "a")]:
        store.add_cosignature(connection, CosignatureRow(size=size, peer=peer, line=b"l", at=1))
    store.add_cosignature(connection, CosignatureRow(size=7, peer="a", line=b"later", at=2))
    found = [store.newest_witnessed(connection, quorum) for quorum in (0, 1, 2, 3)]
    assert [None if row is None else row.size for row in found] == [7, 7, 5, None]
    assert [(row.line, row.at) for row in store.cosignatures(connection, 7)] == [(b"later", 2)]
    last = store.last_cosigned(connection, "a")
    assert last is not None and last.size == 7
    assert store.last_cosigned(connection, "c") is None


def test_of_two_requests_one_is_the_faster(connection: Connection) -> None:
    """What is witnessed changes only from what was judged: a stale look changes nothing."""
    first = WitnessedRow(peer="p", origin="o", size=5, root=b"5", note=b"n")
    more = WitnessedRow(peer="p", origin="o", size=9, root=b"9", note=b"n")
    other = WitnessedRow(peer="p", origin="o", size=7, root=b"7", note=b"n")
    assert store.swap_witnessed(connection, None, first)
    assert not store.swap_witnessed(connection, None, other)
    assert store.swap_witnessed(connection, first, more)
    assert not store.swap_witnessed(connection, first, other)
    assert store.witnessed_of(connection, "o") == more
    assert store.witnessed_of(connection, "another") is None


def test_flaw_2_a_second_tree_that_another_peer_shows(connection: Connection) -> None:
    """Threat 183: a cosignature covers the origin, so what is held of it does not depend on who shows it."""
    held = WitnessedRow(peer="a", origin="nrm1/a", size=5, root=b"5", note=b"n")
    assert store.swap_witnessed(connection, None, held)
    fork = WitnessedRow(peer="c", origin="nrm1/a", size=5, root=b"other", note=b"n")
    assert not store.swap_witnessed(connection, None, fork)
    assert store.witnessed_of(connection, "nrm1/a") == held
    rows = connection.execute(text("select peer, root from witnessed"))
    assert [tuple(row) for row in rows] == [("a", b"5")]


def test_the_kept_file(tmp_path: Path) -> None:
    """It is private, whole or the old one, read up to a limit; a folder that takes nothing is a failure of the disk."""
    path = tmp_path / "checkpoint"
    assert read_kept(path, 10) is None
    write_kept(path, b"one")
    write_kept(path, b"two")
    assert (path.read_bytes(), path.stat().st_mode & 0o777, [*tmp_path.iterdir()]) == (b"two", 0o600, [path])
    assert read_kept(path, 2) == b"two"
    with pytest.raises(TransientError) as raised:
        write_kept(tmp_path / "none" / "checkpoint", b"three")
    assert raised.value.code is Code.DISK


def test_leaves_about_something(connection: Connection) -> None:
    """Found by the hash they name, in order; a hash elsewhere in a leaf is not what it is about."""
    one, two = "o" * 43, "t" * 43
    facts = [{"of": one}, {"sig": two}, {"peer": "p"}, {"of": two}, {"of": one, "n": 1}]
    journal.append_leaves(connection, [leaf(7, "message.departed", **fact) for fact in facts])
    assert [seq for seq, _ in store.leaves_about(connection, [two, one])] == [1, 4, 5]
    assert [seq for seq, _ in store.leaves_about(connection, [two])] == [4]
    assert store.leaves_about(connection, []) == []


def test_the_first_word_of_a_witness_stays(connection: Connection) -> None:
    """Asked again, it says a later time of the same tree; what was seen first is kept beside it."""
    for at, line in enumerate((b"first", b"again", b"later")):
        store.add_cosignature(connection, CosignatureRow(size=7, peer="a", line=line, at=at))
    (row,) = store.cosignatures(connection, 7)
    assert (row.first, row.line, row.at) == (b"first", b"later", 2)

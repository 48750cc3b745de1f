"""Proofs of entries, for evidence."""

from __future__ import annotations

from pathlib import Path

from support.logs import grow
from support.pair import two_nodes

from gateway.audit import store
from gateway.audit.proofs import prove
from gateway.database import journal
from gateway.database.audit_entries import leaf
from keys.primitives.merkle_tree import is_included, leaf_hash, prove_consistency


async def test_proofs_for_evidence(tmp_path: Path) -> None:
    """Entries are proven under the newest witnessed checkpoint; one behind it is left out."""
    async with two_nodes(tmp_path) as two:
        await grow(two, 300)
        node = two.fr.running
        await node.store.move(lambda c: journal.append_leaf(c, leaf(two.clock.now(), "content.read", id="x")))
        found = await node.store.read(lambda c: prove(c, [1, 257, 301], quorum=1))
        assert found is not None and found.witnessed and found.checkpoint.size == 300
        assert [entry.seq for entry in found.entries] == [1, 257]
        assert all(
            is_included(leaf_hash(entry.leaf), entry.seq - 1, 300, entry.path, found.checkpoint.root)
            for entry in found.entries
        )
        tree = await node.store.read(lambda c: prove_consistency(60, 300, store.tree(c, 300).node))
        assert len(tree) > 0

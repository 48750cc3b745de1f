"""What the audit log has about the statements and receipts of a conversation, for an evidence bundle (nrm1 7.10).

A leaf goes under the smallest checkpoint that has it and that the other party cosigned, else under the smallest that
anybody did: the older the word of a witness, the more it says about a key that was revoked since. Without any witness
it goes under the newest checkpoint.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from contextlib import suppress

from sqlalchemy import Connection

from gateway.audit import store as audit_store
from gateway.audit.checkpointer import Checkpointer
from gateway.audit.log import AuditLog
from gateway.audit.proofs import readable
from gateway.database.engine import Store
from gateway.errors import GatewayError
from gateway.evidence.build import Extract
from gateway.foundation.ids import NodeId
from gateway.identity.own_identity import OwnIdentity
from gateway.peers.registry import Peer, PeerRegistry
from keys.documents.descriptor import Descriptor
from keys.documents.signed_note import SignedNote
from keys.primitives.merkle_tree import prove_inclusion

Leaves = Sequence[tuple[bytes, Sequence[bytes]]]


async def extract(
    store: Store,
    own: OwnIdentity,
    peers: PeerRegistry,
    log: AuditLog,
    checkpointer: Checkpointer,
    hashes: Iterable[str],
    peer: Peer,
) -> Extract | None:
    """Leaves about these statements and batches; None without any.

    The tree is signed first, and the other party asked to cosign it, so that what happened just now is there too. What
    of that is not possible now is left out: evidence of what is there goes on.
    """
    hashes = list(hashes)
    with suppress(GatewayError):
        newest = await log.checkpoint()
        seen = await store.read(lambda c: audit_store.last_cosigned(c, peer.node))
        if seen is None or seen.size < newest.size:
            await checkpointer.ask(peer.node)
    witnesses: dict[NodeId, tuple[Descriptor, ...]] = {known.node: known.chain for known in peers.all()}
    return await store.read(lambda c: _extract(c, own.node, hashes, peer.node, witnesses))


def _extract(
    connection: Connection,
    node: NodeId,
    hashes: Sequence[str],
    peer: NodeId,
    witnesses: dict[NodeId, tuple[Descriptor, ...]],
) -> Extract | None:
    chosen: dict[int, list[tuple[int, bytes]]] = {}
    cosigned = audit_store.cosignatures(connection)
    theirs, anybodys = [row.size for row in cosigned if row.peer == peer], [row.size for row in cosigned]
    newest = audit_store.newest_checkpoint(connection)
    for seq, leaf in audit_store.leaves_about(connection, hashes):
        size = _above(seq, theirs) or _above(seq, anybodys) or (0 if newest is None else newest.size)
        if size >= seq:
            chosen.setdefault(size, []).append((seq, leaf))
    if not chosen:
        return None
    checkpoints = [(_note(connection, size), _proven(connection, size, chosen[size])) for size in sorted(chosen)]
    return Extract(node=node, checkpoints=checkpoints, witnesses=witnesses)


def _above(seq: int, sizes: Sequence[int]) -> int | None:
    """The first of these ascending sizes that has leaf `seq`."""
    place = bisect_left(sizes, seq)
    return sizes[place] if place < len(sizes) else None


def _note(connection: Connection, size: int) -> bytes:
    row = audit_store.checkpoint_of(connection, size)
    if row is None:
        raise RuntimeError("a cosignature without its checkpoint")
    rows = audit_store.cosignatures(connection, size)
    note = SignedNote.decode(row.note).plus(s for found in rows for s in readable(found.first, found.line))
    return note.encode()


def _proven(connection: Connection, size: int, leaves: Sequence[tuple[int, bytes]]) -> Leaves:
    node = audit_store.tree(connection, size).node
    return [(leaf, prove_inclusion(seq - 1, size, node)) for seq, leaf in leaves]

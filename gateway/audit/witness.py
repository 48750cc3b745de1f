"""This node as a witness of its peers' logs (nrm1 11.3; C2SP tlog-witness).

A peer's log is the one that its newest descriptor names. What is held of it is compared and replaced in one
transaction, on disk before the cosignature is made: of two requests at once one is told 409 and asks again.
"""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.audit import store
from gateway.audit.store import WitnessedRow
from gateway.audit.witness_rules import Answer, Head, judge
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError, RemoteError, TransientError
from gateway.federation.endpoints import NOTHING, TEXT, TREE_SIZE
from gateway.federation.handlers import Reply
from gateway.foundation.ids import NodeId
from gateway.identity.identity import Identity
from gateway.peers.registry import Peer, PeerRegistry
from gateway.ports import Clock
from keys.documents.key_records import Use
from keys.documents.log_signatures import cosignature_text, open_checkpoint
from keys.documents.signed_note import AddCheckpoint, Checkpoint
from keys.primitives.hybrid_keys import PublicKey
from keys.primitives.merkle_tree import EMPTY, is_consistent

UNKNOWN_LOG = Reply(404, NOTHING, b"")
FORBIDDEN = Reply(403, NOTHING, b"")


class LogWitness:
    """Cosigns the logs of peers."""

    def __init__(self, *, store: Store, identity: Identity, peers: PeerRegistry, clock: Clock) -> None:
        self._store = store
        self._identity = identity
        self._peers = peers
        self._clock = clock

    async def witness(self, node: NodeId, body: bytes) -> Reply:
        """The answer to ``add-checkpoint`` of a proven peer.

        Raises:
            RemoteError: malformed; the whole request is refused, nothing was changed.
            TransientError: no `wit` key is valid now; the log asks again, also for the same tree.
        """
        peer = self._known(node)
        request = AddCheckpoint.decode(body)
        origin = peer.descriptor.log
        if Checkpoint.parse(request.note.text).origin != origin or origin == self._identity.own.descriptor.log:
            return UNKNOWN_LOG
        try:
            new = open_checkpoint(request.note, origin, log_keys(peer, self._clock.now()))
        except RemoteError as error:
            if error.code is Code.BAD_SIGNATURE:
                return FORBIDDEN
            raise
        answer, size = await self._store.move(lambda c: _advance(c, peer.node, request, new))
        if answer is Answer.COSIGN:
            try:
                signed = self._identity.keys.cosign(cosignature_text(request.note.text, self._clock.now()))
            except RefusedError as error:
                raise TransientError(error.code, "this node has no key to witness with now") from error
            return Reply(int(answer), TEXT, signed)
        if answer is Answer.CONFLICT:
            return Reply(int(answer), TREE_SIZE, f"{size}\n".encode())
        return Reply(int(answer), NOTHING, b"")

    async def shown(self, node: NodeId) -> Reply:
        """The newest checkpoint of the asker's own log that was cosigned here: signed by that log, so that it proves to
        a node that was put back what it once had.
        """
        origin = self._known(node).descriptor.log
        held = await self._store.read(lambda c: store.witnessed_of(c, origin))
        return UNKNOWN_LOG if held is None else Reply(200, TEXT, held.note)

    def _known(self, node: NodeId) -> Peer:
        peer = self._peers.get(node)
        if peer is None:
            raise RemoteError(Code.UNKNOWN_SENDER, "a log of an unknown node")
        return peer


def log_keys(peer: Peer, now: int) -> tuple[PublicKey, ...]:
    """The keys by which the peer's log signs now; a revoked one is not listed any more."""
    return tuple(record.public for record in peer.descriptor.keys_of(Use.LOG, now))


def _advance(connection: Connection, node: NodeId, request: AddCheckpoint, new: Checkpoint) -> tuple[Answer, int]:
    """Judge and write in one transaction; the answer, and the size that is held when it is a conflict."""
    held = store.witnessed_of(connection, new.origin)
    old_root = EMPTY if held is None else held.root
    answer = judge(
        None if held is None else Head(size=held.size, root=held.root),
        request.old,
        Head(size=new.size, root=new.root),
        lambda: is_consistent(request.old, new.size, old_root, new.root, request.proof),
    )
    if answer is Answer.COSIGN:
        row = WitnessedRow(peer=node, origin=new.origin, size=new.size, root=new.root, note=request.note.encode())
        if not store.swap_witnessed(connection, held, row):
            raise RuntimeError("what is witnessed changed inside of one transaction")
    return answer, 0 if held is None else held.size

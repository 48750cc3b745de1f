"""Who witnesses the log of this node, and when it is signed (PROTOCOL B10; C2SP tlog-witness).

1. A checkpoint each hour and after each change of trust or keys.
2. Every active peer is asked to cosign it, and once an hour again, so that "witnessed at" is never old for long.
3. A peer that holds a larger or another tree, signed by our own log, has the proof that this log was put back: nothing
   departs any more, a person is told, and the proof takes the place of the kept checkpoint, so that the node does not
   start again on this database. A peer that only says so is a dispute: told to a person, and it stops nobody.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final

from sqlalchemy import Connection

from gateway.audit import store
from gateway.audit.log import checkpoint, keep, of_node
from gateway.audit.store import CheckpointRow, CosignatureRow
from gateway.audit.witness_rules import Answer
from gateway.database import journal
from gateway.database.atomic_file import write_kept
from gateway.errors import Code, GatewayError, RemoteError, TransientError
from gateway.federation.client import Answered
from gateway.foundation.logs import logger
from gateway.node.parts import Parts
from gateway.peers.registry import Peer, address
from gateway.peers.scope import PeerState
from keys.documents.key_records import Use
from keys.documents.merkle_tree import prove_consistency
from keys.documents.signed_note import (
    AddCheckpoint,
    Checkpoint,
    SignedNote,
    cosigned_at,
    open_checkpoint,
    read_cosignatures,
)
from keys.primitives.encoding import SKEW

LOOK: Final = 5
"""Seconds between looks at what was appended."""
HOUR: Final = 3_600
MANY: Final = 16_384
"""Entries after which a busy node does not wait for the hour, so that no checkpoint and no start has much to read."""
LONGEST_WAIT: Final = 900
PROMPT: Final = re.compile(rb'"ev":"(?:admins?|change|descriptor|keys?|keyset|link|log|node|peer|tombstone|trust)\.')
"""Entries that get a checkpoint at once: changes of trust and keys."""


async def ask(parts: Parts, node: str) -> None:
    """Have one peer cosign the newest checkpoint (steps 2 and 3).

    Raises:
        TransientError: the peer is not there, or does not answer as a witness does.
    """
    peer = parts.book.get(node)
    row, mine = await parts.store.read(lambda c: (store.newest_checkpoint(c), store.last_cosigned(c, node)))
    if peer is None or row is None or parts.log.halted is Code.LOG_ROLLED_BACK:
        return
    if not parts.book.speaks(node):
        return  # one of the two was restored: what was cosigned before counts anew once people agreed (B3)
    answered = await _asked(parts, peer, row, 0 if mine is None else mine.size)
    if answered.status == Answer.CONFLICT and (held := _held_size(answered)) <= row.size:
        answered = await _asked(parts, peer, row, held)
    match answered.status:
        case Answer.COSIGN:
            await _take(parts, peer, row, answered)
        case Answer.CONFLICT | Answer.INCONSISTENT:
            await _disputed(parts, peer)
        case _:
            raise TransientError(Code.REJECTED, f"the peer does not witness this log ({answered.status})")


async def _asked(parts: Parts, peer: Peer, row: CheckpointRow, old: int) -> Answered:
    proof = await parts.store.read(lambda c: prove_consistency(old, row.size, store.tree(c, row.size).node))
    request = AddCheckpoint(old=old, proof=proof, note=SignedNote.decode(row.note))
    return await parts.client.post_checkpoint(address(peer.descriptor), request.encode())


def _held_size(answered: Answered) -> int:
    text = answered.body.removesuffix(b"\n")
    if not re.fullmatch(rb"0|[1-9][0-9]{0,15}", text):
        raise TransientError(Code.REJECTED, "the witness does not say which tree it holds")
    return int(text)


async def _take(parts: Parts, peer: Peer, row: CheckpointRow, answered: Answered) -> None:
    """Keep a cosignature that verifies by a key the peer has now, and is not of the future."""
    text, now = SignedNote.decode(row.note).text, parts.clock.now()
    keys = [record.public for record in peer.descriptor.keys_of(Use.WIT, now)]
    try:
        signature = next((line for line in read_cosignatures(answered.body) if line.name == peer.node), None)
        if signature is None:
            raise RemoteError(Code.BAD_SIGNATURE, "nobody signed in the name of the witness")
        at = cosigned_at(text, signature, keys)
    except RemoteError as error:
        raise TransientError(error.code, f"the answer is no cosignature: {error.what}") from error
    if at > now + SKEW:
        raise TransientError(Code.CLOCK, "the cosignature is of the future")
    await parts.store.move(
        lambda c: store.add_cosignature(c, CosignatureRow(size=row.size, peer=peer.node, line=signature.line, at=at))
    )
    async with parts.log.writing:
        await keep(parts)
    parts.log.confirmed.add(peer.node)
    if parts.log.halted is Code.LOG_UNCONFIRMED and len(parts.log.confirmed) >= of_node(parts).quorum:
        parts.log.halted = None
        for other in parts.book.all():
            parts.signals.outgoing(other.node).set()


async def _disputed(parts: Parts, peer: Peer) -> None:
    """A peer says that this log does not continue what it cosigned. Only what our own log signed proves that: then the
    log was put back. Else a person is told, and the other peers go on as before.
    """
    who, now = of_node(parts), parts.clock.now()
    answered = await parts.client.get_checkpoint(address(peer.descriptor))
    try:
        head = open_checkpoint(SignedNote.decode(answered.body), who.origin, who.log_keys)
    except RemoteError:
        head = None
    if head is None or not await parts.store.read(lambda c: _contradicts(c, head)):
        await parts.store.move(lambda c: journal.raise_alarm(c, at=now, kind="log.disputed", peer=peer.node))
        raise TransientError(Code.REJECTED, "the peer disputes this log and shows no proof")
    async with parts.log.writing:
        parts.log.halted = Code.LOG_ROLLED_BACK
        await asyncio.to_thread(write_kept, parts.log.kept, answered.body)
    await parts.store.move(
        lambda c: journal.raise_alarm(c, at=now, kind="log.rolled_back", peer=peer.node, proof=answered.body)
    )
    logger().error("log.rolled_back", peer=peer.node)


def _contradicts(connection: Connection, head: Checkpoint) -> bool:
    """Whether this log does not begin with a tree that it has signed."""
    return head.size > store.size(connection) or store.tree(connection, head.size).root() != head.root


class Checkpointer:
    """The loop of steps 1 and 2."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._seen = 0
        self._witnessed: dict[str, tuple[int, int]] = {}
        self._failures: dict[str, tuple[int, float]] = {}
        self._log = logger()

    async def run(self) -> None:
        """Until cancelled; every failure of the world is survived."""
        while True:
            try:
                await self.look()
            except GatewayError as error:
                self._log.info("checkpoint.postponed", code=str(error.code))
            await self._parts.clock.sleep(LOOK)

    async def look(self) -> None:
        """A checkpoint if one is due, and every active peer asked that has not cosigned the newest one this hour."""
        parts = self._parts
        if parts.log.halted is Code.LOG_ROLLED_BACK:
            return
        newest = await parts.store.read(store.newest_checkpoint)
        if await self._due(newest):
            newest = await checkpoint(parts)
        if newest is not None:
            due = [p.node for p in parts.book.all() if p.state is PeerState.ACTIVE and self._wanted(p.node, newest)]
            await asyncio.gather(*(self._ask(node, newest) for node in due))

    async def _due(self, newest: CheckpointRow | None) -> bool:
        parts = self._parts
        if newest is None or parts.log.halted is not None:
            return True
        self._seen = max(self._seen, newest.size)
        prompt, total = await parts.store.read(lambda c: _prompt(c, self._seen))
        self._seen = self._seen if prompt else total
        grown = total - newest.size
        return prompt or grown >= MANY or (grown > 0 and parts.clock.now() - newest.at >= HOUR)

    def _wanted(self, node: str, newest: CheckpointRow) -> bool:
        if not self._parts.book.speaks(node):
            return False
        if self._parts.clock.monotonic() < self._failures.get(node, (0, 0.0))[1]:
            return False
        size, at = self._witnessed.get(node, (-1, 0))
        return size != newest.size or self._parts.clock.now() - at >= HOUR

    async def _ask(self, node: str, newest: CheckpointRow) -> None:
        parts = self._parts
        try:
            await ask(parts, node)
        except (TransientError, RemoteError) as error:
            failures = self._failures.get(node, (0, 0.0))[0]
            wait = min(LONGEST_WAIT, LOOK << min(failures, 10))
            self._failures[node] = (failures + 1, parts.clock.monotonic() + wait)
            self._log.debug("witness.postponed", peer=node, code=str(error.code))
            return
        self._failures.pop(node, None)
        self._witnessed[node] = (newest.size, parts.clock.now())


def _prompt(connection: Connection, after: int) -> tuple[bool, int]:
    """Whether an entry behind `after` asks for a checkpoint at once; how many entries there are."""
    found, total = False, after
    for seq, leaf in store.leaves(connection, after + 1):
        found, total = found or PROMPT.search(leaf) is not None, seq
    return found, total

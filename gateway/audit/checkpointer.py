"""Who witnesses the log of this node, and when it is signed (nrm1 11.5; C2SP tlog-witness).

One worker of a node does this for all (`run`). Each has a file of its own with the last checkpoint, and asks by itself
as long as it has none (`follow`).

1. A checkpoint each hour and after each change of trust or keys.
2. Every active peer is asked to cosign it, and once an hour again, so that "witnessed at" is never old for long.
3. A peer that holds a larger or another tree, signed by our own log, has the proof that this log was put back: nothing
   departs any more, a person is told, and the proof takes the place of the kept checkpoint, so that the node does not
   start again on this database. A peer that only says so is a dispute: told to a person, and it stops nobody.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from gateway.audit import store
from gateway.audit.log import AuditLog
from gateway.audit.store import CheckpointRow, CosignatureRow
from gateway.audit.verify import Parties
from gateway.audit.witness_rules import Answer
from gateway.database import journal
from gateway.database.atomic_file import write_kept
from gateway.database.engine import Store
from gateway.errors import Code, GatewayError, RemoteError, TransientError
from gateway.federation.client import Answered
from gateway.foundation.chores import Chore
from gateway.foundation.ids import NodeId
from gateway.foundation.logs import logger
from gateway.messages.wakeups import Wakeups
from gateway.peers.link import PeerLink
from gateway.peers.registry import Peer, address
from gateway.peers.scope import PeerState
from gateway.ports import Clock
from keys.documents.key_records import Use
from keys.documents.log_signatures import cosigned_at, open_checkpoint
from keys.documents.signed_note import AddCheckpoint, SignedNote, read_signatures
from keys.primitives.encoding import SKEW
from keys.primitives.merkle_tree import prove_consistency

LOOK: Final = 5
"""Seconds between looks at what was appended."""
HOUR: Final = 3_600
MANY: Final = 16_384
"""Entries after which a busy node does not wait for the hour, so that no checkpoint and no start has much to read."""
LONGEST_WAIT: Final = 900
PROMPT: Final = re.compile(rb'"ev":"(?:admins?|change|descriptor|keys?|keyset|link|log|node|peer|tombstone|trust)\.')
"""Entries that get a checkpoint at once: changes of trust and keys."""


def _held_size(answered: Answered) -> int:
    text = answered.body.removesuffix(b"\n")
    if not re.fullmatch(rb"0|[1-9][0-9]{0,15}", text):
        raise TransientError(Code.REJECTED, "the witness does not say which tree it holds")
    return int(text)


def _contradicts(connection: Connection, who: Parties, note: bytes) -> bool:
    """Whether this log has signed this checkpoint and does not begin with its tree."""
    try:
        head = open_checkpoint(SignedNote.decode(note), who.origin, who.log_keys)
    except RemoteError:
        return False
    return head.size > store.size(connection) or store.tree(connection, head.size).root() != head.root


class Checkpointer:
    """The loop of steps 1 and 2."""

    def __init__(self, *, store: Store, link: PeerLink, log: AuditLog, wakeups: Wakeups, clock: Clock) -> None:
        self._store = store
        self._link = link
        self._log = log
        self._wakeups = wakeups
        self._clock = clock
        self._seen = 0
        self._witnessed: dict[NodeId, tuple[int, int]] = {}
        self._failures: dict[NodeId, tuple[int, float]] = {}
        self._running = False
        self._logger = logger()

    def chores(self) -> Sequence[Chore]:
        """What each of several workers does besides."""
        return (Chore("log of this worker", LOOK, self.follow, leader=False),)

    async def run(self) -> None:
        """Until cancelled; every failure of the world is survived."""
        self._running = True
        try:
            while True:
                try:
                    await self.look()
                except GatewayError as error:
                    self._logger.info("checkpoint.postponed", code=str(error.code))
                await self._clock.sleep(LOOK)
        finally:
            self._running = False

    async def follow(self) -> None:
        """Halt where another worker has met the proof that the log was put back. Where nothing tells this worker yet
        that it has the newest log, ask the peers: what another one asked before this one began says nothing of now.
        """
        if self._log.halted is Code.LOG_ROLLED_BACK:
            return
        if (proof := await self._store.read(self._find_proof)) is not None:
            await self._halt(proof)
        elif self._log.halted is not None and not self._running:
            await self._ask_due(await self._store.read(store.newest_checkpoint))

    async def look(self) -> None:
        """A checkpoint if one is due, and every active peer asked that has not cosigned the newest one this hour."""
        if self._log.halted is Code.LOG_ROLLED_BACK:
            return
        await self._log.index()
        newest = await self._store.read(store.newest_checkpoint)
        if await self._due(newest):
            newest = await self._log.checkpoint()
        await self._ask_due(newest)

    async def _ask_due(self, newest: CheckpointRow | None) -> None:
        if newest is not None:
            due = [
                p.node
                for p in self._link.registry.all()
                if p.state is PeerState.ACTIVE and self._wanted(p.node, newest)
            ]
            await asyncio.gather(*(self._ask(node, newest) for node in due))

    async def _due(self, newest: CheckpointRow | None) -> bool:
        if newest is None or self._log.halted is not None:
            return True
        self._seen = max(self._seen, newest.size)
        prompt, total = await self._store.read(lambda c: _prompt(c, self._seen))
        self._seen = self._seen if prompt else total
        grown = total - newest.size
        return prompt or grown >= MANY or (grown > 0 and self._clock.now() - newest.at >= HOUR)

    def _wanted(self, node: NodeId, newest: CheckpointRow) -> bool:
        if not self._link.registry.speaks(node):
            return False
        if self._clock.monotonic() < self._failures.get(node, (0, 0.0))[1]:
            return False
        size, at = self._witnessed.get(node, (-1, 0))
        return size != newest.size or self._clock.now() - at >= HOUR

    async def _ask(self, node: NodeId, newest: CheckpointRow) -> None:
        try:
            await self.ask(node)
        except (TransientError, RemoteError) as error:
            failures = self._failures.get(node, (0, 0.0))[0]
            wait = min(LONGEST_WAIT, LOOK << min(failures, 10))
            self._failures[node] = (failures + 1, self._clock.monotonic() + wait)
            self._logger.debug("witness.postponed", peer=node, code=str(error.code))
            return
        self._failures.pop(node, None)
        self._witnessed[node] = (newest.size, self._clock.now())

    async def ask(self, node: NodeId) -> None:
        """Have one peer cosign the newest checkpoint (steps 2 and 3).

        Raises:
            TransientError: the peer is not there, or does not answer as a witness does.
        """
        peer = self._link.registry.get(node)
        row, mine = await self._store.read(lambda c: (store.newest_checkpoint(c), store.last_cosigned(c, node)))
        if peer is None or row is None or self._log.halted is Code.LOG_ROLLED_BACK:
            return
        if not self._link.registry.speaks(node):
            return  # one of the two was restored: what was cosigned before counts anew once people agreed (nrm1 5.11)
        answered = await self._asked(peer, row, 0 if mine is None else mine.size)
        if answered.status == Answer.CONFLICT and (held := _held_size(answered)) <= row.size:
            answered = await self._asked(peer, row, held)
        match answered.status:
            case Answer.COSIGN:
                await self._take(peer, row, answered)
            case Answer.CONFLICT | Answer.INCONSISTENT:
                await self._disputed(peer)
            case _:
                raise TransientError(Code.REJECTED, f"the peer does not witness this log ({answered.status})")

    async def _asked(self, peer: Peer, row: CheckpointRow, old: int) -> Answered:
        proof = await self._store.read(lambda c: prove_consistency(old, row.size, store.tree(c, row.size).node))
        request = AddCheckpoint(old=old, proof=proof, note=SignedNote.decode(row.note))
        return await self._link.client.post_checkpoint(address(peer.descriptor), request.encode())

    async def _take(self, peer: Peer, row: CheckpointRow, answered: Answered) -> None:
        """Keep a cosignature that verifies by a key the peer has now, and is not of the future."""
        text, now = SignedNote.decode(row.note).text, self._clock.now()
        keys = [record.public for record in peer.descriptor.keys_of(Use.WIT, now)]
        try:
            lines = [line for line in read_signatures(answered.body) if line.name == peer.node]
            if not lines:
                raise RemoteError(Code.BAD_SIGNATURE, "nobody signed in the name of the witness")
            at = cosigned_at(text, lines, keys)
        except RemoteError as error:
            raise TransientError(error.code, f"the answer is not a cosignature: {error.what}") from error
        if at > now + SKEW:
            raise TransientError(Code.CLOCK, "the cosignature is dated in the future")
        await self._store.move(
            lambda c: store.add_cosignature(
                c, CosignatureRow(size=row.size, peer=peer.node, line=b"".join(line.line for line in lines), at=at)
            )
        )
        self._log.confirmed.add(peer.node)
        was_halted = self._log.halted is Code.LOG_UNCONFIRMED
        if was_halted and len(self._log.confirmed) >= self._log.parties().quorum:
            self._log.halted = None
        async with self._log.writing:
            await self._log.keep()
        if was_halted and self._log.halted is None:
            for other in self._link.registry.all():
                self._wakeups.outgoing(other.node).set()

    async def _disputed(self, peer: Peer) -> None:
        """A peer says that this log does not continue what it cosigned. Only what our own log signed proves that: then
        the log was put back. Else a person is told, and the other peers go on as before.
        """
        who, now = self._log.parties(), self._clock.now()
        answered = await self._link.client.get_checkpoint(address(peer.descriptor))
        if not await self._store.read(lambda c: _contradicts(c, who, answered.body)):
            await self._store.move(lambda c: journal.raise_alarm(c, at=now, kind="log.disputed", peer=peer.node))
            raise TransientError(Code.REJECTED, "the peer disputes this log and shows no proof")
        await self._halt(answered.body)
        await self._store.move(
            lambda c: journal.raise_alarm(c, at=now, kind="log.rolled_back", peer=peer.node, proof=answered.body)
        )
        self._logger.error("log.rolled_back", peer=peer.node)

    async def _halt(self, proof: bytes) -> None:
        """Let nothing depart any more, and this worker not start again on this database."""
        async with self._log.writing:
            self._log.halted = Code.LOG_ROLLED_BACK
            await asyncio.to_thread(write_kept, self._log.kept, proof)

    def _find_proof(self, connection: Connection) -> bytes | None:
        """Find what a peer showed to another worker, if it proves that the log was put back."""
        who, shown = self._log.parties(), journal.proofs(connection, "log.rolled_back")
        return next((proof for proof in shown if _contradicts(connection, who, proof)), None)


def _prompt(connection: Connection, after: int) -> tuple[bool, int]:
    """Look behind entry `after`: whether one there asks for a checkpoint at once, and how many entries there are."""
    found, total = False, after
    for seq, leaf in store.leaves(connection, after + 1):
        found, total = found or PROMPT.search(leaf) is not None, seq
    return found, total

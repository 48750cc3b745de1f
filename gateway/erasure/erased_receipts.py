"""The receipts `erased` (nrm1 6.2): signed for a message when its data key, the storage epoch of it and every
encryption seed are gone that could open its envelope. Whoever recorded the wire and takes the node then reads nothing.

Seeds live for three days, so a message that came before is told at once. For a younger one they are destroyed here:
what is in flight under them is sealed anew, while whoever asked for the erasure does not wait for days.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection

from gateway.database import content, journal
from gateway.database.audit_entries import leaf
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.erasure import store as erasures
from gateway.erasure.store import ErasureRow
from gateway.foundation.ids import NodeId
from gateway.foundation.workers import Workers
from gateway.identity.identity import Identity
from gateway.identity.machine_store import find_behind, find_oldest_epoch
from gateway.messages import answers, content_codec
from gateway.messages.store import messages, receipts
from gateway.messages.store.messages import MessageRow
from gateway.messages.wakeups import Wakeups
from gateway.ports import Clock
from keys.documents.envelope import Receipt, Statement, Status
from keys.documents.statement import STATEMENTS
from keys.primitives.batch import MOST


class ErasureReceipts:
    """Tells senders that what they sent was erased here."""

    def __init__(
        self, *, content: Content, identity: Identity, workers: Workers, wakeups: Wakeups, clock: Clock
    ) -> None:
        self._content = content
        self._identity = identity
        self._workers = workers
        self._wakeups = wakeups
        self._clock = clock

    async def tell(self) -> None:
        """Sign the receipts `erased` that are due: for the messages whose storage epoch is gone. The time is confirmed,
        since this may destroy keys (nrm1 12.17). A node that signs nothing tells it later.
        """
        while self._identity.keys.may_speak and (rows := await self._untold()):
            await self._destroy_seeds([row.message for row, _ in rows])
            if await self._content.store.read(find_behind):
                return  # a machine that has not followed has the seeds still: it is told when it has
            by_peer: defaultdict[NodeId, list[tuple[ErasureRow, Receipt]]] = defaultdict(list)
            for row, receipt in rows:
                by_peer[receipt.to].append((row, receipt))
            for peer, told in by_peer.items():
                await self._tell_one(peer, told)

    async def _untold(self) -> list[tuple[ErasureRow, Receipt]]:
        now, own = self._clock.now(), self._identity.own

        def query(c: Connection) -> tuple[list[ErasureRow], dict[int, MessageRow], dict[int, str]]:
            due = erasures.untold(c, find_oldest_epoch(c, self._identity.keys), MOST)
            refs = [row.message for row in due]
            return due, messages.get(c, refs), messages.statement_hashes(c, refs)

        due, rows, hashes = await self._content.store.read(query)
        return [
            (
                row,
                Receipt(
                    of=hashes[row.message],
                    msg=rows[row.message].id,
                    from_=own.node,
                    from_desc=own.descriptor.version,
                    to=rows[row.message].peer,
                    n=rows[row.message].n or 0,
                    status=Status.ERASED,
                    at=now,
                ),
            )
            for row in due
        ]

    async def _destroy_seeds(self, refs: Sequence[int]) -> None:
        """Destroy every seed that a sealing of these messages names, and every one that was there when they came: its
        sender may have sealed a message for another key before, and that envelope was recorded on its way. Of one that
        came once more, after its link began anew, nobody knows when: every seed of today goes.
        """
        seeds = {key.kid: key.made for key in self._identity.keys.listing() if key.use == "enc"}
        if not seeds:
            return

        def query(c: Connection) -> tuple[int, list[SealedRow]]:
            arrived = max(row.at for row in messages.get(c, refs).values())
            if erasures.came_again(c, refs):
                arrived = self._clock.now()
            kept = [sealing.evidence for sealing in messages.sealings(c, refs)]
            return arrived, [*content.get(c, kept).values()]

        arrived, rows = await self._content.store.read(query)
        kept = [content_codec.read_evidence(self._content.sealer.open(row)) for row in rows]
        said = [Statement.parse(one.statement, *STATEMENTS) for one in kept]
        named = {kid for statement in said for kid in statement.rcp}
        doomed = [made for kid, made in seeds.items() if kid in named or made <= arrived]
        if doomed:
            await self._identity.own.destroy_keys_made_by(max(doomed))

    async def _tell_one(self, peer: NodeId, told: Sequence[tuple[ErasureRow, Receipt]]) -> None:
        said = [receipt for _, receipt in told]
        signed = await self._workers.off_loop(lambda: answers.sign_receipts(said, self._identity.keys.sign_batch))
        ref, now = self._content.store.new_ref(), self._clock.now()

        def move(connection: Connection) -> None:
            receipts.add_batch(connection, ref, signed.batch)
            receipts.add(connection, receipts.make_rows(signed, receipts.ISSUED, peer, ref))
            receipts.owe(connection, peer, [(receipt.of, str(receipt.status)) for receipt in said])
            erasures.tell(connection, [row.ref for row, _ in told], at=now)
            journal.append_leaf(connection, leaf(now, "receipts.issued", of=signed.batch.hash, peer=peer))

        await self._content.store.move(move)
        self._wakeups.outgoing(peer).set()

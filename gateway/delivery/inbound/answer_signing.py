"""Signing the answer to a request whose results are on disk (nrm1 6.7).

Most of it was signed on the way there, or is signed by the hand-over for which the answer waits
(`gateway.delivery.answering`); what was answered before goes with the signature of then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.delivery.answering import Answering, OpenAnswer
from gateway.foundation.ids import MessageId, NodeId
from gateway.foundation.workers import Workers
from gateway.identity.identity import Identity
from gateway.messages import answers
from gateway.messages.store import receipts
from gateway.ports import Clock
from keys.documents.envelope import Receipt
from keys.documents.receipts import EITHER, SignedReceipts


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What is on disk and has to be answered: its final words, and `signed` where they were signed on the way. The
    answer waits where one is open; `again` are messages that had been answered before.
    """

    final: Sequence[Receipt] = ()
    signed: SignedReceipts | None = None
    answer: OpenAnswer | None = None
    again: Sequence[MessageId] = ()


class AnswerSigner:
    """Signs what an answer tells."""

    def __init__(
        self, *, store: Store, identity: Identity, answering: Answering, workers: Workers, clock: Clock
    ) -> None:
        self._store = store
        self._own = identity.own
        self._keys = identity.keys
        self._answering = answering
        self._workers = workers
        self._clock = clock

    async def sign(self, node: NodeId, recorded: Recorded) -> SignedReceipts | None:
        """All that is said of the messages of one request, by one signature; None where nothing is.

        An answer that got lost may have told that a message was handed over: it is told again (nrm1 6.5).
        """
        if recorded.answer is not None:
            return await self._answering.settle(recorded.answer) or await self._sign_late(node, recorded.final)
        if not recorded.again:
            return recorded.signed
        await self._answering.settle_all(node, recorded.again)
        delivered = await self._store.read(lambda c: receipts.told_along(c, node, recorded.again))
        if recorded.signed is not None and not delivered:
            return recorded.signed
        final = [*recorded.final, *(Receipt.parse(row.object, *EITHER) for row in delivered)]
        return await self._find_signed(final) or await self._sign_late(node, final)

    async def _sign_late(self, node: NodeId, final: Sequence[Receipt]) -> SignedReceipts:
        """Sign what is on disk already. It is kept for those that have no signature; for a mixture it is not."""
        signed = await self._workers.off_loop(partial(answers.sign_receipts, final, self._keys.sign_batch))
        now, ref = self._clock.now(), self._store.new_ref()

        def move(connection: Connection) -> None:
            rows = receipts.make_rows(signed, receipts.ISSUED, node, ref)
            new = receipts.without_batch(connection, [row.of for row in rows])
            if joining := [row for row in rows if (row.of, row.status) in new]:
                receipts.add_batch(connection, ref, signed.batch)
                receipts.join(connection, joining)
                journal.append_leaf(connection, leaf(now, "receipts.issued", of=signed.batch.hash, peer=node))

        await self._store.move(move)
        return signed

    async def _find_signed(self, final: Sequence[Receipt]) -> SignedReceipts | None:
        """Find the signature of before, where all answers are in one earlier batch: a repeated request costs none."""
        keys = [(receipt.of, str(receipt.status)) for receipt in final]
        return self._own.as_signed(await self._store.read(lambda c: receipts.signed_before(c, keys))) if keys else None

"""Receipts that are owed to one peer, signed together and repeated until they were answered (nrm1 6.5)."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import partial
from itertools import takewhile

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.delivery.outbound.exchange import Exchange
from gateway.foundation.ids import NodeId
from gateway.foundation.workers import Workers
from gateway.identity.identity import Identity
from gateway.messages import answers
from gateway.messages.store import receipts
from gateway.messages.store.receipts import ReceiptRow
from gateway.peers.link import PeerLink
from gateway.peers.registry import Peer, address
from gateway.ports import Clock
from keys.documents.envelope import Receipt
from keys.documents.receipts import EITHER, SignedReceipts
from keys.primitives.batch import MOST

ReceiptKey = tuple[str, str]
"""What a receipt is known by: the statement it is for, and its status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedReceipts:
    """The receipts that go in one request, signed already or not; `more`: others wait behind these."""

    owed: Sequence[tuple[int, ReceiptRow]]
    signed: SignedReceipts | None
    more: bool


class ReceiptSender:
    """Sends receipts to one peer."""

    def __init__(
        self,
        *,
        node: NodeId,
        store: Store,
        identity: Identity,
        link: PeerLink,
        exchange: Exchange,
        workers: Workers,
        clock: Clock,
    ) -> None:
        self._node = node
        self._store = store
        self._identity = identity
        self._link = link
        self._exchange = exchange
        self._workers = workers
        self._clock = clock
        self._answered: set[ReceiptKey] = set()

    def answered(self) -> frozenset[ReceiptKey]:
        """Receipts that the peer has taken, whose rows do not say so yet."""
        return frozenset(self._answered)

    async def send(self, peer: Peer, waiting: OwedReceipts) -> None:
        """Receipts that are owed, under one signature, repeated until answered 200 (nrm1 6.5).

        That they are settled is written along with what comes next: a kill before it sends the same once more, which
        the peer takes as the repeat it is.
        """
        once = {_key(row): row for _, row in waiting.owed}  # what the peer asked for again meanwhile is owed twice
        signed = self._identity.own.as_signed(waiting.signed) or await self._sign([*once.values()])
        answered = await self._link.client.post_receipts(address(peer.descriptor), signed.encode())
        if answered.status != 200:
            raise await self._exchange.explain_refusal(answers.read_refusal(answered.body))
        await self._exchange.recovered()
        keys = set(once)
        self._answered |= keys
        settled = self._store.move_along(partial(receipts.settled, seqs=[seq for seq, _ in waiting.owed]))
        settled.add_done_callback(lambda _: self._answered.difference_update(keys))

    async def _sign(self, rows: Sequence[ReceiptRow]) -> SignedReceipts:
        """Sign these receipts together; stored, so that a repeat costs no other signature."""
        now = self._clock.now()
        objects = [Receipt.parse(row.object, *EITHER) for row in rows]
        signed = await self._workers.off_loop(lambda: answers.sign_receipts(objects, self._identity.keys.sign_batch))
        ref = self._store.new_ref()

        def move(connection: Connection) -> None:
            receipts.add_batch(connection, ref, signed.batch)
            receipts.join(connection, receipts.make_rows(signed, receipts.ISSUED, self._node, ref))
            journal.append_leaf(connection, leaf(now, "receipts.issued", of=signed.batch.hash, peer=self._node))

        await self._store.move(move)
        return signed


def _key(row: ReceiptRow) -> ReceiptKey:
    return row.of, row.status


def find_owed(connection: Connection, node: NodeId, answered: Set[ReceiptKey], *, joined: bool) -> OwedReceipts:
    """The next receipts for a peer; what came together while it was away is `joined` under one new signature."""
    listed = receipts.owed(connection, node, MOST)
    owed = [item for item in listed if _key(item[1]) not in answered]
    first = list(takewhile(lambda item: item[1].batch == owed[0][1].batch, owed))
    signed = receipts.signed_before(connection, [_key(row) for _, row in first]) if first else None
    if signed is None or (joined and len(first) < len(owed)):
        first, signed = owed, None
    return OwedReceipts(owed=first, signed=signed, more=len(first) < len(owed) or len(listed) == MOST)

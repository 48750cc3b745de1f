"""Receipts that are owed to one peer, as signed batches that are repeated until they were answered (nrm1 6.5)."""

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
from keys.documents.receipts import MOST_RECEIPTS, batch_hash
from keys.primitives.encoding import parse

ReceiptKey = tuple[str, str]
"""What a receipt is known by: the statement it is for, and its status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedReceipts:
    """The receipts that go in one batch, signed already or not; `more`: others wait behind these."""

    owed: Sequence[tuple[int, ReceiptRow]]
    batch: bytes | None
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
        """Receipts that are owed, as one signed batch that is repeated until answered 200 (nrm1 6.5).

        That they are settled is written along with what comes next: a kill before it sends the same batch once more,
        which the peer takes as the repeat it is.
        """
        once = {_key(row): row for _, row in waiting.owed}  # what the peer asked for again meanwhile is owed twice
        document = self._identity.own.as_signed(waiting.batch) or await self._batch([*once.values()])
        answered = await self._link.client.post_receipts(address(peer.descriptor), document)
        if answered.status != 200:
            raise await self._exchange.explain_refusal(answers.read_refusal(answered.body))
        await self._exchange.recovered()
        keys = set(once)
        self._answered |= keys
        settled = self._store.move_along(partial(receipts.settled, seqs=[seq for seq, _ in waiting.owed]))
        settled.add_done_callback(lambda _: self._answered.difference_update(keys))

    async def _batch(self, rows: Sequence[ReceiptRow]) -> bytes:
        """The signed document over these receipts; signed once and stored, so that a repeat has the same bytes."""
        now = self._clock.now()
        objects = [Receipt.from_json(parse(row.object, limit=10_000)) for row in rows]
        document = await self._workers.off_loop(lambda: answers.sign_receipts(objects, self._identity.keys.sign))
        ref = self._store.new_ref()

        def move(connection: Connection) -> None:
            receipts.add_batch(connection, ref, document)
            receipts.join(connection, ref, [_key(row) for row in rows])
            journal.append_leaf(connection, leaf(now, "receipts.issued", of=batch_hash(document), peer=self._node))

        await self._store.move(move)
        return document


def _key(row: ReceiptRow) -> ReceiptKey:
    return row.of, row.status


def find_owed(connection: Connection, node: NodeId, answered: Set[ReceiptKey], *, joined: bool) -> OwedReceipts:
    """The next batch for a peer; what came together while it was away is `joined` in one new batch."""
    listed = receipts.owed(connection, node, MOST_RECEIPTS)
    owed = [item for item in listed if _key(item[1]) not in answered]
    first = list(takewhile(lambda item: item[1].batch == owed[0][1].batch, owed))
    batch = receipts.stored_batch(connection, [_key(row) for _, row in first]) if first else None
    if batch is None or (joined and len(first) < len(owed)):
        first, batch = owed, None
    return OwedReceipts(owed=first, batch=batch, more=len(first) < len(owed) or len(listed) == MOST_RECEIPTS)

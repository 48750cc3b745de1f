"""Receipts for what the adapter or a person here has taken: signed, owed to the sender, and written with the state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import Connection

from gateway.database import content
from gateway.database.audit_entries import leaf
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.delivery.answering import Answering, OpenAnswer
from gateway.foundation.workers import Workers
from gateway.identity.identity import Identity
from gateway.messages import answers, state_transitions
from gateway.messages.machines.acceptance import Incoming, IncomingEvent, allows, step
from gateway.messages.store import handed_over, messages, receipts
from gateway.messages.store.messages import MessageRow
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.ports import Clock
from keys.documents.envelope import Receipt, Status
from keys.documents.receipts import SignedReceipts


class LocalReceipts:
    """Receipts for what was handed over or opened here."""

    def __init__(
        self,
        *,
        content: Content,
        identity: Identity,
        answering: Answering,
        workers: Workers,
        wakeups: Wakeups,
        events: EventStream,
        clock: Clock,
    ) -> None:
        self._content = content
        self._identity = identity
        self._answering = answering
        self._workers = workers
        self._wakeups = wakeups
        self._events = events
        self._clock = clock

    async def acknowledge(
        self, rows: Sequence[MessageRow], hashes: dict[int, str], names: Mapping[int, str] | None = None
    ) -> None:
        """The adapter or the desk has taken these of one peer: state, `delivered` receipt, leaf, and the adapter's
        `names` for them (local ids by message, kept sealed until it is asked to erase) in one transaction.
        """
        await self._receipted(rows, hashes, IncomingEvent.HANDED, Status.DELIVERED, names or {})

    async def opened(self, rows: Sequence[MessageRow], hashes: dict[int, str]) -> None:
        """A person has opened these of one peer."""
        await self._receipted(rows, hashes, IncomingEvent.OPENED, Status.OPENED)

    async def _receipted(
        self,
        rows: Sequence[MessageRow],
        hashes: dict[int, str],
        event: IncomingEvent,
        status: Status,
        names: Mapping[int, str] = MappingProxyType({}),
    ) -> None:
        """The answers that wait for these messages are signed and written along, and tell it; else it is owed."""
        rows = list({row.ref: row for row in rows}.values())
        taken = self._answering.take(rows[0].peer, {row.id for row in rows}) if event is IncomingEvent.HANDED else []
        signed = None
        try:
            signed = await self._write(rows, hashes, event, status, names, taken)
        finally:
            for answer in taken:
                about = None if signed is None else signed.about({receipt.msg for receipt in answer.receipts})
                self._answering.end(answer, about)
        await self._events.happened()

    async def _write(
        self,
        rows: Sequence[MessageRow],
        hashes: dict[int, str],
        event: IncomingEvent,
        status: Status,
        names: Mapping[int, str],
        taken: Sequence[OpenAnswer],
    ) -> SignedReceipts | None:
        """The receipts are signed together before the transaction, for where the rows stand now. If one of them moved
        meanwhile, all are owed, unsigned: None is returned, and the sender signs those that are left.
        """
        now, peer = self._clock.now(), rows[0].peer
        expected = self._issued(rows, hashes, event, status, now)
        told = [receipt for answer in taken for receipt in answer.receipts]
        signed = (
            await self._workers.off_loop(
                lambda: answers.sign_receipts([*told, *expected], self._identity.keys.sign_batch)
            )
            if expected
            else None
        )
        ref = self._content.store.new_ref()
        given = [(message, self._content.store.new_ref(), name) for message, name in names.items()]
        sealed = self._content.sealer.seal_each([(item, name.encode()) for _, item, name in given]) if given else []

        def move(connection: Connection) -> tuple[SignedReceipts | None, bool]:
            stored = messages.get(connection, [row.ref for row in rows])
            _keep_names(connection, [(message, item) for message, item, _ in given], sealed)
            if event is IncomingEvent.HANDED:
                handed_over.taken_late(connection, list(stored))
            current = [stored[row.ref] for row in rows]
            issued = self._issued(current, hashes, event, status, now)
            kept = signed if issued == expected else None
            tells = [] if kept is None else [leaf(now, "receipts.issued", of=kept.batch.hash, peer=peer)]
            moving = [row for row in current if not _stays_held(row, event)]
            state_transitions.receive_steps(connection, moving, event, at=now, tells=tells)
            messages.handed(connection, list(stored))
            answered = {receipt.msg for receipt in told} if kept is not None else set()
            receipts.add(connection, [receipts.make_row(one, receipts.ISSUED, peer) for one in issued])
            if kept is not None:
                receipts.add_batch(connection, ref, kept.batch)
                receipts.join(connection, receipts.make_rows(kept, receipts.ISSUED, peer, ref))
            owed = [(receipt.of, str(receipt.status)) for receipt in issued if receipt.msg not in answered]
            receipts.owe(connection, peer, owed)
            return kept, bool(owed)

        kept, owes = await self._content.store.move(move)
        if owes:
            self._wakeups.outgoing(peer).set()
        return kept

    def _issued(
        self, rows: Sequence[MessageRow], hashes: dict[int, str], event: IncomingEvent, status: Status, now: int
    ) -> list[Receipt]:
        """The receipts that `event` earns: none where it changes nothing."""
        return [
            Receipt(
                of=hashes[row.ref],
                msg=row.id,
                from_=self._identity.own.node,
                from_desc=self._identity.own.descriptor.version,
                to=row.peer,
                n=row.n,
                status=status,
                at=now,
            )
            for row in rows
            if row.n is not None
            and not _stays_held(row, event)
            and allows(Incoming(row.state), event)
            and step(Incoming(row.state), event) != row.state
        ]


def _keep_names(connection: Connection, items: Sequence[tuple[int, int]], sealed: Sequence[SealedRow]) -> None:
    """Local ids as the adapter gave them first: a hand-over that is repeated gives the same."""
    known = handed_over.items(connection, [message for message, _ in items]) if items else {}
    content.put(connection, [row for (message, _), row in zip(items, sealed, strict=True) if message not in known])
    handed_over.add_items(connection, [item for item in items if item[0] not in known])


def _stays_held(row: MessageRow, event: IncomingEvent) -> bool:
    """A held message is taken by a person's act, and not because somebody read it."""
    return row.state == Incoming.HELD and event is IncomingEvent.OPENED

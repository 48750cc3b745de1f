"""Receipts for what the adapter or a person here has taken: signed, owed to the sender, and written with the state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import Connection

from gateway.database import content, journal
from gateway.database.audit_entries import leaf
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.foundation.workers import Workers
from gateway.identity.identity import Identity
from gateway.messages import answers, state_transitions
from gateway.messages.machines.acceptance import Incoming, IncomingEvent, allows, step
from gateway.messages.store import handed_over, messages, receipts
from gateway.messages.store.messages import MessageRow
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.ports import Clock
from keys.documents.envelope import Receipt, Status


class LocalReceipts:
    """Receipts for what was handed over or opened here."""

    def __init__(
        self,
        *,
        content: Content,
        identity: Identity,
        workers: Workers,
        wakeups: Wakeups,
        events: EventStream,
        clock: Clock,
    ) -> None:
        self._content = content
        self._identity = identity
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
        """The receipts are signed together before the transaction, for where the rows stand now. If one of them moved
        meanwhile, they go unsigned, and the sender signs those that are left.
        """
        now = self._clock.now()
        rows = list({row.ref: row for row in rows}.values())
        expected = self._issued(rows, hashes, event, status, now)
        signed = (
            await self._workers.off_loop(lambda: answers.sign_receipts(expected, self._identity.keys.sign_batch))
            if expected
            else None
        )
        ref = self._content.store.new_ref()
        given = [(message, self._content.store.new_ref(), name) for message, name in names.items()]
        sealed = self._content.sealer.seal_each([(item, name.encode()) for _, item, name in given]) if given else []

        def move(connection: Connection) -> None:
            stored = messages.get(connection, [row.ref for row in rows])
            _keep_names(connection, [(message, item) for message, item, _ in given], sealed)
            if event is IncomingEvent.HANDED:
                handed_over.taken_late(connection, list(stored))
            current = [stored[row.ref] for row in rows]
            issued = self._issued(current, hashes, event, status, now)
            state_transitions.receive_steps(
                connection, [row for row in current if not _stays_held(row, event)], event, at=now
            )
            messages.handed(connection, list(stored))
            made = [receipts.make_row(one, receipts.ISSUED, one.to) for one in issued]
            if signed is not None and issued == expected:
                made = receipts.make_rows(signed, receipts.ISSUED, rows[0].peer, ref)
                receipts.add_batch(connection, ref, signed.batch)
                journal.append_leaf(connection, leaf(now, "receipts.issued", of=signed.batch.hash, peer=rows[0].peer))
            receipts.add(connection, made)
            receipts.owe(connection, rows[0].peer, [(receipt.of, str(receipt.status)) for receipt in issued])

        await self._content.store.move(move)
        self._wakeups.outgoing(rows[0].peer).set()
        await self._events.happened()

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

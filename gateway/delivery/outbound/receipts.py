"""What receipts of a peer do to our messages: the same for those in an answer and those a peer sends later
(nrm1 6.5).
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from sqlalchemy import Connection

from gateway.database.audit_entries import Leaf, leaf
from gateway.database.engine import Store
from gateway.errors import WIRE_CODES, Code
from gateway.foundation.ids import NodeId
from gateway.foundation.workers import Workers
from gateway.identity.own_identity import OwnIdentity
from gateway.messages import answers, state_transitions
from gateway.messages.machines.delivery import SENDING, Outgoing, OutgoingEvent, allows
from gateway.messages.state_transitions import Change
from gateway.messages.store import messages, receipts
from gateway.messages.store.messages import MessageRow
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.peers import reset_rows
from gateway.peers.registry import Peer
from gateway.ports import Clock
from gateway.trust.link_reset import store
from keys.documents.envelope import Receipt, Status
from keys.documents.receipts import SignedReceipts

EVENTS = {
    Status.RECEIVED: OutgoingEvent.RECEIPT_RECEIVED,
    Status.DELIVERED: OutgoingEvent.RECEIPT_DELIVERED,
    Status.OPENED: OutgoingEvent.RECEIPT_OPENED,
    Status.REJECTED: OutgoingEvent.RECEIPT_REJECTED,
}


def event_of(receipt: Receipt) -> OutgoingEvent | None:
    """The event a receipt is; `erased` is kept as evidence and is none."""
    if receipt.status is Status.REJECTED and receipt.code == Code.VOID:
        return OutgoingEvent.VOIDED
    return EVENTS.get(receipt.status)


def apply(
    connection: Connection, peer: NodeId, signed: SignedReceipts, ref: int, *, at: int, answers: bool
) -> dict[str, Receipt]:
    """Keep those receipts that belong to a sealing of ours, and move the messages; returns them by message id.

    A receipt for something this node never sent is ignored; a repeated one changes nothing, and a signature over
    nothing but repeated ones is not kept again: else a peer could fill the disk with one. What goes anew since a link
    was reset moves only by what `answers` its request: a word about its number of before would leave the new one
    missing for ever.
    """
    known = messages.statements(connection, [receipt.of for receipt in signed.receipts])
    rows = messages.get(connection, [statement.message for statement in known.values()])
    mine: list[tuple[Receipt, MessageRow]] = []
    for receipt in signed.receipts:
        statement = known.get(receipt.of)
        row = None if statement is None else rows.get(statement.message)
        if statement is None:
            row = _forgotten(connection, peer, receipt)
        elif row is None or (row.peer, row.id) != (peer, receipt.msg) or not _of_number(connection, row, receipt):
            continue
        if row is not None:
            mine.append((receipt, row))
    held, told = receipts.held(connection, [receipt.of for receipt, _ in mine]), list[Leaf]()
    anew = frozenset[int]() if answers else _find_anew(connection, peer, [row for _, row in mine])
    changes = [
        Change(row=row, event=event, reason=_reason(receipt.code))
        for receipt, row in mine
        if (event := _latest(receipt, held)) is not None and row.ref not in anew and allows(Outgoing(row.state), event)
    ]
    fresh = {(receipt.of, str(receipt.status)) for receipt, _ in mine} - held
    if fresh:
        new = receipts.make_rows(signed, receipts.RECEIVED, peer, ref)
        receipts.add_batch(connection, ref, signed.batch)
        receipts.add(connection, [row for row in new if (row.of, row.status) in fresh])
        told.append(leaf(at, "receipts.held", of=signed.batch.hash, peer=peer))
    moved = state_transitions.advance(connection, changes, at=at, told=told)
    about = {known[of].message for of, _ in fresh if of in known}
    messages.mark_changed(connection, sorted(about - moved))  # a time may be known that was not
    return {receipt.msg: receipt for receipt, _ in mine}


def _latest(receipt: Receipt, held: Set[tuple[str, str]]) -> OutgoingEvent | None:
    """The event of a receipt, or of a later word about the same sealing that is held: it came while the message waited
    for the answer to its new number.
    """
    later = (Status.OPENED, Status.DELIVERED) if receipt.status is Status.RECEIVED else ()
    return next((EVENTS[status] for status in later if (receipt.of, str(status)) in held), event_of(receipt))


def _find_anew(connection: Connection, peer: NodeId, rows: Sequence[MessageRow]) -> frozenset[int]:
    """Find which of these messages wait for the answer to another number than they had before."""
    waiting = {row.id: row.ref for row in rows if row.n is not None and Outgoing(row.state) in SENDING}
    if not waiting or store.get(connection, peer) is None:
        return frozenset()
    return frozenset(waiting[id] for id in store.find_renumbered(connection, peer, list(waiting)))


def _of_number(connection: Connection, row: MessageRow, receipt: Receipt) -> bool:
    """Whether the receipt names the number of the message, or one that it had before the link was reset."""
    return row.n == receipt.n or store.had_number(connection, row.peer, row.id, receipt.n)


def _forgotten(connection: Connection, peer: NodeId, receipt: Receipt) -> MessageRow | None:
    """The message of a receipt for a sealing that this node does not know: taken only where it was restored from a
    backup that knows the message, for it was then sealed after the backup (nrm1 5.12).
    """
    link = store.get(connection, peer)
    if link is None or link.backup is None:
        return None
    found = messages.find(connection, receipt.msg, direction=messages.OUT, peer=peer)
    mark = reset_rows.restored(connection)  # a backup that was dated by a clock of before knows what is newer
    until = link.backup if mark is None else max(link.backup, mark.at)
    return found[0] if found and found[0].at <= until else None


def _reason(code: str | None) -> Code | None:
    """The code of a refusal as this node knows it; the receipt itself keeps what the peer said."""
    if code is None:
        return None
    return Code(code) if code in WIRE_CODES else Code.REJECTED


class ReceivedReceipts:
    """Takes the receipts that peers send."""

    def __init__(
        self,
        *,
        store: Store,
        own: OwnIdentity,
        workers: Workers,
        wakeups: Wakeups,
        events: EventStream,
        clock: Clock,
    ) -> None:
        self._store = store
        self._own = own
        self._workers = workers
        self._wakeups = wakeups
        self._events = events
        self._clock = clock

    async def take(self, peer: Peer, body: bytes) -> None:
        """Verify receipts of a peer and apply them to the messages they are about. Raises RemoteError."""
        now = self._clock.now()
        signed = await self._workers.off_loop(
            lambda: answers.read_receipts(body, issuer=peer.descriptor, me=self._own.node, now=now)
        )
        ref = self._store.new_ref()

        def move(connection: Connection) -> None:
            apply(connection, peer.node, signed, ref, at=now, answers=False)

        await self._store.move(move)
        self._wakeups.handover.set()
        await self._events.happened()

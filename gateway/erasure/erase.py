"""Erasing messages (nrm1 13.3): each step can be repeated after a crash at any point.

    1  one transaction: the data key, then the bytes, and all that hangs on the message: its stored envelope, its files,
       the drafts it was made of, why it was shown to a data protection officer; who knows of it is written down
    2  the case system is asked to erase what it was shown, and the record that a message of ours was made of; its
       honest answer is kept (nrm1 12.6), and nothing is "not held" that was not looked for (domain 10.8)
    3  the write-ahead log is emptied, local records and asylum holds that nothing is left of are forgotten, files
       without a key go
    4  when the storage epoch of step 1 is gone too, the sender gets the signed receipt `erased` (nrm1 6.2)

The message row, its statement with signatures and all receipts stay: they hold no personal data and prove what was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import partial

from sqlalchemy import Connection

import schemas
from gateway.attachments import store
from gateway.attachments.library import AttachmentLibrary
from gateway.audit import reason_store
from gateway.cases import entries as case_entries
from gateway.cases import store as cases
from gateway.cases.register import CaseRegister
from gateway.conversations.status_updates import StatusUpdates
from gateway.database import content, journal
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.delivery.handover import delivery_key
from gateway.delivery.intake import DISCARDED, RELEASED, WAITING
from gateway.erasure import store as erasures
from gateway.erasure.store import ErasureRow
from gateway.errors import Code, RefusedError, TransientError
from gateway.foundation.logs import logger
from gateway.foundation.workers import Workers
from gateway.identity.identity import Identity
from gateway.ledger import store as ledger
from gateway.messages import answers, state_transitions
from gateway.messages.machines.delivery import Outgoing, OutgoingEvent, allows
from gateway.messages.state_transitions import Change
from gateway.messages.store import handed_over, messages, receipts
from gateway.messages.store.handed_over import DUE, NOT_HELD
from gateway.messages.store.messages import IN, OUT, MessageRow
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.peers.confirmed_time import ConfirmedTime
from gateway.policy import asylum_holds
from gateway.ports import Adapter, Clock, Erasure, RecordEraser
from keys.documents.envelope import Receipt, Status
from keys.documents.receipts import MOST_RECEIPTS, batch_hash

AT_ONCE = 200
"""Messages erased in one transaction, and erasures looked at together."""

NOT_SUPPORTED = str(Erasure.NOT_SUPPORTED)
GROUNDS = frozenset(entry.code for entry in schemas.code_list("erasure_ground").codes)
"""Reasons of people and peers; the others are names of retention rules."""

_LEFT = frozenset({str(Erasure.DISABLED_ONLY), str(Erasure.NOT_SUPPORTED)})
"""Answers after which somebody has to erase in the case system by hand."""


class Eraser:
    """Destroys the keys of content, and tells who must hear of it."""

    def __init__(
        self,
        *,
        content: Content,
        case_register: CaseRegister,
        identity: Identity,
        attachments: AttachmentLibrary,
        status_updates: StatusUpdates,
        time: ConfirmedTime,
        adapter: Adapter | None,
        workers: Workers,
        wakeups: Wakeups,
        events: EventStream,
        clock: Clock,
    ) -> None:
        self._content = content
        self._case_register = case_register
        self._identity = identity
        self._attachments = attachments
        self._status_updates = status_updates
        self._time = time
        self._adapter = adapter
        self._workers = workers
        self._wakeups = wakeups
        self._events = events
        self._clock = clock

    async def erase(
        self,
        reasons: Mapping[int, str],
        *,
        by: str | None = None,
        request: int | None = None,
        proof: Collection[int] = (),
    ) -> int:
        """Steps 1 to 3 for these messages; returns how many were not erased before.

        ``reasons`` is by message: a code of the list erasure_ground or the name of a retention rule. ``by`` is the
        person who decided, None where a rule did; ``request`` what a peer asked. A consent goes with the last message
        in whose conversation it was relied on, where those in ``proof`` do not count.

        Raises:
            RefusedError: clock, while the time is not confirmed (nrm1 12.17); nothing was erased.
        """
        await self._time.require("nothing was erased")
        return await self._erase(reasons, by=by, request=request, proof=proof)

    async def erase_again(self, reasons: Mapping[int, str]) -> int:
        """The same for what was erased before and came back with a backup: that time has passed already, so no clock is
        asked. The case system is asked later.
        """
        return await self._erase(reasons, ask=False)

    async def _erase(
        self,
        reasons: Mapping[int, str],
        *,
        by: str | None = None,
        request: int | None = None,
        proof: Collection[int] = (),
        ask: bool = True,
    ) -> int:
        await self._status_updates.keep()  # how their conversations stand is remembered without them
        refs, gone = list(reasons), 0
        for start in range(0, len(refs), AT_ONCE):
            some = {ref: reasons[ref] for ref in refs[start : start + AT_ONCE]}
            gone += await self._content.store.move(
                partial(self.erase_in, reasons=some, by=by, request=request, proof=proof)
            )
        if ask:
            await self.ask()
        await asylum_holds.forget(self._content, self._clock, but=proof)
        await self.clean()
        self._wakeups.handover.set()
        await self._events.happened()
        return gone

    def erase_in(
        self,
        connection: Connection,
        reasons: Mapping[int, str],
        *,
        by: str | None = None,
        request: int | None = None,
        proof: Collection[int] = (),
    ) -> int:
        """Step 1 in the caller's transaction; returns how many were not erased before. What waits to go is
        cancelled.
        """
        now, refs = self._clock.now(), list(reasons)
        before = erasures.of(connection, refs)
        rows = [row for row in messages.get(connection, refs).values() if row.ref not in before]
        if not rows:
            return 0
        stopped = [row for row in rows if row.direction == OUT and allows(Outgoing(row.state), OutgoingEvent.CANCEL)]
        changes = [Change(row=row, event=OutgoingEvent.CANCEL, reason=Code.CANCELLED) for row in stopped]
        state_transitions.advance(connection, changes, at=now)
        names = self._case_register.names_at_stake(connection, rows)
        found = erasures.find_places(connection, [row.ref for row in rows])
        for row in rows:
            content.erase(connection, row.ref)
        gone = [row.ref for row in rows]
        for told in reason_store.forget(connection, gone):
            content.erase(connection, told)
        messages.drop_envelopes(connection, gone)
        store.drop(connection, gone)
        messages.handed(connection, [row.ref for row in rows if row.direction == IN])
        origins = {row.origin: reasons[row.ref] for row in rows if row.origin is not None}
        wanted = [ref for ref, reason in origins.items() if reason in GROUNDS]  # a rule leaves what is still worked on
        erasures.discard_drafts(connection, wanted, waiting=WAITING, to=DISCARDED)
        erasures.erase_drafts(connection, list(origins), but=WAITING)
        erasures.erase_released(connection, RELEASED)
        erasures.add(connection, [self._row(connection, row, reasons[row.ref], now, request, found) for row in rows])
        ledger.add_erased(connection, [(row.ref, reasons[row.ref]) for row in rows], at=now)
        erasures.erase_consents(connection, [row.consent for row in rows if row.consent is not None], but=proof)
        case_entries.forget_told(self._content.sealer, connection, rows)
        for card in cases.forget_finished(connection, {row.conversation for row in rows}, but=proof):
            content.erase(connection, card)
        self._case_register.forget_names(connection, names)
        journal.add_events(connection, [(now, "message", row.ref, "erased") for row in rows])
        actor = None if by is None else self._identity.keys.actor(by.encode()).hex()
        journal.append_leaves(
            connection,
            [
                leaf(now, "message.erased", id=row.id, peer=row.peer, reason=reasons[row.ref], actor=actor)
                for row in rows
            ],
        )
        return len(rows)

    def _row(
        self,
        connection: Connection,
        row: MessageRow,
        reason: str,
        now: int,
        request: int | None,
        found: Mapping[int, Collection[str]],
    ) -> ErasureRow:
        """`epoch` is read inside the transaction: no data key of the message was ever wrapped by a later one."""
        return ErasureRow(
            ref=self._content.store.new_ref(),
            message=row.ref,
            at=now,
            reason=reason,
            epoch=self._identity.keys.epoch,
            place=self._first_place(connection, row, reason),
            told=None,
            request=request,
            found=" ".join(sorted(found.get(row.ref, ()))),
        )

    def _first_place(self, connection: Connection, row: MessageRow, reason: str) -> str:
        """Where the case system has to be asked, or a person. A rule leaves the office's own record to the office; what
        a case system took that is connected no longer is for a person too.
        """
        if row.direction == OUT and row.origin is not None:
            return DUE if reason in GROUNDS and self._adapter is not None else NOT_SUPPORTED
        if row.direction == IN and self._adapter is not None:
            return DUE
        return NOT_SUPPORTED if handed_over.items(connection, [row.ref]) else NOT_HELD

    async def ask(self) -> None:
        """Ask the case system about everything it has not answered yet; ends early when it is busy."""
        adapter, after = self._adapter, 0
        if adapter is None:
            return
        while rows := await self._content.store.read(partial(erasures.due, after=after, limit=AT_ONCE)):
            for row in rows:
                after = row.ref
                try:
                    await self._ask_about(adapter, row)
                except TransientError as error:
                    logger().info("erasure.postponed", code=str(error.code))
                    return

    async def _ask_about(self, adapter: Adapter, row: ErasureRow) -> None:
        now = self._clock.now()
        message, name = await self._local_name(row)
        try:
            place = NOT_SUPPORTED if name is None else str(await _erase_there(adapter, message, name))
        except RefusedError as error:
            if error.code is not Code.NOT_FOUND:
                await self._content.store.move(
                    lambda c: journal.raise_alarm(c, at=now, kind="erasure.refused", peer=message.peer, ref=message.ref)
                )
                return
            place = NOT_HELD

        def move(connection: Connection) -> None:
            erasures.answered(connection, row, place)
            if place == Erasure.ERASED and message.direction == OUT and message.origin is not None:
                handed_over.drop_news(connection, message.origin)  # it would name the record anew
            journal.append_leaf(connection, leaf(now, "message.erased_locally", id=message.id, state=place))
            if place in _LEFT:
                journal.raise_alarm(connection, at=now, kind="erasure.left", peer=message.peer, ref=message.ref)

        await self._content.store.move(move)

    async def _local_name(self, row: ErasureRow) -> tuple[MessageRow, str | None]:
        """The message, and what the case system calls it, or the record that it was made of; None for a record whose
        name is gone, or of which something else is left.
        """

        def query(c: Connection) -> tuple[MessageRow, bytes | None]:
            message = messages.get(c, [row.message])[row.message]
            if (
                message.direction == OUT
                and message.origin is not None
                and erasures.still_used(c, message.origin, WAITING)
            ):
                return message, None
            item = message.origin if message.direction == OUT else handed_over.items(c, [row.message]).get(row.message)
            sealed = None if item is None else content.get(c, [item]).get(item)
            return message, None if sealed is None else self._content.sealer.open(sealed)

        message, name = await self._content.store.read(query)
        if name is not None:
            return message, name.decode()
        return message, delivery_key(message) if message.direction == IN else None

    async def clean(self) -> None:
        """Nothing of what was erased stays in the write-ahead log, nor the name of a local record nothing is left of,
        nor a file whose key is gone.
        """
        await self._content.store.move(erasures.erase_origins)
        await self._content.store.checkpoint(truncate=True)
        await self._attachments.sweep()

    async def tell(self) -> None:
        """Sign the receipts `erased` that are due: for the messages whose storage epoch is gone."""
        while rows := await self._untold():
            by_peer: defaultdict[str, list[tuple[ErasureRow, Receipt]]] = defaultdict(list)
            for row, receipt in rows:
                by_peer[receipt.to].append((row, receipt))
            for peer, told in by_peer.items():
                await self._tell_one(peer, told)

    async def _untold(self) -> list[tuple[ErasureRow, Receipt]]:
        now, own = self._clock.now(), self._identity.own
        oldest = min((self._identity.keys.epoch, *self._identity.keys.old_epochs))

        def query(c: Connection) -> tuple[list[ErasureRow], dict[int, MessageRow], dict[int, str]]:
            due = erasures.untold(c, oldest, MOST_RECEIPTS)
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

    async def _tell_one(self, peer: str, told: Sequence[tuple[ErasureRow, Receipt]]) -> None:
        batch = [receipt for _, receipt in told]
        document = await self._workers.off_loop(lambda: answers.sign_receipts(batch, self._identity.keys.sign))
        ref, now = self._content.store.new_ref(), self._clock.now()

        def move(connection: Connection) -> None:
            receipts.add_batch(connection, ref, document)
            receipts.add(connection, [receipts.make_row(one, receipts.ISSUED, one.to, ref) for one in batch])
            receipts.owe(connection, peer, [(receipt.of, str(receipt.status)) for receipt in batch])
            erasures.tell(connection, [row.ref for row, _ in told], at=now)
            journal.append_leaf(connection, leaf(now, "receipts.issued", of=batch_hash(document), peer=peer))

        await self._content.store.move(move)
        self._wakeups.outgoing(peer).set()


async def _erase_there(adapter: Adapter, message: MessageRow, name: str) -> Erasure:
    """Ask about a message that was handed over, or about the record of one that was sent."""
    if message.direction == IN:
        return await adapter.erase(name)
    return await adapter.erase_record(name) if isinstance(adapter, RecordEraser) else Erasure.NOT_SUPPORTED


# --- step 4 -------------------------------------------------------------------------------------------------------


async def erased(store: Store, refs: Collection[int]) -> dict[int, ErasureRow]:
    """Which of these messages were erased."""
    return await store.read(lambda c: erasures.of(c, list(refs)))

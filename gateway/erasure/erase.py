"""Erasing messages (nrm1 13.3): each step can be repeated after a crash at any point.

    1  one transaction: the data key, then the bytes, and all that hangs on the message: its stored envelope, its files,
       the drafts it was made of and, where people ask, a later one of the same record with its files, why it was shown
       to a data protection officer; who knows of it is written down; what is in memory of any conversation is forgotten
    2  the case system is asked to erase what it was shown, and the record that a message of ours was made of; its
       honest answer is kept (nrm1 12.6), and nothing is "not held" that was not looked for (domain 10.8)
    3  the write-ahead log is emptied, local records and asylum holds that nothing is left of are forgotten, files
       without a key go
    4  when the storage epoch of step 1 and the encryption seeds of its envelope are gone too, the sender gets the
       signed receipt `erased` (nrm1 6.2)

The message row, its statement with signatures and all receipts stay: they hold no personal data and prove what was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial

from sqlalchemy import Connection

from gateway.attachments import store
from gateway.attachments.library import AttachmentLibrary, resent_as
from gateway.audit import reason_store
from gateway.cases import entries as case_entries
from gateway.cases import found as found_cases
from gateway.cases import store as cases
from gateway.cases.register import CaseRegister
from gateway.consent import unconfirmed_store
from gateway.consent.effects import close_narrowed
from gateway.consent.known_by import find_told
from gateway.conversations.status_updates import StatusUpdates
from gateway.database import content, journal
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.delivery.intake import DISCARDED, RELEASED, WAITING
from gateway.delivery.record_files import files_of_waiting
from gateway.erasure import storage_epochs
from gateway.erasure import store as erasures
from gateway.erasure.case_system import GROUNDS, CaseSystemEraser
from gateway.erasure.places import find_places
from gateway.erasure.proof import find_proof, find_proof_around
from gateway.erasure.store import ErasureRow
from gateway.errors import Code
from gateway.identity.identity import Identity
from gateway.ledger import store as ledger
from gateway.messages import state_transitions
from gateway.messages.machines import acceptance
from gateway.messages.machines.acceptance import Incoming
from gateway.messages.machines.delivery import SENDING, Outgoing, OutgoingEvent, allows
from gateway.messages.state_transitions import Change
from gateway.messages.store import messages
from gateway.messages.store.messages import IN, OUT, MessageRow
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.peers.confirmed_time import ConfirmedTime
from gateway.policy import asylum_holds
from gateway.policy.linked_holds import LinkedHolds
from gateway.ports import Clock

AT_ONCE = 200
"""Messages erased in one transaction."""


class Eraser:
    """Destroys the keys of content, and tells who must hear of it; `forget` empties what is kept in memory of it."""

    def __init__(
        self,
        *,
        content: Content,
        case_register: CaseRegister,
        identity: Identity,
        attachments: AttachmentLibrary,
        forget: Callable[[], None],
        linked_holds: LinkedHolds,
        status_updates: StatusUpdates,
        time: ConfirmedTime,
        case_system: CaseSystemEraser,
        wakeups: Wakeups,
        events: EventStream,
        clock: Clock,
    ) -> None:
        self._content = content
        self._case_register = case_register
        self._identity = identity
        self._attachments = attachments
        self._forget = forget
        self._linked_holds = linked_holds
        self._status_updates = status_updates
        self._time = time
        self._case_system = case_system
        self._wakeups = wakeups
        self._events = events
        self._clock = clock

    async def erase(
        self,
        reasons: Mapping[int, str],
        *,
        by: str | None = None,
        request: int | None = None,
        untold: Collection[int] = (),
        newest: Mapping[bytes, int] | None = None,
    ) -> int:
        """Steps 1 to 3 for these messages; returns how many were erased. Left are those that were erased before and
        those that a legal hold lies over by now.

        ``reasons`` is by message: a code of the list erasure_ground or the name of a retention rule. ``by`` is the
        person who decided, None where a rule did; ``request`` what a peer asked. A consent goes with the last message
        in whose conversation it was relied on, where what proves an erasure does not count, nor do those in ``untold``,
        which go as soon as their peer has them. ``newest`` is by conversation the
        newest message that a rule knew of when it decided: where one came since, or the message is under way by now, it
        decides anew another day.

        Raises:
            RefusedError: clock, while the time is not confirmed (nrm1 12.17); nothing was erased.
        """
        await self._time.require("nothing was erased")

        def step(some: Mapping[int, str], connection: Connection) -> int:
            decided = _as_decided(connection, some, newest)
            return self.erase_in(connection, decided, by=by, request=request, untold=untold)

        return await self._erase(reasons, step, untold=untold)

    async def erase_again(self, reasons: Mapping[int, str]) -> int:
        """The same for what was erased before and came back with a backup: that time has passed already, so no clock is
        asked. The case system is asked later.
        """
        return await self._erase(reasons, lambda some, connection: self.erase_in(connection, some), ask=False)

    async def _erase(
        self,
        reasons: Mapping[int, str],
        step: Callable[[Mapping[int, str], Connection], int],
        *,
        untold: Collection[int] = (),
        ask: bool = True,
    ) -> int:
        await self._status_updates.keep()  # how their conversations stand is remembered without them
        refs, gone = list(reasons), 0
        for start in range(0, len(refs), AT_ONCE):
            some = {ref: reasons[ref] for ref in refs[start : start + AT_ONCE]}
            gone += await self._content.store.move(partial(step, some))
        self._forget()
        if ask:
            await self._case_system.ask()
        await asylum_holds.forget(self._content, self._clock, but=partial(self._find_uncounted, untold))
        await self._linked_holds.forget()
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
        untold: Collection[int] = (),
    ) -> int:
        """Step 1 in the caller's transaction, whatever holds lie there; returns how many were not erased before. What
        waits to go is cancelled.
        """
        now, refs = self._clock.now(), list(reasons)
        # Another machine may have begun an epoch, and wrapped these keys by it, that this one has not followed yet.
        epoch = max(self._identity.keys.epoch, content.newest_epoch(connection))
        before = erasures.of(connection, refs)
        rows = [row for row in messages.get(connection, refs).values() if row.ref not in before]
        if not rows:
            return 0
        stopped = [row for row in rows if row.direction == OUT and allows(Outgoing(row.state), OutgoingEvent.CANCEL)]
        changes = [Change(row=row, event=OutgoingEvent.CANCEL, reason=Code.CANCELLED) for row in stopped]
        state_transitions.advance(connection, changes, at=now)
        names = self._case_register.names_at_stake(connection, rows)
        found = find_places(connection, self._content.sealer, [row.ref for row in rows])
        talks = {row.conversation for row in rows}
        consents = find_told(self._content.sealer, connection, rows)  # and what is erased names what it relied on
        consents.update(*messages.consents_of_conversations(connection, talks).values())
        for row in rows:
            content.erase(connection, row.ref)
        gone = [row.ref for row in rows]
        messages.mark_changed(connection, gone)
        for told in reason_store.forget(connection, gone):
            content.erase(connection, told)
        messages.drop_envelopes(connection, gone)
        store.drop(connection, gone)
        messages.handed(connection, [row.ref for row in rows if row.direction == IN])
        origins = {row.origin: reasons[row.ref] for row in rows if row.origin is not None}
        wanted = [ref for ref, reason in origins.items() if reason in GROUNDS]  # a rule leaves what is still worked on
        again = resent_as(self._content.sealer, [row.id for row in rows if row.state == Outgoing.FAILED])
        for files in (*files_of_waiting(connection, self._content.sealer, wanted).values(), *again):
            store.drop_unsent(connection, files)
        erasures.discard_drafts(connection, wanted, waiting=WAITING, to=DISCARDED)
        erasures.erase_drafts(connection, list(origins), but=WAITING)
        erasures.erase_released(connection, RELEASED)
        erasures.add(
            connection, [self._row(connection, row, reasons[row.ref], now, epoch, request, found) for row in rows]
        )
        ledger.add_erased(connection, [(row.ref, reasons[row.ref]) for row in rows], at=now)
        if (by, request) != (None, None) and not GROUNDS.isdisjoint(reasons.values()):
            storage_epochs.end_with(connection, epoch)
        uncounted = {*untold, *find_proof_around(self._content.sealer, connection, talks, consents)}
        for index in erasures.erase_consents(connection, consents, but=uncounted):
            close_narrowed(self._content, connection, index, now)
        unconfirmed_store.end_doubt(connection, at=now)
        case_entries.forget_told(self._content.sealer, connection, rows, cases.find_families(connection, talks))
        found_cases.forget_talks(connection, talks)
        over = cases.forget_finished(connection, talks, but=uncounted)
        for card in [*over, *cases.forget_without(connection, consents)]:
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

    def _find_uncounted(
        self, untold: Collection[int], connection: Connection, left: Collection[int]
    ) -> Collection[int]:
        return {*untold, *find_proof(self._content.sealer, connection, left)}

    def _row(
        self,
        connection: Connection,
        row: MessageRow,
        reason: str,
        now: int,
        epoch: int,
        request: int | None,
        found: Mapping[int, Collection[str]],
    ) -> ErasureRow:
        """`epoch` is read inside the transaction: no data key of the message was ever wrapped by a later one."""
        return ErasureRow(
            ref=self._content.store.new_ref(),
            message=row.ref,
            at=now,
            reason=reason,
            epoch=epoch,
            place=self._case_system.first_place(connection, row, reason),
            told=None,
            request=request,
            found=" ".join(sorted(found.get(row.ref, ()))),
        )

    async def clean(self) -> None:
        """Nothing of what was erased stays in the write-ahead log, nor the name of a local record nothing is left of,
        nor a file whose key is gone.
        """
        await self.forget_names()
        await self._attachments.sweep()

    async def forget_names(self) -> None:
        """Do of this what asks no clock, and erase the drafts that were replaced."""
        while await self._content.store.move(erasures.erase_replaced):
            pass
        await self._content.store.move(erasures.erase_origins)
        await self._content.store.checkpoint(truncate=True)


def is_under_way(row: MessageRow) -> bool:
    """Whether somebody still waits for the message here, or has to look at it."""
    if row.direction == IN:
        return Incoming(row.state) in acceptance.WAITING
    return Outgoing(row.state) in SENDING


def _as_decided(
    connection: Connection, reasons: Mapping[int, str], newest: Mapping[bytes, int] | None
) -> dict[int, str]:
    """Leave of this what may go now: over what stays lies a legal hold, or something came that a rule did not know of,
    or it is under way by now, as what goes again to a peer that was restored.
    """
    rows = messages.get(connection, list(reasons))
    held = erasures.holds(connection)
    last = {} if newest is None else messages.newest_of(connection, {row.conversation for row in rows.values()})
    return {
        ref: reasons[ref]
        for ref, row in rows.items()
        if row.conversation not in held
        and (
            newest is None
            or (not is_under_way(row) and last.get(row.conversation, 0) <= newest.get(row.conversation, 0))
        )
    }


async def erased(store: Store, refs: Collection[int]) -> dict[int, ErasureRow]:
    """Which of these messages were erased."""
    return await store.read(lambda c: erasures.of(c, list(refs)))

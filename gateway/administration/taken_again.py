"""What a restore brought back is taken away again: first what the ledger names, before anything is served
(nrm1 13.15).

Cases are as people left them, a consent is taken back, an asylum hold lies again, content is erased, a message of ours
that will never arrive is not asked about any more. What the ledger names and this database does not know was newer than
the backup: it is looked for again among what comes in.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection

from gateway.administration.cases_again import CasesAgain
from gateway.cases import store as cases
from gateway.cases.ledger_names import Here, find_here, find_talks
from gateway.cases.rules import LinkKind
from gateway.cases.store import Link
from gateway.consent.effects import withdraw_again
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.sealed_content import Content
from gateway.erasure import store as erasures
from gateway.erasure.erase import Eraser
from gateway.errors import Code
from gateway.foundation.chores import MINUTE, Chore
from gateway.ledger import store
from gateway.ledger.reading import Hasher, keyed
from gateway.ledger.rules import HASH, Taken, named
from gateway.ledger.store import LedgerRow
from gateway.messages import state_transitions
from gateway.messages.machines.delivery import Outgoing, OutgoingEvent
from gateway.messages.state_transitions import Change
from gateway.messages.store.messages import MessageRow
from gateway.policy import store as policy
from gateway.policy.asylum_holds import lay_again
from gateway.policy.linked_holds import LinkedHolds
from gateway.ports import Clock
from keys.primitives.encoding import unb64u

AT_ONCE = 500


class TakenAgain:
    """Takes away again what the ledger names."""

    def __init__(
        self,
        *,
        content: Content,
        cases: CasesAgain,
        eraser: Eraser,
        linked_holds: LinkedHolds,
        keys: Hasher,
        clock: Clock,
    ) -> None:
        self._content = content
        self._store = content.store
        self._cases = cases
        self._eraser = eraser
        self._linked_holds = linked_holds
        self._keys = keys
        self._clock = clock
        self._seen = 0
        self._looked = False

    def chores(self) -> Sequence[Chore]:
        """Look for what the ledger names among what came in since."""
        return (Chore("taken away again", MINUTE, self.run),)

    async def run_whole(self) -> None:
        """Look at every message again: the ledger has got entries that are about any of them."""
        self._seen, self._looked = 0, False
        await self.run()

    async def run(self) -> None:
        """Take away what the ledger names, as far as it is here."""
        if not await self._store.read(store.waits):
            return
        if not self._looked:  # what comes later is looked at as it comes
            await self._store.move(self._apply)
            self._looked = True
        withdrawn = await self._store.read(lambda c: store.due(c, [Taken.WITHDRAWN]))
        for row in withdrawn:
            await self._store.move(partial(self._withdraw, row=row))
        holds = await self._store.read(lambda c: store.due(c, [Taken.HELD, Taken.LIFTED]))
        if holds:
            await self._store.move(partial(self._hold, rows=holds))
        messages = await self._store.read(lambda c: store.due(c, [Taken.ERASED, Taken.VOIDED]))
        wanted = {row.subject: row for row in messages if row.subject is not None}
        while wanted and (rows := await self._store.read(lambda c: erasures.stored(c, self._seen, AT_ONCE))):
            names = [named(row.direction, row.peer, row.id) for row in rows]
            found = [(row, wanted[of]) for row, of in zip(rows, keyed(self._keys, names), strict=True) if of in wanted]
            await self._take(found)
            self._seen = rows[-1].ref

    def take_new(self, connection: Connection, rows: Sequence[MessageRow]) -> frozenset[int]:
        """Erase those of these messages that the ledger names, in the transaction that accepts them, so that nobody is
        shown or handed one; their local numbers. Whoever was kept out of their case is so before they are shown it.
        """
        if not rows or not store.waits(connection):
            return frozenset()
        conversations = {row.conversation for row in rows}
        self._cases.apply_to_new(connection, conversations, now=self._clock.now())
        self._hold_cases(connection, find_talks(self._content.sealer, conversations))
        names = keyed(self._keys, [named(row.direction, row.peer, row.id) for row in rows])
        by_name = dict(zip(names, rows, strict=True))
        found = [row for row in store.due_of(connection, Taken.ERASED, names) if row.subject in by_name]
        gone = {by_name[row.subject].ref: row.why or "" for row in found if row.subject is not None}
        if gone:
            self._eraser.erase_in(connection, gone)
            self._settle(connection, over=(), rows=found)
        return frozenset(gone)

    def _apply(self, connection: Connection) -> None:
        """Leave cases as people did. A hold of before the backup may have come to lie over one of them since; where
        others were placed or lifted since, it is laid with those.
        """
        self._cases.apply(connection, now=self._clock.now())
        if store.due(connection, [Taken.OVER]) and not store.due(connection, [Taken.HELD, Taken.LIFTED]):
            self._hold_cases(connection, find_here(self._content.sealer, connection))

    def _withdraw(self, connection: Connection, row: LedgerRow) -> None:
        if row.subject is None:
            raise RuntimeError("a withdrawal names a consent")
        grants = None if row.grants is None else json.loads(row.grants)
        now = self._clock.now()
        withdraw_again(self._content, connection, row.subject, grants, at=row.at, now=now)
        store.settle(connection, [row.n])

    def _hold(self, connection: Connection, rows: Sequence[LedgerRow]) -> None:
        now, holds = self._clock.now(), laid_and_not_lifted(rows)
        lay_again(connection, self._content, holds, at=now)
        self._hold_cases(connection, find_here(self._content.sealer, connection))
        for case in dict.fromkeys(cases.cases_of(connection, list(holds)).values()):
            self._linked_holds.settle_case(connection, case)
        store.settle(connection, [row.n for row in rows])

    def _hold_cases(self, connection: Connection, here: Here) -> None:
        """Lay the holds that lie over the cases that the ledger names: the conversation of one may be lost."""
        found = self._cases.find_held(connection, here)
        for label, case in found.values():
            if policy.get(connection, label) is not None:
                cases.link(connection, [Link(key=label, kind=LinkKind.HOLD, case_id=case)])
                self._linked_holds.settle_case(connection, case)
        store.settle(connection, list(found))

    async def _take(self, found: Sequence[tuple[MessageRow, LedgerRow]]) -> None:
        gone = [(message, row) for message, row in found if row.kind == Taken.ERASED]
        over = [
            message for message, row in found if row.kind == Taken.VOIDED and message.state == str(Outgoing.VOIDING)
        ]
        if gone:
            await self._eraser.erase_again({message.ref: row.why or "" for message, row in gone})
        if found:
            await self._store.move(partial(self._settle, over=over, rows=[row for _, row in found]))

    def _settle(self, connection: Connection, over: Sequence[MessageRow], rows: Sequence[LedgerRow]) -> None:
        now = self._clock.now()
        changes = [Change(row=row, event=OutgoingEvent.VOIDED, reason=Code.RESTORED) for row in over]
        state_transitions.advance(connection, changes, at=now)
        store.settle(connection, [row.n for row in rows])
        journal.append_leaf(connection, leaf(now, "ledger.applied", count=len(rows)))


def laid_and_not_lifted(rows: Sequence[LedgerRow]) -> dict[bytes, list[bytes]]:
    """By the label of the conversation that a hold was placed over what it lies over, without what was lifted since.
    What two of them lie over is held while one of them stands.
    """
    holds: dict[bytes, dict[bytes, None]] = {}
    for row in rows:
        hold = unb64u(row.detail, HASH)
        if row.subject is None:
            raise RuntimeError("a hold lies over something")
        if row.kind == Taken.HELD:
            holds.setdefault(hold, {})[row.subject] = None
        else:
            holds.pop(hold, None)
    return {hold: [*labels] for hold, labels in holds.items()}

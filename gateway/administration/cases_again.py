"""What people changed of cases after a backup is so again after a restore, as the ledger says (nrm1 13.15).

A restore that forgot it would show a case to somebody who must not see it, erase what has to be kept, or lay the
consent of one person over the referral of another. First what was merged, split and moved, then legal holds, then who
is kept out: so each finds the case as it was left. A person looks at what was changed, for reasons and labels are lost.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

from sqlalchemy import Connection

from gateway.access import people_store
from gateway.cases import entries, kept, store
from gateway.cases.changes import OF_NONE, CaseChanges, Wanted
from gateway.cases.history import BlockEntry, BlockOf, blocked_now
from gateway.cases.kept import CaseHold
from gateway.cases.ledger_names import Here, find_here, find_talks
from gateway.cases.register import CaseRegister
from gateway.cases.rules import CaseState, ChangeKind, ChangeState
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.sealed_content import Content
from gateway.erasure import store as erasures
from gateway.erasure.store import HoldRow
from gateway.foundation.ids import CaseId, UnitId
from gateway.ledger import store as ledger
from gateway.ledger.rules import HASH, Taken, named_link, named_whom
from gateway.ledger.store import LedgerRow
from gateway.messages.store import messages
from gateway.policy import store as policy
from keys.primitives.encoding import b64u, unb64u

WHY = "the ledger of this node, after a restore"
KINDS = (Taken.MOVED, Taken.KEPT, Taken.RELEASED, Taken.BLOCKED, Taken.UNBLOCKED)


class CasesAgain:
    """Does again what the ledger says of cases, in the caller's transaction."""

    def __init__(
        self, *, content: Content, cases: CaseRegister, changes: CaseChanges, units: Collection[UnitId]
    ) -> None:
        self._content = content
        self._cases = cases
        self._changes = changes
        self._units = tuple(units)

    def apply(self, connection: Connection, *, now: int) -> None:
        """Do it to all that is here."""
        if rows := ledger.due(connection, KINDS):
            self._apply(connection, rows, find_here(self._content.sealer, connection), now)

    def apply_to_new(self, connection: Connection, conversations: Collection[bytes], *, now: int) -> None:
        """Do it to conversations that came since."""
        if rows := ledger.due(connection, KINDS):
            self._apply(connection, rows, find_talks(self._content.sealer, conversations), now)

    def _apply(self, connection: Connection, rows: Sequence[LedgerRow], here: Here, now: int) -> None:
        names = here.names
        found = [row for row in rows if row.subject in names]
        loose = self._loose_holds(connection, rows, found)
        changed = set[CaseId]()
        case_of = partial(self._case, connection, here)
        for act in acts([row for row in found if row.kind == Taken.MOVED]):
            changed |= self._move(connection, act, here, now)
        found = [row for row in found if row.subject in here.links or row.kind == Taken.MOVED or case_of(row)]
        for row in last_of_each(found, (Taken.KEPT, Taken.RELEASED)):
            if row.kind == Taken.KEPT:
                self._keep(connection, row, here, now)
        blocks = [row for row in last_of_each(found, (Taken.BLOCKED, Taken.UNBLOCKED)) if row.kind == Taken.BLOCKED]
        for row in blocks:
            changed |= self._block(connection, row, here, now)
        for case in sorted(changed):
            rows_of = messages.of_conversations(connection, store.conversations_of(connection, case))
            ref = min((row.ref for row in rows_of), default=None)
            journal.raise_alarm(connection, at=now, kind="case.changed_again", ref=ref)
        if found:
            ledger.settle(connection, [row.n for row in [*found, *loose]])
            journal.append_leaf(connection, leaf(now, "ledger.applied", count=len(found)))

    # --- merged, split and moved --------------------------------------------------------------------------------------

    def _loose_holds(
        self, connection: Connection, rows: Sequence[LedgerRow], found: Sequence[LedgerRow]
    ) -> list[LedgerRow]:
        """Find what changes that are found here moved of asylum holds that are of no case yet: each is laid over that
        of its conversation. Left for later, the entry would take it from where people brought both meanwhile.
        """
        changes = {(row.at, row.detail) for row in found if row.kind == Taken.MOVED}
        moved = [row for row in rows if row.kind == Taken.MOVED and (row.at, row.detail) in changes]
        held = [unb64u(row.detail, HASH) for row in ledger.due(connection, [Taken.HELD])] if moved else []
        labels = {*held, *policy.labels(connection)} if moved else set[bytes]()
        loose = labels - store.cases_of(connection, labels).keys()
        names = set(self._content.sealer.hashes([*map(named_link, loose)]))
        return [row for row in moved if row.subject in names]

    def _move(self, connection: Connection, act: Sequence[LedgerRow], here: Here, now: int) -> set[CaseId]:
        """Each part of one act goes from the case that it is of here to the one that the ledger names; these cases."""
        target = CaseId(act[0].detail or OF_NONE)
        subjects = [row.subject for row in act if row.subject is not None]
        keys = [here.links[one] for one in subjects if one in here.links]
        whole = [here.cases[one] for one in subjects if one in here.cases]
        parts: dict[CaseId, list[bytes]] = {case: [] for case in whole}
        of = store.cases_of(connection, keys)
        for key in keys:
            parts.setdefault(of.get(key, OF_NONE), []).append(key)
        if target in whole:
            self._open_again(connection, target)
        parts.pop(target, None)
        for source, some in parts.items():
            self._move_part(connection, source, target, some, whole=source in whole, now=now)
        return {target, *parts} - {OF_NONE}

    def _move_part(
        self, connection: Connection, source: CaseId, target: CaseId, keys: Sequence[bytes], *, whole: bool, now: int
    ) -> None:
        if target == OF_NONE:
            store.unlink(connection, keys)
            return
        begins = target not in store.get(connection, [target])
        if begins and (whole or source == OF_NONE):
            return  # the case that it went to is not here: people are told, and decide anew
        kind = ChangeKind.MERGE if whole else ChangeKind.SPLIT if begins else ChangeKind.MOVE
        if kind is ChangeKind.MERGE:
            keys = [link.key for link in store.links(connection, source)]
        wanted = Wanted(kind=kind, source=source, target=target, keys=tuple(keys), reason=WHY)
        self._changes.repeat(connection, wanted, now=now)

    def _open_again(self, connection: Connection, case: CaseId) -> None:
        """A merge was taken back: the case is one of its own."""
        store.set_state(connection, case, CaseState.OPEN)
        for row in store.changes_of(connection, case):
            if row.kind == ChangeKind.MERGE and row.source == case and row.state in _MERGED:
                store.set_change(connection, row.ref, state=ChangeState.UNDONE, first=row.first, at=row.at)

    # --- kept, and closed ---------------------------------------------------------------------------------------------

    def _keep(self, connection: Connection, row: LedgerRow, here: Here, now: int) -> None:
        """Lay a legal hold again: on a conversation, or on a whole case."""
        if row.subject is None or row.why is None or row.detail is None:
            raise RuntimeError("a legal hold has its ground and its day")
        talk = here.links.get(row.subject)
        if talk is not None:
            erasures.set_hold(connection, HoldRow(conversation=talk, ground=row.why, until=row.detail, at=row.at))
        case = self._case(connection, here, row)
        if case is not None and not kept.of_case(connection, case):
            key = self._cases.new_id().encode()
            held = CaseHold(conversation=key, ground=row.why, until=row.detail, at=row.at)
            kept.place(self._content.sealer, connection, case, held, at=now)

    def _block(self, connection: Connection, row: LedgerRow, here: Here, now: int) -> set[CaseId]:
        """Keep somebody out again; the case. Whoever is not known here has to be kept out by people."""
        case = self._case(connection, here, row)
        if case is None:
            return set()
        whom = self._whom(connection, row.detail or "")
        if whom is not None and whom not in blocked_now(entries.of_case(self._content.sealer, connection, case)):
            who, id = whom
            entry = BlockEntry(who=who, id=id, reason=WHY, ended=False, at=now)
            entries.block(self._content, connection, case, entry, at=now)
        return {case}

    def find_held(self, connection: Connection, here: Here) -> dict[int, tuple[bytes, CaseId]]:
        """By the number of each entry about a case that is here the label of the asylum hold over it, and that case.
        One about a conversation that is of none, since it joined the case after the backup, goes with the others.
        """
        due = [
            (row, unb64u(row.detail, HASH), self._case(connection, here, row))
            for row in ledger.due(connection, [Taken.OVER])
        ]
        cases = {label: case for _, label, case in due if case is not None}
        found = {row.n: (label, case) for row, label, case in due if case is not None}
        joined = [(row.n, label) for row, label, case in due if case is None and row.subject in here.cases_of]
        return found | {n: (label, cases[label]) for n, label in joined if label in cases}

    def _case(self, connection: Connection, here: Here, row: LedgerRow) -> CaseId | None:
        """The case that an entry names, which is open: one that was merged is the one that it went into."""
        subject = row.subject or b""
        talk, case = here.cases_of.get(subject), here.cases.get(subject)
        if talk is not None:
            return store.cases_of(connection, [talk]).get(talk)
        while case is not None and store.get(connection, [case])[case].state == CaseState.MERGED:
            into = [one.target for one in store.changes_of(connection, case) if one.source == case]
            case = into[0] if into else None
        return case

    def _whom(self, connection: Connection, detail: str) -> tuple[str, str] | None:
        """The person or unit of this keyed hash that is known here, by kind and id."""
        known = [(str(BlockOf.PERSON), row.id) for row in people_store.load(connection)]
        known += [(str(BlockOf.UNIT), unit) for unit in self._units]
        hashes = self._content.sealer.hashes([named_whom(who, id) for who, id in known])
        return {b64u(hash): one for hash, one in zip(hashes, known, strict=True)}.get(detail)


_MERGED = (ChangeState.DONE, ChangeState.UNDO_ASKED)


def acts(rows: Sequence[LedgerRow]) -> list[list[LedgerRow]]:
    """Entries that one change of cases wrote, in the order of the ledger: of one second, and to one case."""
    found: list[list[LedgerRow]] = []
    for row in rows:
        before = found[-1][-1] if found else None
        if before is None or (before.at, before.detail) != (row.at, row.detail):
            found.append([])
        found[-1].append(row)
    return found


def last_of_each(rows: Sequence[LedgerRow], kinds: Collection[Taken]) -> list[LedgerRow]:
    """Of entries of these kinds the last about each thing, and about each person or unit that is kept out."""
    blocks = (Taken.BLOCKED, Taken.UNBLOCKED)
    return list(
        {(row.subject, row.detail if row.kind in blocks else None): row for row in rows if row.kind in kinds}.values()
    )

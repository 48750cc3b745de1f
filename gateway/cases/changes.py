"""Merging, splitting and moving: two different people, one after the other, and the same again to undo it.

What moves is links. What protects the person lies over both cases from then on, or over the one that two became
(`gateway.cases.safeguards`). Afterwards every consent of the cases is judged again: where another case relies on one
now, people are told, and what waits to go is refused when it departs (gate G2).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import orjson
from sqlalchemy import Connection

from gateway.cases import store
from gateway.cases.brought_along import BroughtAlong
from gateway.cases.register import CaseRegister, find_row
from gateway.cases.rules import Card, CaseState, ChangeKind, ChangeState, LinkKind, case_of_consent
from gateway.cases.safeguards import HoldsOnCases, Laid, Safeguards
from gateway.cases.store import CaseRow, ChangeRow, Link
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import CaseId
from gateway.ledger import store as ledger
from gateway.ledger.rules import named_case, named_link
from gateway.messages.store.local import WITHDRAWN
from gateway.ports import Json
from keys.primitives.encoding import canon

OF_NONE = CaseId("")
"""The source of what was of no case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A change as a person asks for it; `keys` are the links that move, all where it is a merge."""

    kind: ChangeKind
    source: CaseId
    target: CaseId
    keys: tuple[bytes, ...]
    reason: str
    label: str | None = None


class CaseChanges:
    """Keeps and does changes of cases."""

    def __init__(
        self,
        content: Content,
        cases: CaseRegister,
        *,
        check_two: Callable[[Connection, str, str], None],
        holds: HoldsOnCases,
        settle: Callable[[Connection, CaseId], None],
    ) -> None:
        """`check_two` raises RefusedError unless two people, by their ids, are two by the word of administrators.
        `settle` settles what is asked of a case and of those linked to it, by what each of them fears.
        """
        self._content = content
        self._cases = cases
        self._check_two = check_two
        self._along = BroughtAlong(content.sealer, cases, holds)
        self._settle = settle
        self._safeguards = Safeguards(content, cases.new_id, holds)

    def ask(self, connection: Connection, wanted: Wanted, *, id: str, person: str, actor: str, now: int) -> None:
        """A first person asks: nothing moves yet. Raises RefusedError not_found, conflict."""
        if wanted.source or wanted.kind is not ChangeKind.MOVE:
            find_row(connection, wanted.source, place="/id")
        if wanted.kind is not ChangeKind.SPLIT:
            find_row(connection, wanted.target, place="/into")
        if wanted.source == wanted.target:
            raise RefusedError(Code.CONFLICT, "it is one case already; nothing was changed")
        found = store.cases_of(connection, wanted.keys)
        if any(found.get(key, OF_NONE) != wanted.source for key in wanted.keys):
            raise RefusedError(
                Code.NOT_FOUND,
                "not all of this is of that case; nothing was changed",
                hint="trm case show prints what is of it",
            )
        why: dict[str, Json] = {"reason": wanted.reason, "label": wanted.label}
        ref = self._content.store.new_ref()
        content_rows.put(connection, [self._content.sealer.seal(ref, canon(why))])
        row = ChangeRow(
            ref=ref,
            id=id,
            kind=wanted.kind,
            state=ChangeState.ASKED,
            at=now,
            first=person.encode(),
            source=wanted.source,
            target=wanted.target,
        )
        store.add_change(connection, row, wanted.keys)
        journal.append_leaf(connection, leaf(now, "case.change_asked", action=wanted.kind, actor=actor))

    def confirm(self, connection: Connection, id: str, *, person: str, actor: str, now: int) -> ChangeState:
        """A second, different person does what the first asked for: the change, or its end. Raises RefusedError."""
        row = find_change(connection, id)
        if row.state not in (ChangeState.ASKED, ChangeState.UNDO_ASKED):
            raise RefusedError(Code.CONFLICT, f"the change is {row.state}; nothing was changed")
        if row.first == person.encode():
            raise RefusedError(
                Code.CONFLICT, "the same person asked for this; it still waits for a different one; nothing was changed"
            )
        self._check_two(connection, row.first.decode(), person)
        if row.state == ChangeState.ASKED:
            self._do(connection, row, actor, now)
            state = ChangeState.DONE
        else:
            self._undo(connection, row, actor, now)
            state = ChangeState.UNDONE
        judge_consents(connection, {row.source, row.target}, now)
        store.set_change(connection, row.ref, state=state, first=person.encode(), at=now)
        for case in _open_cases(connection, row):
            self._settle(connection, case)
        journal.append_leaf(connection, leaf(now, "case.changed", action=row.kind, state=state, actor=actor))
        return state

    def undo(self, connection: Connection, id: str, *, person: str, actor: str, now: int) -> ChangeState:
        """A person asks that a change is taken back. One that nobody confirmed ends at once. Raises RefusedError."""
        row = find_change(connection, id)
        if row.state not in (ChangeState.ASKED, ChangeState.DONE):
            raise RefusedError(Code.CONFLICT, f"the change is {row.state}; nothing was changed")
        state = ChangeState.UNDONE if row.state == ChangeState.ASKED else ChangeState.UNDO_ASKED
        store.set_change(connection, row.ref, state=state, first=person.encode(), at=now)
        journal.append_leaf(connection, leaf(now, "case.undo_asked", action=row.kind, state=state, actor=actor))
        return state

    def _do(self, connection: Connection, row: ChangeRow, actor: str, now: int) -> None:
        keys, laid = store.moved(connection, row.ref), [self._safeguards.over(connection, row.source)]
        if row.kind == ChangeKind.SPLIT:
            self._begin(connection, row, now)
        else:
            find_row(connection, row.target, place="/into")
        if row.kind == ChangeKind.MERGE:
            find_row(connection, row.source, place="/id")
            laid.append(self._safeguards.over(connection, row.target))
            keys = [link.key for link in store.links(connection, row.source)]
            store.set_state(connection, row.source, CaseState.MERGED)
        else:
            keys += self._along.find(connection, row.source, keys)
        store.note_moved(connection, row.ref, keys)
        if self._move(connection, row, keys, now) != len(keys):
            raise RefusedError(
                Code.CHANGED_MEANWHILE,
                "something of this was erased or moved since the change was asked for; nothing was changed",
                hint="take it back (trm case undo) and ask anew",
            )
        self._along.carry(connection, keys, row.source, row.target, actor, now)
        self._write_down(connection, row, keys, to=row.target, now=now)
        self._protect(connection, row, laid, keys, now)

    def _begin(self, connection: Connection, row: ChangeRow, now: int) -> None:
        """The case that a split makes; the units that look after the old one look after it too."""
        said = reason_of(self._content, content_rows.get(connection, [row.ref]).get(row.ref))
        old = store.get(connection, [row.source])[row.source]
        label = said.get("label")
        card = replace(
            self._cases.card_in(connection, old), label=label if isinstance(label, str) else None, number=None, group={}
        )
        sealed = None if card == Card() else self._cases.sealed(card)
        content_rows.put(connection, [] if sealed is None else [sealed])
        begun = CaseRow(id=row.target, state=CaseState.OPEN, at=now, card=None if sealed is None else sealed.ref)
        store.open_cases(connection, [begun])

    def _protect(
        self, connection: Connection, row: ChangeRow, laid: Sequence[Laid], keys: Collection[bytes], now: int
    ) -> None:
        """Lay over each case that is open what lay over the parts that went: nobody has said whom it concerns. Drafts,
        consents and numbers that are moved alone bring nothing.
        """
        sides = _open_cases(connection, row)
        talks = [link.key for link in store.links_of(connection, sides, LinkKind.CONVERSATION)]
        if row.kind == ChangeKind.MOVE and set(keys).isdisjoint(talks):
            return
        for case in sides:
            for one in laid:
                self._safeguards.lay(connection, one, case, now)

    def _undo(self, connection: Connection, row: ChangeRow, actor: str, now: int) -> None:
        """Move back what moved and is still there; what came to the case since stays."""
        _check_apart(connection, row)
        laid = self._safeguards.over(connection, row.target)
        there = store.cases_of(connection, store.moved(connection, row.ref))
        keys = [key for key, case in there.items() if case == row.target]
        keys = list(dict.fromkeys([*keys, *self._along.find(connection, row.target, keys)]))
        self._write_down(connection, row, keys, to=row.source, now=now)
        if row.source == OF_NONE:
            store.unlink(connection, keys)
            return
        if row.kind == ChangeKind.MERGE:
            store.set_state(connection, row.source, CaseState.OPEN)
        store.move_links(connection, keys, was=row.target, to=row.source)
        self._along.carry(connection, keys, row.target, row.source, actor, now)
        self._protect(connection, row, [laid], keys, now)

    def _move(self, connection: Connection, row: ChangeRow, keys: Collection[bytes], now: int) -> int:
        """Move the links of a change; how many there were."""
        if row.source == OF_NONE:
            return self._along.take_in(connection, keys, row.target, now)
        return store.move_links(connection, keys, was=row.source, to=row.target)

    def _write_down(
        self, connection: Connection, row: ChangeRow, keys: Collection[bytes], *, to: CaseId, now: int
    ) -> None:
        """In the ledger: a restore would mix two persons again, or part what is one."""
        names = [named_case(row.source)] if row.kind == ChangeKind.MERGE else []
        names += map(named_link, keys)
        ledger.add_moved(connection, self._content.sealer.hashes(names), to or None, at=now)

    def repeat(self, connection: Connection, wanted: Wanted, *, now: int) -> None:
        """Do again what two people did and a restore forgot: it stands as done, and people can take it back."""
        ref = self._content.store.new_ref()
        why: dict[str, Json] = {"reason": wanted.reason, "label": wanted.label}
        content_rows.put(connection, [self._content.sealer.seal(ref, canon(why))])
        row = ChangeRow(
            ref=ref,
            id=self._cases.new_id(),
            kind=wanted.kind,
            state=ChangeState.DONE,
            at=now,
            first=b"",
            source=wanted.source,
            target=wanted.target,
        )
        store.add_change(connection, row, wanted.keys)
        if row.kind == ChangeKind.SPLIT:
            self._begin(connection, row, now)
        elif row.kind == ChangeKind.MERGE:
            store.set_state(connection, row.source, CaseState.MERGED)
        self._move(connection, row, wanted.keys, now)
        self._along.carry(connection, wanted.keys, row.source, row.target, None, now)
        if row.kind == ChangeKind.SPLIT:  # the ledger names every asylum hold, and what lies over cases that are here
            laid = replace(self._safeguards.over(connection, row.source), holds=())
            self._safeguards.lay(connection, laid, row.target, now)
        judge_consents(connection, {row.source, row.target}, now)


def _open_cases(connection: Connection, row: ChangeRow) -> list[CaseId]:
    """Find which of the two cases are open now."""
    rows = store.get(connection, (row.source, row.target)).values()
    return [one.id for one in rows if one.state == CaseState.OPEN]


def _check_apart(connection: Connection, row: ChangeRow) -> None:
    """Raises RefusedError conflict where a case of this change was merged into another one since: what moves back would
    be of a case that nobody sees, and under none of what lies over the one that it became.
    """
    sides = {row.target} if row.kind == ChangeKind.MERGE else {row.source, row.target}
    if any(one.state != CaseState.OPEN for one in store.get(connection, sides).values()):
        raise RefusedError(
            Code.CONFLICT,
            "a case of this change was merged into another one since; nothing was changed",
            hint="take that merge back first: trm case show prints the changes of a case",
        )


def reason_of(content: Content, sealed: SealedRow | None) -> dict[str, Json]:
    """Why people wanted a change."""
    value = {} if sealed is None else orjson.loads(content.sealer.open(sealed))
    return value if isinstance(value, dict) else {}


def find_change(connection: Connection, id: str) -> ChangeRow:
    """One change. Raises RefusedError not_found."""
    row = store.get_change(connection, id)
    if row is None:
        raise RefusedError(Code.NOT_FOUND, "no such change", hint="trm case show prints the changes of a case")
    return row


def judge_consents(connection: Connection, cases: Collection[CaseId], now: int) -> None:
    """Tell people where another case than its own relies on a consent; what was told before and is mended ends. One
    that was of none, since two cases relied on it, is of the one that is left. Of what was withdrawn nobody has
    to decide any more.
    """
    consents = store.consents_of(connection, cases)
    relying = store.cases_relying(connection, [index for _, index, _, _ in consents])
    crossed = {ref for ref, index, case, state in consents if state != WITHDRAWN and relying.get(index, set()) - {case}}
    for ref in sorted(crossed):
        journal.raise_alarm(connection, at=now, kind="consent.two_cases", ref=ref)
    mended = {ref for ref, _, _, _ in consents} - crossed
    for ref, index in store.consents_relied_on(connection, cases):
        of_it = case_of_consent(store.cases_relying(connection, [index]).get(index, set()))
        if of_it is not None:
            store.link(connection, [Link(key=index, kind=LinkKind.CONSENT, case_id=of_it)])
            mended.add(ref)
    journal.dismiss_about(connection, mended, ["consent.two_cases"], at=now)

"""Drafts that are written at the desk: saved, and changed by whoever has seen the newest version (RFC 9110, 13.1.1).

A draft may be unfinished. What it lacks is told with each answer and judged when a person releases it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.cases.register import CaseRegister, Joining
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.sealed_content import Content
from gateway.delivery.draft_case import joining_of, rejoin
from gateway.delivery.intake import WAITING
from gateway.delivery.operations.completing import case_now, case_of
from gateway.delivery.operations.draft_models import ENQUIRY, ChangeDraft, Saved, SaveDraft
from gateway.delivery.operations.waiting_drafts import drafted, find_draft, find_version, version_of
from gateway.delivery.outbound.draft import DraftReader
from gateway.errors import Code, RefusedError
from gateway.messages.store import local
from gateway.messages.store.local import DraftRow
from gateway.messages.wakeups import EventStream
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import CASE_SYSTEMS, CASES
from gateway.ports import Clock, Json, OperationResult
from keys.primitives.encoding import b64u, canon


class DraftOperations:
    """Operations that write drafts."""

    def __init__(
        self,
        *,
        content: Content,
        drafts: DraftReader,
        cases: CaseRegister,
        events: EventStream,
        clock: Clock,
        rand: Callable[[int], bytes],
    ) -> None:
        self._content = content
        self._cases = cases
        self._drafts = drafts
        self._events = events
        self._clock = clock
        self._rand = rand

    @operation(
        "draft.save",
        "keep a draft for a person to release",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Saved,
        units=Units.NARROWED,
        creates=True,
        example={"draft": dict(ENQUIRY)},
        takes_in=True,
    )
    async def save(self, asked: SaveDraft) -> OperationResult:
        """Keep a new draft for a person to release."""
        id, draft = b64u(self._rand(16)), asked.draft.given()
        joining = joining_of(self._content, self._cases, id, draft)
        await keep(self._content, self._events, self._clock, draft, id=id, joining=joining)
        return OperationResult(value=self._answer(id, draft), created=True)

    @operation(
        "draft.change",
        "change a draft",
        roles=CASES,
        about=About.CASE,
        answer=Saved,
        units=Units.NARROWED,
        example={"draft": dict(ENQUIRY)},
        takes_in=True,
    )
    async def change(self, asked: ChangeDraft) -> OperationResult:
        """Put another draft in the place of the version that the caller has seen. Raises RefusedError
        changed_meanwhile.
        """
        id, seen, draft = asked.id, asked.if_match, asked.draft.given()
        row, found = await find_draft(self._content.store, id)
        if row.state != WAITING:
            raise RefusedError(Code.CONFLICT, f"the draft is {row.state}; nothing was changed")
        of_case, there = await case_of(self._content, id), drafted(self._content.sealer, found.get(row.ref))
        if await find_version(self._content, id, there) != seen:
            raise _changed()
        now, sealed = self._clock.now(), self._content.sealer.seal(row.ref, canon(draft))
        before, joining = found[row.ref].data, joining_of(self._content, self._cases, id, draft)

        def move(connection: Connection) -> None:
            current, held = local.get_draft(connection, id), content_rows.get(connection, [row.ref])
            if current is None or current.state != WAITING or row.ref not in held or held[row.ref].data != before:
                raise _changed()
            if case_now(connection, id) != of_case:  # two people moved it: what was seen names the case that it was of
                raise _changed()
            content_rows.erase(connection, row.ref)
            content_rows.put(connection, [sealed])
            rejoin(connection, id, joining, now)
            local.set_first(connection, id, None)  # whoever released it released another one
            journal.append_leaf(connection, leaf(now, "draft.changed", id=id))

        await self._content.store.move(move)
        return OperationResult(value=self._answer(id, draft))

    def _answer(self, id: str, draft: dict[str, Json]) -> dict[str, Json]:
        """The stored draft's version, and what still keeps it from going."""
        findings: list[Json] = []
        try:
            self._drafts.check_form(draft)
        except RefusedError as error:
            findings = [f.to_json() for f in error.findings]
            findings = findings or [{"place": "", "rule": str(error.code), "hint": error.hint}]
        return {"id": id, "state": WAITING, "version": version_of(draft), "findings": findings}


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRelease:
    """Who released a draft first: as `actors.name_actor` names them, and their pseudonym for the audit log."""

    by: str
    actor: str


async def keep(
    content: Content,
    events: EventStream,
    clock: Clock,
    draft: dict[str, Json],
    *,
    id: str,
    joining: Joining | None = None,
    first: FirstRelease | None = None,
    also: Callable[[Connection], None] = lambda connection: None,
) -> None:
    """Store a draft that waits for a person; or for a second one, where a first released it as it is written. `also` is
    written in the same transaction.
    """
    ref, now = content.store.new_ref(), clock.now()
    sealed = content.sealer.seal(ref, canon(draft))

    def move(connection: Connection) -> None:
        content_rows.put(connection, [sealed])
        local.add_draft(connection, DraftRow(ref=ref, id=id, origin=None, state=WAITING, at=now))
        rejoin(connection, id, joining, now)
        journal.add_event(connection, at=now, kind="draft", ref=ref, state=WAITING)
        journal.append_leaf(connection, leaf(now, "draft.made", id=id))
        if first is not None:
            local.set_first(connection, id, first.by.encode())
            journal.append_leaf(connection, leaf(now, "draft.released_first", id=id, actor=first.actor))
        also(connection)

    await content.store.move(move)
    await events.happened()


def _changed() -> RefusedError:
    return RefusedError(
        Code.CHANGED_MEANWHILE,
        "the draft is not the one you have seen; nothing was changed",
        hint="read it again, make the change there, and give its new version in If-Match",
    )

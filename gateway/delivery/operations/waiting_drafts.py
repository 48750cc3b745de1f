"""Drafts that wait for a person: listed, shown, discarded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection

from gateway.access import people_store
from gateway.attachments import store as attachments
from gateway.cases import register
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.content import SealedRow
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.delivery.draft_case import name_cases
from gateway.delivery.intake import DISCARDED, WAITING
from gateway.delivery.operations.draft_models import (
    WAITING_SECOND,
    Discarded,
    DraftPage,
    Drafts,
    OneDraft,
    WholeDraft,
)
from gateway.errors import Code, RefusedError
from gateway.messages.draft_form import LARGEST
from gateway.messages.store import local
from gateway.messages.wakeups import Wakeups
from gateway.operations.actors import pseudonym
from gateway.operations.paging import paged
from gateway.operations.registry import About, Reading, Units, operation
from gateway.operations.roles import CASES, Caller, person_in
from gateway.ports import Clock, Json, NoticeKind, OperationResult
from keys.primitives.encoding import b64u, canon, parse, sha256

FIRST_BY = "released_first_by"
"""The member of a sealed draft in which 0.1.0 kept the name of who released it first; it is no part of the draft."""


class WaitingDraftOperations:
    """Operations on drafts that wait for a person."""

    def __init__(
        self,
        *,
        content: Content,
        wakeups: Wakeups,
        clock: Clock,
        actor: Actor,
    ) -> None:
        self._content = content
        self._wakeups = wakeups
        self._clock = clock
        self._actor = actor

    @operation(
        "draft.list",
        "drafts that wait for a person",
        roles=CASES,
        about=About.CASE,
        answer=Drafts,
        units=Units.NARROWED,
    )
    async def list_drafts(self, asked: DraftPage, caller: Caller) -> OperationResult:
        """Drafts of one state, oldest first; by default those that wait for a person."""
        state, limit, after = asked.state or WAITING, asked.limit, asked.position or 0

        def query(c: Connection) -> tuple[list[local.DraftRow], dict[int, SealedRow]]:
            rows = local.drafts(c, state=state, limit=limit + 1, after=after)
            return rows, content_rows.get(c, [ref for row in rows for ref in (row.ref, row.origin) if ref is not None])

        rows, sealed = await self._content.store.read(query)
        shown, following = paged(rows, limit, lambda row: row.ref)
        drafts = await self._drafts_of_now(shown, sealed)
        lines = await self._draft_lines(shown, sealed, drafts, caller)
        return OperationResult(value={"drafts": [*lines], "next": following})

    async def _drafts_of_now(
        self, rows: Sequence[local.DraftRow], sealed: Mapping[int, SealedRow]
    ) -> dict[str, dict[str, Json]]:
        """What these say, by their ids, with the cases that they are of now."""
        drafts = {row.id: drafted(self._content.sealer, sealed.get(row.ref)) for row in rows}
        return await self._content.store.read(lambda c: name_cases(self._content.sealer, c, drafts))

    async def _draft_lines(
        self,
        rows: Sequence[local.DraftRow],
        sealed: Mapping[int, SealedRow],
        drafts: Mapping[str, Mapping[str, Json]],
        caller: Caller,
    ) -> list[dict[str, Json]]:
        names = await register.names_of(self._content, [register.draft_key(row.id) for row in rows])
        firsts = [None if row.first is None else row.first.decode() for row in rows]
        people = await self._name_people(first for first in firsts if first is not None)
        return [
            _draft_summary(self._content.sealer, row, sealed, drafts[row.id])
            | {
                "of_case": names.get(register.draft_key(row.id)),
                "first_by": people.get(first or ""),
                "first_by_caller": first == caller.actor,
            }
            for row, first in zip(rows, firsts, strict=True)
        ]

    async def _name_people(self, actors: Iterable[str]) -> Mapping[str, str]:
        """What colleagues call those who released drafts first, for the second person to see; a user of a case system
        has no name here.
        """
        ids = {actor: id for actor in actors if (id := person_in(actor)) is not None}
        found = await self._content.store.read(lambda c: {id: people_store.find(c, id) for id in set(ids.values())})
        return {actor: row.name for actor, id in ids.items() if (row := found[id]) is not None}

    @operation(
        "draft.show",
        "one draft",
        roles=CASES,
        about=About.CASE,
        answer=WholeDraft,
        units=Units.NARROWED,
        reads=Reading(what="draft"),
    )
    async def show_draft(self, asked: OneDraft, caller: Caller) -> OperationResult:
        """One draft with everything in it, as it would be sent."""
        row, sealed = await find_draft(self._content.store, asked.id)
        drafts = await self._drafts_of_now([row], sealed)
        (line,) = await self._draft_lines([row], sealed, drafts, caller)
        return OperationResult(value=line | {"draft": drafts[row.id]})

    @operation(
        "draft.discard",
        "a named person discards it",
        roles=CASES,
        about=About.CASE,
        answer=Discarded,
        units=Units.NARROWED,
        by_person=True,
    )
    async def discard_draft(self, asked: OneDraft, caller: Caller) -> OperationResult:
        """A named person discards a draft with its files; its record in the case system is told."""
        row, sealed = await find_draft(self._content.store, asked.id)
        files = drafted(self._content.sealer, sealed.get(row.ref)).get("message")
        now, actor = self._clock.now(), pseudonym(caller.actor, self._actor)

        def move(connection: Connection) -> None:
            if not local.set_draft_state(connection, row.id, was=WAITING, to=DISCARDED):
                raise RefusedError(Code.CONFLICT, f"the draft is {row.state}; nothing was changed")
            content_rows.erase(connection, row.ref)
            if isinstance(files, str):
                attachments.drop_unsent(connection, files)
            register.forget_draft(connection, row.id)
            journal.append_leaf(connection, leaf(now, "draft.discarded", id=row.id, actor=actor))
            if row.origin is not None:
                local.add_notice(connection, kind=str(NoticeKind.DISCARDED), origin=row.origin, at=now)

        await self._content.store.move(move)
        self._wakeups.handover.set()
        return OperationResult(value={"id": row.id, "state": DISCARDED})


def _draft_summary(
    sealer: ContentSealer, row: local.DraftRow, sealed: Mapping[int, SealedRow], draft: Mapping[str, Json]
) -> dict[str, Json]:
    origin = sealed.get(row.origin) if row.origin is not None else None
    header = draft.get("header")
    return {
        "id": row.id,
        "state": WAITING_SECOND if row.state == WAITING and row.first is not None else row.state,
        "at": row.at,
        "type": _said(draft.get("type")),
        "to": _said(draft.get("to")),
        "unit": _said(header.get("sender_unit")) if isinstance(header, dict) else None,
        "record": None if origin is None else sealer.open(origin).decode(),
        "version": version_of(draft),
    }


def _said(value: Json) -> str | None:
    """A member of a draft where it is text; what is unfinished may hold anything there."""
    return value if isinstance(value, str) else None


async def find_version(content: Content, id: str, draft: Mapping[str, Json]) -> str:
    """Find the version in which a draft is shown now, with the case that it is of."""
    shown = await content.store.read(lambda c: name_cases(content.sealer, c, {id: draft}))
    return version_of(shown[id])


def version_of(draft: Mapping[str, Json]) -> str:
    """The entity tag of a draft: equal where every member is, and a hash under no key of what only its reader has."""
    return b64u(sha256(canon(dict(draft)))[:16])


def drafted(sealer: ContentSealer, sealed: SealedRow | None) -> dict[str, Json]:
    """The draft in a sealed row; empty once it was erased."""
    if sealed is None:
        return {}
    value = parse(sealer.open(sealed), limit=LARGEST)
    if not isinstance(value, dict):
        raise RuntimeError("a stored draft is an object")
    return {name: member for name, member in value.items() if name != FIRST_BY}


async def find_draft(store: Store, id: str) -> tuple[local.DraftRow, dict[int, SealedRow]]:
    """A draft with its sealed rows: its content, and the name of the record it was made of. Raises RefusedError."""

    def query(c: Connection) -> tuple[local.DraftRow | None, dict[int, SealedRow]]:
        row = local.get_draft(c, id)
        refs = [] if row is None else [ref for ref in (row.ref, row.origin) if ref is not None]
        return row, content_rows.get(c, refs)

    row, sealed = await store.read(query)
    if row is None:
        raise RefusedError(Code.NOT_FOUND, "no such draft", hint="trm draft list shows the ids")
    return row, sealed

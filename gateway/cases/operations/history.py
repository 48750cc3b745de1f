"""What people note of a case: status and roles of the person, and who must not see it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from sqlalchemy import Connection

import schemas
from gateway.access import people_store
from gateway.cases import entries, store
from gateway.cases.history import BlockEntry, BlockOf, Entry, RoleEntry, StatusEntry, check_entry
from gateway.cases.operations.history_models import BlockFromCase, NoteRole, NoteStatus
from gateway.cases.operations.models import CaseDone, OneCase
from gateway.cases.register import find_row
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.sealed_content import Content
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.config import Config
from gateway.foundation.workdays import parse_day
from gateway.messages.store import messages
from gateway.operations.actors import pseudonym
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import CASES, FOCAL_POINT, Caller
from gateway.ports import Clock, OperationResult

Logged: TypeAlias = Callable[[int, str], Callable[[int], bytes]]
"""Makes the entry of the audit log, of the time and who acted."""


class CaseHistoryOperations:
    """Operations that add an entry to a case; none changes or takes away one."""

    def __init__(self, *, content: Content, config: Config, clock: Clock, actor: Actor) -> None:
        self._content = content
        self._config = config
        self._clock = clock
        self._actor = actor

    @operation(
        "case.note_status",
        "how a country sees the person",
        roles=CASES,
        about=About.CASE,
        answer=CaseDone,
        units=Units.NARROWED,
        by_person=True,
        example={"status": "presumed", "country": "FR", "body": "Police", "on": "2026-11-20"},
    )
    async def note_status(self, asked: NoteStatus, caller: Caller) -> OperationResult:
        """Note what a body of a country decided about the person, or what the person says. Countries may differ, and
        nothing overwrites: what was wrong is put right by a later entry.
        """
        _check_code("country", asked.country, "country")
        if asked.body is not None:
            _check_code("body", asked.body, "decision_body")
        entry = StatusEntry(
            status=asked.status,
            country=asked.country,
            body=asked.body,
            on=_day(asked.on),
            message=asked.message,
            at=self._clock.now(),
        )
        return await self._note(asked, entry, caller, lambda now, actor: leaf(now, "case.status_noted", actor=actor))

    @operation(
        "case.note_role",
        "what the person is besides",
        roles=CASES,
        about=About.CASE,
        answer=CaseDone,
        units=Units.NARROWED,
        by_person=True,
        example={"role": "witness", "on": "2026-11-20"},
    )
    async def note_role(self, asked: NoteRole, caller: Caller) -> OperationResult:
        """Note that the person has a role from a day on, or has `ended` to have it. One person may have several."""
        entry = RoleEntry(role=asked.role, on=_day(asked.on), ended=asked.ended, at=self._clock.now())
        return await self._note(asked, entry, caller, lambda now, actor: leaf(now, "case.role_noted", actor=actor))

    @operation(
        "case.block",
        "somebody must not see it",
        roles=CASES,
        about=About.CASE,
        answer=CaseDone,
        units=Units.NARROWED,
        by_person=True,
        example={"unit": "shelter", "reason": "a relative works there"},
    )
    async def block(self, asked: BlockFromCase, caller: Caller) -> OperationResult:
        """Keep a person or a unit of this node out of a case from now on, for a conflict of interest: to them nothing
        of it is there any more, by no id and in no list. Somebody may say it of themselves.
        """
        return await self._block(asked, caller, False, lambda now, actor: leaf(now, "case.blocked", actor=actor))

    @operation(
        "case.unblock",
        "they may see it again",
        roles=FOCAL_POINT,
        about=About.CASE,
        answer=CaseDone,
        units=Units.NARROWED,
        by_person=True,
        example={"unit": "shelter", "reason": "she left"},
    )
    async def unblock(self, asked: BlockFromCase, caller: Caller) -> OperationResult:
        """End that: a focal point says why."""
        return await self._block(asked, caller, True, lambda now, actor: leaf(now, "case.unblocked", actor=actor))

    async def _block(self, asked: BlockFromCase, caller: Caller, ended: bool, logged: Logged) -> OperationResult:
        who, id = await self._whom(asked)
        entry = BlockEntry(who=who, id=id, reason=asked.reason, ended=ended, at=self._clock.now())
        return await self._note(asked, entry, caller, logged)

    async def _whom(self, asked: BlockFromCase) -> tuple[BlockOf, str]:
        person, unit = asked.person, asked.unit
        if (person is None) is (unit is None):
            raise _invalid("/person", "required", "the id of a person, or else /unit")
        if unit is not None:
            if unit not in {one.id for one in self._config.units}:
                raise _invalid("/unit", "unknown_unit", "a unit of this node's node.toml")
            return BlockOf.UNIT, unit
        if await self._content.store.read(lambda c: people_store.find(c, person or "")) is None:
            raise _invalid("/person", "unknown_person", "trm person list shows the ids")
        return BlockOf.PERSON, person or ""

    async def _note(self, asked: OneCase, entry: Entry, caller: Caller, logged: Logged) -> OperationResult:
        now, actor = self._clock.now(), pseudonym(caller.actor, self._actor)
        today = datetime.fromtimestamp(now, UTC).date().isoformat()

        def move(connection: Connection) -> None:
            row = find_row(connection, asked.id, place="/id")
            if isinstance(entry, StatusEntry) and entry.message is not None:
                found = messages.find(connection, entry.message)
                of = store.cases_of(connection, [one.conversation for one in found])
                if row.id not in of.values():
                    raise _invalid("/message", "another_case", "a message of this case")
            check_entry(entry, entries.of_case(self._content.sealer, connection, row.id), today=today)
            if isinstance(entry, BlockEntry):
                entries.block(self._content, connection, row.id, entry, at=now)
            else:
                entries.add(self._content, connection, row.id, entry)
            journal.append_leaf(connection, logged(now, actor))

        await self._content.store.move(move)
        return OperationResult(value={"id": asked.id})


def _day(value: str) -> str:
    day = parse_day(value)
    if day is None:
        raise _invalid("/on", "format", "a day as 2026-11-20")
    return day.isoformat()


def _check_code(name: str, value: str, listed: str) -> None:
    if value not in schemas.code_list(listed):
        raise _invalid(f"/{name}", "unknown_code", f"a code of the list {listed}")


def _invalid(place: str, rule: str, hint: str) -> RefusedError:
    what = "the entry is wrong; nothing was noted"
    return RefusedError(Code.INVALID, what, findings=[Finding(place=place, rule=rule, hint=hint)])

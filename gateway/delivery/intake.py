"""Collecting: records of the case system become drafts that wait for a person. Nothing is sent from here
(nrm1 12.9).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from sqlalchemy import Connection

from gateway.cases import register
from gateway.cases.register import CaseRegister, Joining
from gateway.cases.rules import ABOUT_A_PERSON, Card, Signs, pseudonym_of
from gateway.database import content, journal
from gateway.database.audit_entries import leaf
from gateway.database.sealed_content import Content
from gateway.delivery.outbound import draft as drafts
from gateway.delivery.outbound.draft import DraftReader
from gateway.errors import Code, Finding, RefusedError, TransientError
from gateway.foundation.logs import logger
from gateway.mapping.to_message import RecordMapping, map_record, placed
from gateway.messages.store import local
from gateway.messages.store.local import DraftRow
from gateway.messages.wakeups import EventStream
from gateway.ports import Adapter, Clock, Json, LocalRecord, Notice, NoticeKind
from keys.primitives.encoding import b64u, canon, sha256

WAITING = local.WAITING
REFUSED = "refused"
REPLACED = "replaced"
RELEASED = "released"
DISCARDED = "discarded"

PATIENCE = 600
"""Seconds for which nothing could be collected until a person is told."""


class Intake:
    """The loop that looks into the case system."""

    def __init__(
        self,
        *,
        content: Content,
        drafts: DraftReader,
        events: EventStream,
        clock: Clock,
        rand: Callable[[int], bytes],
        cases: CaseRegister,
        adapter: Adapter,
        mappings: Mapping[str, RecordMapping],
        seconds: int,
    ) -> None:
        self._content = content
        self._drafts = drafts
        self._events = events
        self._clock = clock
        self._rand = rand
        self._cases = cases
        self._adapter = adapter
        self._mappings = mappings
        self._seconds = seconds
        self._failing: float | None = None
        self._told = False
        self._log = logger()

    async def run(self) -> None:
        """Look every so many seconds until cancelled."""
        while True:
            try:
                while await self.once():
                    pass
                self._failing = None
            except (TransientError, RefusedError) as error:
                self._log.warning("collect.failed", code=str(error.code))
                with suppress(TransientError):
                    await self._failed()
            await self._clock.sleep(self._seconds)

    async def _failed(self) -> None:
        """A case system that shows nothing for long is told to a person, once until it is there again."""
        tick = self._clock.monotonic()
        if self._failing is None:
            self._failing, self._told = tick, False
        if not self._told and tick - self._failing >= PATIENCE:
            now = self._clock.now()
            await self._content.store.move(lambda c: journal.raise_alarm(c, at=now, kind="adapter.busy"))
            self._told = True

    async def once(self) -> int:
        """Take one batch of records; returns how many."""
        records = await self._adapter.pull()
        for record in records:
            await self._adapter.settle(record, await self._take(record))
        return len(records)

    async def _take(self, record: LocalRecord) -> Notice:
        """Make the draft durable, or say what is wrong with the record; the same version again changes nothing."""
        now = self._clock.now()
        kind = self._adapter.describe().kind
        key = self._content.sealer.origin_index(kind, record.ref)
        version = sha256(
            json.dumps([dict(record.fields), record.mapping], sort_keys=True).encode()
        )  # labels of any kind
        known = await self._content.store.read(lambda c: local.find_origin(c, key))
        drafted = known is not None and await self._content.store.read(lambda c: local.has_draft(c, known[0]))
        if known is not None and known[1] == version and drafted:
            return Notice(key=f"again.{known[0]}", ref=record.ref, kind=NoticeKind.DRAFTED, at=now)
        draft, fault = self._draft(record)
        id = b64u(self._rand(16))
        joining = None if draft is None else self._joining(id, key, draft)
        if joining is not None:
            try:
                await self._content.store.read(partial(register.find, signs=joining.signs))
            except RefusedError as error:  # it has the number of another person's case now
                draft, fault, joining = None, error, None
        origin = known[0] if known is not None else self._content.store.new_ref()
        name = self._content.sealer.seal(origin, record.ref.encode()) if known is None else None
        ref = self._content.store.new_ref()
        sealed = self._content.sealer.seal(ref, canon(draft)) if draft is not None else None

        def move(connection: Connection) -> None:
            if name is not None:
                content.put(connection, [name])
                local.add_origin(connection, origin, key, version, at=now)
            else:
                local.set_origin_version(connection, origin, version)
                local.replace_drafts(connection, origin, was=WAITING, to=REPLACED)
            if joining is not None:
                register.join(connection, joining, now)
            if sealed is not None:
                content.put(connection, [sealed])
                local.add_draft(connection, DraftRow(ref=ref, id=id, origin=origin, state=WAITING, at=now))
                journal.add_event(connection, at=now, kind="draft", ref=ref, state=WAITING)
                journal.append_leaf(connection, leaf(now, "draft.made", id=id))

        await self._content.store.move(move)
        await self._events.happened()
        if fault is not None:
            return Notice(
                key=f"refused.{origin}.{b64u(version[:8])}",
                ref=record.ref,
                kind=NoticeKind.REFUSED,
                at=now,
                code=fault.code,
                findings=fault.findings,
            )
        return Notice(key=f"drafted.{id}", ref=record.ref, kind=NoticeKind.DRAFTED, at=now)

    def _joining(self, id: str, record: bytes, draft: Mapping[str, Json]) -> Joining | None:
        """Of which case the draft of a record is: that of the record, else that of its number, else a new one. A record
        that moved from one number to another stays with its case; what is about no person is of a case that it names.
        """
        number, about = drafts.number_of(draft), drafts.kind_of(draft) == ABOUT_A_PERSON
        if number is None and not about:
            return None
        index = None if number is None else register.number_signs(self._content.sealer, [number])[number]
        label = pseudonym_of(members) if isinstance(members := draft.get("content"), dict) else None
        card = Card(number=number, label=label if number is None else None)
        return self._cases.joining(Signs(draft=register.draft_key(id), record=record, number=index), card)

    def _draft(self, record: LocalRecord) -> tuple[dict[str, Json] | None, RefusedError | None]:
        """The draft of a record, or everything that is wrong with it."""
        if record.faults:
            return None, _faulty(record.faults)
        mapping = None if record.mapping is None else self._mappings.get(record.mapping)
        if record.mapping is None:
            draft = dict(record.fields)
        elif mapping is None:
            hint = "the adapter names a mapping file that its settings do not give"
            return None, _faulty((Finding(place="", rule="unknown_mapping", hint=hint),))
        else:
            mapped = map_record(mapping, record)
            if not isinstance(mapped, dict):
                return None, _faulty(mapped)
            draft = mapped
        try:
            self._drafts.check_form(draft)
        except RefusedError as error:
            if mapping is None:
                return None, error
            findings = placed(mapping, record, error.findings)
            return None, RefusedError(error.code, error.what, hint=error.hint, findings=findings)
        return draft, None


def _faulty(findings: tuple[Finding, ...]) -> RefusedError:
    return RefusedError(Code.MAPPING_FAILED, f"the record has {len(findings)} fault(s)", findings=findings)

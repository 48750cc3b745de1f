"""From records of the case system to drafts that wait for a person (nrm1 12.9): each is read for itself, and those that
came together are written in one transaction.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from gateway.cases import register
from gateway.cases.register import CaseRegister, Joining
from gateway.cases.rules import ABOUT_A_PERSON, Card, Signs, pseudonym_of
from gateway.database.sealed_content import Content
from gateway.delivery.outbound import draft as drafts
from gateway.delivery.outbound.draft import DraftReader
from gateway.delivery.record_files import RecordFiles, mark_of, name_files, naming_faults
from gateway.delivery.record_rows import Known, Read, Ready, find_known, write_records
from gateway.errors import Code, Finding, RefusedError, TransientError
from gateway.foundation.ids import UnitId
from gateway.mapping.to_message import RecordMapping, map_record, placed
from gateway.messages.store.records import OriginRow
from gateway.messages.wakeups import EventStream
from gateway.ports import Clock, Json, LocalRecord, Notice, NoticeKind
from keys.primitives.encoding import b64u, canon, sha256


class RecordDrafter:
    """Makes drafts of records."""

    def __init__(
        self,
        *,
        content: Content,
        drafts: DraftReader,
        events: EventStream,
        clock: Clock,
        rand: Callable[[int], bytes],
        cases: CaseRegister,
        files: RecordFiles,
        mappings: Mapping[str, RecordMapping],
    ) -> None:
        self._content = content
        self._drafts = drafts
        self._events = events
        self._clock = clock
        self._rand = rand
        self._cases = cases
        self._files = files
        self._mappings = mappings

    async def take(self, kind: str, pulled: Sequence[LocalRecord]) -> list[Notice | TransientError]:
        """Make the drafts of these records durable, with their files, or say what is wrong with each; the same version
        again changes nothing. `kind` is that of the adapter; each `ref` stands here once. Where files of a record
        cannot be read now, or it was erased or taken meanwhile, the error stands in the place of its outcome: it has to
        come once more.
        """
        now = self._clock.now()
        keys = self._content.sealer.origin_indexes(kind, [record.ref for record in pulled])
        known = await self._content.store.read(lambda c: find_known(c, keys))
        await self._files.give_up_unfinished([one.version for one in known.values()])
        notices: dict[str, Notice | TransientError] = {}
        read: list[Read] = []
        for record, key in zip(pulled, keys, strict=True):
            version, before = _version_of(record), known.get(key)
            if before is not None and before.drafted and before.version == version:
                notices[record.ref] = _drafted(record.ref, f"again.{before.origin}", now)
            else:
                one = self._read(record, key, version, before, now)
                await asyncio.sleep(0)  # reading takes a millisecond: the node serves others between two records
                try:
                    read.append(await self._with_files(record, one))
                except TransientError as error:
                    notices[record.ref] = error
        if read:
            read = await self._replacing(read, {record.ref: record for record in pulled})
            ready = self._prepare(read)
            missed = await self._content.store.move(lambda c: write_records(c, ready, now))
            await self._events.happened()
            notices |= {one.ref: _outcome(one, missed.get(one.row.ref, one.fault), now) for one in read}
        return [notices[record.ref] for record in pulled]

    def _read(self, record: LocalRecord, key: bytes, version: bytes, before: Known | None, now: int) -> Read:
        draft, fault = self._draft(record)
        ref = self._content.store.new_ref() if before is None else before.origin
        return Read(
            row=OriginRow(ref=ref, key=key, version=version, at=now),
            ref=record.ref,
            id=b64u(self._rand(16)),
            stands=None if before is None else before.version,
            draft=draft,
            fault=fault,
        )

    async def _with_files(self, record: LocalRecord, one: Read) -> Read:
        """Seal the files of its record with it; raises TransientError where they cannot be read now."""
        if not record.files or one.draft is None:
            return one
        header = one.draft.get("header")
        unit = header.get("sender_unit") if isinstance(header, dict) else None
        brought = await self._files.bring(
            record.files,
            one.row,
            name=None if one.known else one.ref,
            unit=UnitId(unit) if isinstance(unit, str) else None,
        )
        id = brought.message
        if brought.fault is not None:
            return replace(one, stands=mark_of(id), draft=None, fault=brought.fault)
        return replace(one, stands=mark_of(id), draft={**one.draft, "message": id}, brought=id)

    async def _replacing(self, read: Sequence[Read], said: Mapping[str, LocalRecord]) -> list[Read]:
        """The same, each with the message whose files came with the draft that it replaces, and go with that. One that
        the record itself names takes files that somebody added, and stays.
        """
        found = await self._files.messages_of_waiting([one.row.ref for one in read if one.known])
        named = {one.row.ref: said[one.ref].fields.get("message") for one in read}
        left = {origin: message for origin, message in found.items() if message != named[origin]}
        return [replace(one, left=left.get(one.row.ref)) for one in read]

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
        draft = name_files(draft, record.files)
        try:
            self._drafts.check_form(draft)
            if faults := naming_faults(draft, record.files):
                raise _faulty(faults)
        except RefusedError as error:
            if mapping is None:
                return None, error
            findings = placed(mapping, record, error.findings)
            return None, RefusedError(error.code, error.what, hint=error.hint, findings=findings)
        return draft, None

    def _prepare(self, read: Sequence[Read]) -> list[Ready]:
        """Seal what is written of all these, by few questions to the key service."""
        plain: dict[int, bytes] = {one.row.ref: one.ref.encode() for one in read if not one.known}
        refs = {one.id: self._content.store.new_ref() for one in read if one.draft is not None}
        plain |= {refs[one.id]: canon(one.draft) for one in read if one.draft is not None}
        sealed = {row.ref: row for row in self._content.sealer.seal_each(list(plain.items()))}
        joinings = self._joinings([(one, one.draft) for one in read if one.draft is not None])
        return [
            Ready(
                read=one,
                name=sealed.get(one.row.ref),
                draft=sealed[refs[one.id]] if one.id in refs else None,
                joining=joinings.get(one.id),
            )
            for one in read
        ]

    def _joinings(self, read: Sequence[tuple[Read, Mapping[str, Json]]]) -> dict[str, Joining]:
        """Find of which cases the drafts of records are, by the id of the draft: that of the record, else that of its
        number, else a new one. A record that moved from one number to another stays with its case; what is about no
        person is of a case that it names.
        """
        numbers = {one.id: number for one, draft in read if (number := drafts.number_of(draft)) is not None}
        indexes = register.number_signs(self._content.sealer, numbers.values()) if numbers else {}
        asked: dict[str, tuple[Signs, Card]] = {}
        for one, draft in read:
            number = numbers.get(one.id)
            if number is None and drafts.kind_of(draft) != ABOUT_A_PERSON:
                continue
            label = pseudonym_of(members) if isinstance(members := draft.get("content"), dict) else None
            signs = Signs(
                draft=register.draft_key(one.id),
                record=one.row.key,
                number=None if number is None else indexes[number],
            )
            asked[one.id] = signs, Card(number=number, label=label if number is None else None)
        return dict(zip(asked, self._cases.joinings(list(asked.values())), strict=True))


def _version_of(record: LocalRecord) -> bytes:
    """Hash what a record says; its labels are of any kind, so that no canonical form takes them all."""
    said: list[object] = [dict(record.fields), record.mapping]
    if record.files:
        said += [[file.place, file.size, file.sha256, file.doc_kind] for file in record.files]
    return sha256(json.dumps(said, sort_keys=True).encode())


def _drafted(ref: str, key: str, now: int) -> Notice:
    return Notice(key=key, ref=ref, kind=NoticeKind.DRAFTED, at=now)


def _outcome(read: Read, fault: RefusedError | TransientError | None, now: int) -> Notice | TransientError:
    if fault is None:
        return _drafted(read.ref, f"drafted.{read.id}", now)
    if isinstance(fault, TransientError):
        return fault
    return Notice(
        key=f"refused.{read.row.ref}.{b64u(read.row.version[:8])}",
        ref=read.ref,
        kind=NoticeKind.REFUSED,
        at=now,
        code=fault.code,
        findings=fault.findings,
    )


def _faulty(findings: tuple[Finding, ...]) -> RefusedError:
    return RefusedError(Code.MAPPING_FAILED, f"the record has {len(findings)} fault(s)", findings=findings)

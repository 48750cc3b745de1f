"""Doing an operation: its arguments are read, whose they are is checked, it is done once, and what it showed recorded.

What is not in the table can not be asked. Whether the caller may ask at all was decided before
(`gateway.operations.registry.may`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial

from gateway.attachments.operations.files import AttachmentOperations, file_name
from gateway.attachments.operations.models import AddAttachment, ReadAttachment
from gateway.audit.access_log import Reads
from gateway.database.sealed_content import Content
from gateway.erasure.chores import ErasureChores
from gateway.erasure.operations.models import RunRetention
from gateway.erasure.storage_epochs import StorageEpochs
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.ids import ConversationId
from gateway.foundation.telemetry.durations import Durations, MessageStage
from gateway.identity.own_identity import OwnIdentity
from gateway.maintenance.mode import MaintenanceMode
from gateway.node.blocks import BlockGuard
from gateway.node.event_feed import EventFeed
from gateway.node.units import UnitGuard
from gateway.operations.idempotency import answer_once
from gateway.operations.ids import Subject, list_ids
from gateway.operations.models import Asked, read_arguments
from gateway.operations.ports import File, Happening
from gateway.operations.registry import Operation, Row, check_person, may
from gateway.operations.roles import OWNER, Caller
from gateway.ports import Clock, Json, OperationResult
from keys.primitives.encoding import b64u


class NodeOperations:
    """Implements `gateway.operations.ports.Operations` for one node."""

    def __init__(
        self,
        *,
        operations: Mapping[str, Operation],
        own: OwnIdentity,
        maintenance: MaintenanceMode,
        durations: Durations,
        files: AttachmentOperations,
        units: UnitGuard,
        blocks: BlockGuard,
        reads: Reads,
        feed: EventFeed,
        epochs: StorageEpochs,
        erasure: ErasureChores,
        content: Content,
        clock: Clock,
    ) -> None:
        self._operations = operations
        self._own = own
        self._maintenance = maintenance
        self._durations = durations
        self._files = files
        self._units = units
        self._blocks = blocks
        self._reads = reads
        self._feed = feed
        self._epochs = epochs
        self._erasure = erasure
        self._content = content
        self._clock = clock

    async def call(
        self, operation: str, arguments: Mapping[str, Json], *, key: str | None = None, caller: Caller = OWNER
    ) -> OperationResult:
        """Do one operation; its row has the model of its arguments."""
        found = self._operations.get(operation)
        if found is None or found.row.streams:
            raise RuntimeError(f"no operation {operation}")
        check_person(caller, found.row)
        asked = await self._read(found, arguments, caller)

        async def act() -> OperationResult:
            with self._durations.measure(MessageStage.TAKING_IN) if found.row.takes_in else nullcontext():
                return await self._do(found, asked, key, caller)

        if key is None or found.row.anew or "key" in found.row.takes:
            done = await act()
        else:
            kept = not found.row.shown_once
            done = await answer_once(
                self._content, self._clock, operation, arguments, key, caller.actor, act, kept=kept
            )
        if caller.unit is not None:
            value = await self._units.narrow(operation, done.value, caller.unit)
            done = OperationResult(value=value, created=done.created)
        value = await self._blocks.narrow(operation, done.value, caller)
        done = OperationResult(value=value, created=done.created)
        await self._record(found, asked, done.value, caller)
        return done

    async def _read(self, operation: Operation, arguments: Mapping[str, Json], caller: Caller) -> Asked:
        """The arguments as their model; what they name is of the caller's unit, and not closed to them. Raises
        RefusedError.
        """
        (asked,) = await self._read_each(operation.row, [dict(arguments)], caller)
        if isinstance(asked, RefusedError):
            raise asked
        return asked

    async def _read_each(self, row: Row, given: Sequence[Json], caller: Caller) -> list[Asked | RefusedError]:
        """The same for several acts of one operation, each for itself, by the same few looks at the database."""
        read = [_read_or_refuse(row.arguments, arguments) for arguments in given]
        refusals = iter(await self._find_refusals(row, [one for one in read if isinstance(one, Asked)], caller))
        return [(next(refusals) or one) if isinstance(one, Asked) else one for one in read]

    async def _find_refusals(self, row: Row, asked: Sequence[Asked], caller: Caller) -> list[RefusedError | None]:
        closed = await self._blocks.check_each(asked, caller)
        if caller.unit is None:
            return closed
        others = await self._units.check_each(row, asked, caller.unit)
        return [other or one for other, one in zip(others, closed, strict=True)]

    async def _check(self, row: Row, asked: Asked, caller: Caller) -> None:
        (refusal,) = await self._find_refusals(row, [asked], caller)
        if refusal is not None:
            raise refusal

    async def _admit(self, caller: Caller, operation: str, given: Sequence[Json]) -> list[Asked | RefusedError]:
        """Implements `gateway.operations.registry.Admit`; who may do one of them was decided with who may do many."""
        row = self._operations[operation].row
        if not may(caller, row):
            raise RuntimeError(f"who may ask for many of {operation} may ask for one")
        return await self._read_each(row, given, caller)

    async def _do(self, operation: Operation, asked: Asked, key: str | None, caller: Caller) -> OperationResult:
        self._require_taking(operation)
        given = {"key": key, "caller": caller, "admit": partial(self._admit, caller)}
        done = await operation.handler(asked, **{name: given[name] for name in operation.row.takes})
        if operation.row.erases:
            # By a person's act the storage epoch ends at once: no copy of the data keys can be opened (nrm1 13.2).
            await self._epochs.end_erased()
        if isinstance(asked, RunRetention) and not asked.dry_run:
            await self._erasure.follow_requests()  # some of what peers asked the run itself has found to be over
        return done

    def _require_taking(self, operation: Operation) -> None:
        """Take nothing in while the roots of this node have to meet (nrm1 1.20), or while people work on it.

        Raises:
            RefusedError: roots_due. TransientError: maintenance.
        """
        if operation.row.takes_in:
            self._own.require_roots_met("nothing was taken in")
            self._maintenance.require_over("nothing was taken in")

    async def _record(self, operation: Operation, asked: Asked, value: Json, caller: Caller) -> None:
        """Record that content is about to be shown (nrm1 13.9); who may not read it is shown none."""
        reads = operation.row.reads
        if reads is None or not (caller.reads_content or operation.row.shows):
            return
        if not isinstance(value, dict) or not reads.shown(asked, value):
            return
        subject, id = next(list_ids(asked))
        if subject is Subject.CONSENT:
            id = b64u(self._content.sealer.consent_index(id))
        elif subject is Subject.CONVERSATION:
            id = b64u(self._content.sealer.conversation_index(ConversationId(id)))
        await self._reads.record(caller, reads.what, id)

    async def attach(
        self, arguments: Mapping[str, Json], chunks: AsyncIterator[bytes], *, size: int, caller: Caller = OWNER
    ) -> OperationResult:
        """Seal a file as it comes."""
        self._require_taking(self._operations["attachment.add"])
        asked = read_arguments(AddAttachment, arguments)
        await self._check(self._operations["attachment.add"].row, asked, caller)
        return await self._files.add(asked, chunks, size, caller)

    async def attached(self, arguments: Mapping[str, Json], *, caller: Caller = OWNER) -> File:
        """One file of a message, opened as it is read."""
        asked = read_arguments(ReadAttachment, arguments)
        await self._check(self._operations["attachment.read"].row, asked, caller)
        part, chunks = await self._files.read(asked)
        await self._reads.record(caller, f"file/{part.n}", asked.id, n=part.n)
        return File(name=file_name(part), media=part.media, size=part.size, sha256=part.sha256, chunks=chunks)

    def events(self, after: int | None, *, caller: Caller = OWNER) -> AsyncIterator[Sequence[Happening]]:
        """Events after a position, or from now on, and then as they happen, without end, several together."""
        return self._feed.follow(after, caller)


def _read_or_refuse(model: type[Asked], given: Json) -> Asked | RefusedError:
    if not isinstance(given, dict):
        return RefusedError(
            Code.INVALID,
            "what was given is no object; nothing was changed",
            findings=[Finding(place="", rule="type", hint="an object is needed here")],
        )
    try:
        return read_arguments(model, given)
    except RefusedError as error:
        return error

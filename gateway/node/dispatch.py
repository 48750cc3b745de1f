"""The operations by name: what is not in the table can not be asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from gateway.attachments.operations import AttachmentOperations, file_name
from gateway.audit.access_log import Reads
from gateway.database.sealed_content import Content
from gateway.erasure.chores import ErasureChores
from gateway.erasure.storage_epochs import StorageEpochs
from gateway.node.event_feed import EventFeed
from gateway.node.units import UnitGuard, narrow
from gateway.operations.arguments import Arguments, text
from gateway.operations.idempotency import answer_once
from gateway.operations.ports import Happening
from gateway.operations.roles import OWNER, Caller
from gateway.operations.table import OperationTable
from gateway.ports import Clock, File, Json, OperationResult
from keys.primitives.encoding import b64u

READS: Mapping[str, str] = {
    "message.show": "message",
    "draft.show": "draft",
    "draft.preview": "draft",
    "conversation.show": "conversation",
    "contact.advise": "contact",
    "evidence.export": "evidence",
    "consent.show": "consent",
}
"""Operations that show what is said about one person, and what of it: who asks them is recorded."""


class NodeOperations:
    """Implements `gateway.operations.ports.Operations` for one node."""

    def __init__(
        self,
        *,
        table: OperationTable,
        files: AttachmentOperations,
        units: UnitGuard,
        reads: Reads,
        feed: EventFeed,
        epochs: StorageEpochs,
        erasure: ErasureChores,
        content: Content,
        clock: Clock,
    ) -> None:
        self._table = table
        self._files = files
        self._units = units
        self._reads = reads
        self._feed = feed
        self._epochs = epochs
        self._erasure = erasure
        self._content = content
        self._clock = clock

    async def call(
        self, operation: str, arguments: Mapping[str, Json], *, key: str | None = None, caller: Caller = OWNER
    ) -> OperationResult:
        """Do one operation; see the method it stands for in the table for its arguments."""
        if caller.unit is not None:
            await self._units.check(operation, arguments, caller.unit)
        done = await self._once(operation, arguments, key, caller)
        if caller.unit is not None:
            done = OperationResult(value=narrow(operation, done.value, caller.unit), created=done.created)
        await self._read(operation, arguments, done.value, caller)
        return done

    async def _read(self, operation: str, arguments: Arguments, value: Json, caller: Caller) -> None:
        """Record that content is about to be shown (nrm1 13.9); who may not read it is shown none."""
        what = READS.get(operation)
        if what is None or not caller.reads_content or not isinstance(value, dict):
            return
        if operation == "message.show" and "content" not in value:
            return  # it was erased
        if operation == "evidence.export" and arguments.get("disclose") not in (True, "true"):
            return
        id = text(arguments, "id")
        if what == "consent":
            id = b64u(self._content.sealer.consent_index(id))
        elif what in ("conversation", "evidence", "contact"):
            id = b64u(self._content.sealer.conversation_index(id))
        await self._reads.record(caller, what, id)

    async def _once(self, operation: str, arguments: Arguments, key: str | None, caller: Caller) -> OperationResult:
        """Under a key an act is done once; some operations see to that in their own transaction."""
        if key is None or operation in self._table.keyed:
            return await self._do(operation, arguments, key, caller)
        return await answer_once(
            self._content, self._clock, operation, arguments, key, lambda: self._do(operation, arguments, key, caller)
        )

    async def _do(self, operation: str, arguments: Arguments, key: str | None, caller: Caller) -> OperationResult:
        table = self._table
        if operation in table.keyed:
            return await table.keyed[operation](arguments, key)
        if operation in table.by_caller:
            return await table.by_caller[operation](arguments, caller)
        if operation in table.erasing:
            return await self._erase(operation, arguments)
        if operation not in table.plain:
            raise RuntimeError(f"no operation {operation}")
        done = await table.plain[operation](arguments)
        if operation == "retention.run" and arguments.get("dry_run") is not True:
            self._feed.forget()
            await self._erasure.follow_requests()  # some of what peers asked the run itself has found to be over
        return done

    async def attach(
        self, arguments: Mapping[str, Json], chunks: AsyncIterator[bytes], *, size: int, caller: Caller = OWNER
    ) -> OperationResult:
        """Seal a file as it comes."""
        return await self._files.add(arguments, chunks, size)

    async def attached(self, arguments: Mapping[str, Json], *, caller: Caller = OWNER) -> File:
        """One file of a message, opened as it is read."""
        if caller.unit is not None:
            await self._units.check("attachment.read", arguments, caller.unit)
        part, chunks = await self._files.read(arguments)
        await self._reads.record(caller, f"file/{part.n}", text(arguments, "id"), n=part.n)
        return File(name=file_name(part), media=part.media, size=part.size, sha256=part.sha256, chunks=chunks)

    def events(self, after: int, *, caller: Caller = OWNER) -> AsyncIterator[Sequence[Happening]]:
        """Events after a position, and then as they happen, without end; those that are there together."""
        return self._feed.follow(after, caller)

    async def _erase(self, operation: str, arguments: Arguments) -> OperationResult:
        """By a person's act the storage epoch ends at once: no copy of the data keys can be opened (nrm1 13.2)."""
        done = await self._table.erasing[operation](arguments)
        self._feed.forget()
        await self._epochs.rotate()
        return done

"""Checking parts while they come (nrm1 10.3, 10.8): what is on disk at the end was opened and looked through already.

A check goes through a part once, in order. It begins with the envelope that was kept, or with its repeat after a start
of this node; then what was there before is read once more from disk. Nothing of it leaves this module but a verdict.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial

from gateway.attachments.media import Inspector
from gateway.attachments.store import AttachmentRow
from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation.ids import NodeId
from gateway.foundation.workers import Workers
from gateway.ports import Files
from keys.documents.statement import SecretPart
from keys.primitives.attachment_cipher import SEGMENT, PartOpener

MOST_MESSAGES = 64
"""Messages whose parts are checked while they come; those of others are read from disk at their end."""
CATCH_UP = 16
"""Segments that are read from disk beside one that came, until the check has reached it."""


class PartCheck:
    """One part as far as it was looked at: `at` counts its bytes."""

    def __init__(self, part: SecretPart, *, id: str) -> None:
        self.part = part
        self.at = 0
        self._opener = PartOpener(part, id=id)
        self._inspector = Inspector()
        self._fault: RemoteError | None = None

    def take(self, data: bytes) -> None:
        """Look at the next bytes. What is wrong with them is told at the end, when the message is judged."""
        self.at += len(data)
        if self._fault is None:
            try:
                self._inspector.feed(self._opener.update(data))
            except (RemoteError, RefusedError) as error:
                self._fault = _remote(error)

    def finish(self) -> None:
        """Return if it is the part that was signed, and of the type that it is said to be. Raises RemoteError."""
        if self._fault is not None:
            raise self._fault
        try:
            self._inspector.feed(self._opener.finalize())
            media = self._inspector.finish()
        except RefusedError as error:
            raise _remote(error) from error
        if media != self.part.media:
            raise RemoteError(Code.WRONG_TYPE, "the file is not of the type that was declared")


class PartChecks:
    """The checks of all parts that come. None of them is needed: one that is not here is made anew from the disk."""

    def __init__(self, *, files: Files, workers: Workers) -> None:
        self._files = files
        self._workers = workers
        self._begun: OrderedDict[tuple[NodeId, str], list[PartCheck]] = OrderedDict()

    def begin(self, node: NodeId, id: str, parts: Sequence[SecretPart]) -> None:
        """Check these parts from now on; a check of the same parts goes on."""
        begun = self._begun.pop((node, id), [])
        if [check.part for check in begun] != [*parts]:
            begun = [PartCheck(part, id=id) for part in parts]
        self._begun[node, id] = begun
        while len(self._begun) > MOST_MESSAGES:
            self._begun.popitem(last=False)

    async def take(self, node: NodeId, row: AttachmentRow, at: int, data: bytes) -> None:
        """Look at bytes that came for offset `at` of a part, behind what is on disk before them."""
        begun = self._begun.get((node, row.id), [])
        if row.n >= len(begun):
            return
        check = begun[row.n]
        if check.at > at:  # the disk lost what was looked at, and other bytes may take its place
            check = begun[row.n] = PartCheck(check.part, id=row.id)
        await self._read_on(check, row, min(at, check.at + CATCH_UP * SEGMENT))
        if check.at == at:
            await self._workers.off_loop(partial(check.take, data))

    async def finish(self, node: NodeId, rows: Sequence[AttachmentRow], parts: Sequence[SecretPart]) -> None:
        """Return if the parts on disk are those that were signed, each of the type that it is said to be. Raises
        RemoteError.
        """
        begun = self._begun.pop((node, rows[0].id), [])
        for row, part in zip(rows, parts, strict=True):
            check = begun[row.n] if row.n < len(begun) and begun[row.n].part == part else PartCheck(part, id=row.id)
            await self._read_on(check, row, row.length)
            await self._workers.off_loop(check.finish)

    async def _read_on(self, check: PartCheck, row: AttachmentRow, end: int) -> None:
        while check.at < end and (data := await self._files.get(row.file, check.at, min(SEGMENT, end - check.at))):
            await self._workers.off_loop(partial(check.take, data))


def _remote(error: RemoteError | RefusedError) -> RemoteError:
    return error if isinstance(error, RemoteError) else RemoteError(error.code, error.what)

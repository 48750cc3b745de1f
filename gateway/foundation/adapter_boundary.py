"""The border to the code of an adapter, which may be somebody else's: what it raises beside the errors of the port, or
never answers, is a system that cannot be reached now. The node goes on with its peers, and the operator is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from dataclasses import replace
from typing import TypeVar

from gateway.errors import Code, Finding, GatewayError, RefusedError, TransientError
from gateway.foundation.logs import logger
from gateway.ports import (
    Adapter,
    BulkAdapter,
    BulkSettler,
    Delivery,
    Description,
    Erasure,
    LocalFile,
    LocalRecord,
    Notice,
    RecordEraser,
)

LONGEST = 600.0
"""Seconds that one call of an adapter may take; its own patience with the case system is shorter."""

SLOWEST = 64 * 1024
"""Bytes of files a second that a case system takes at least; a call that hands files over has so much more time."""

T = TypeVar("T")


class Guarded:
    """An adapter that raises only what the port allows."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self._log = logger()

    def describe(self) -> Description:
        """Return the description that the adapter gives of itself."""
        return self._adapter.describe()

    async def check(self) -> Sequence[Finding]:
        """List the faults of the local system; a check that fails is one of them."""
        try:
            return await self._call(self._adapter.check())
        except GatewayError as error:
            return [Finding(place="case system", rule=str(error.code), hint=error.hint or error.what)]

    async def pull(self) -> Sequence[LocalRecord]:
        """Records that are ready, with files that are read under the same guard."""
        records = await self._call(self._adapter.pull())
        return [replace(one, files=tuple(map(self._guard_file, one.files))) if one.files else one for one in records]

    def _guard_file(self, file: LocalFile) -> LocalFile:
        async def read() -> AsyncIterator[bytes]:
            chunks = file.read()
            try:
                while (chunk := await self._call(_next_of(chunks))) is not None:
                    yield chunk
            finally:
                if isinstance(chunks, AsyncGenerator):  # what it holds open ends with it
                    await chunks.aclose()

        return replace(file, read=read)

    async def settle(self, record: LocalRecord, notice: Notice) -> None:
        """The record was drafted or refused."""
        await self._call(self._adapter.settle(record, notice))

    async def settle_all(self, outcomes: Sequence[tuple[LocalRecord, Notice]]) -> None:
        """Each of these was drafted or refused; an adapter that takes one at a time is told one after the other."""
        if isinstance(self._adapter, BulkSettler):
            await self._call(self._adapter.settle_all(outcomes))
            return
        for record, notice in outcomes:
            await self.settle(record, notice)

    async def push(self, item: Delivery | Notice) -> str:
        """Make one item durable."""
        return await self._call(self._adapter.push(item), _time_for([item]))

    async def status(self, local_id: str) -> str:
        """A word for what became of an item."""
        return await self._call(self._adapter.status(local_id))

    async def erase(self, local_id: str) -> Erasure:
        """Erase an item."""
        return await self._call(self._adapter.erase(local_id))

    async def erase_record(self, ref: str) -> Erasure:
        """Erase a record that was given; an adapter that cannot leaves it to a person."""
        if not isinstance(self._adapter, RecordEraser):
            return Erasure.NOT_SUPPORTED
        return await self._call(self._adapter.erase_record(ref))

    async def _call(self, answer: Awaitable[T], seconds: float | None = None) -> T:
        try:
            async with asyncio.timeout(seconds or LONGEST):
                return await answer
        except GatewayError:
            raise
        except TimeoutError as exc:
            self._log.error("adapter.silent", kind=self.describe().kind)
            raise TransientError(Code.ADAPTER_BUSY, "the adapter does not answer") from exc
        except Exception as exc:  # the code may be a stranger's, and its fault is no reason to leave the peers
            self._log.error("adapter.broken", kind=self.describe().kind, exc_info=exc)
            raise TransientError(
                Code.ADAPTER_BUSY,
                "the adapter is at fault",
                hint="see the log; trm adapter check KIND finds such faults",
            ) from exc


class GuardedBulk(Guarded):
    """The same for one that takes many items at once."""

    def __init__(self, adapter: BulkAdapter) -> None:
        super().__init__(adapter)
        self._bulk = adapter

    async def push_all(self, items: Sequence[Delivery | Notice]) -> Sequence[str | RefusedError | TransientError]:
        """Make the items durable in their order; a fault of the adapter is told for the first of them."""
        try:
            return await self._call(self._bulk.push_all(items), _time_for(items))
        except TransientError as error:
            return [error]


async def _next_of(chunks: AsyncIterator[bytes]) -> bytes | None:
    return await anext(chunks, None)


def _time_for(items: Sequence[Delivery | Notice]) -> float:
    """Seconds that handing these over may take."""
    sizes = (one.size for item in items if isinstance(item, Delivery) for one in item.attachments)
    return LONGEST + sum(sizes) / SLOWEST


def guarded(adapter: Adapter) -> Adapter:
    """The adapter as the node calls it."""
    return GuardedBulk(adapter) if isinstance(adapter, BulkAdapter) else Guarded(adapter)

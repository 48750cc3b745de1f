"""What the local API asks of the node behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from gateway.core.roles import OWNER, Caller
from gateway.ports import Done, File, Json


class Desk(Protocol):
    """Everything people and local systems can ask of the node, by operation name; the API and `trm` both come through
    here.

    Raises `RefusedError` with nothing changed, or `TransientError`. `key` is the Idempotency-Key of the caller, if any.
    Whether the `caller` may ask at all was decided before (`gateway.core.roles`); here it narrows what is found.
    """

    async def call(
        self, operation: str, arguments: Mapping[str, Json], *, key: str | None = None, caller: Caller = OWNER
    ) -> Done:
        """Do one operation."""
        ...

    async def attach(
        self, arguments: Mapping[str, Json], chunks: AsyncIterator[bytes], *, size: int, caller: Caller = OWNER
    ) -> Done:
        """Take a file of ``size`` bytes as it comes."""
        ...

    async def attached(self, arguments: Mapping[str, Json], *, caller: Caller = OWNER) -> File:
        """One file of a message."""
        ...

    def events(self, after: int, *, caller: Caller = OWNER) -> AsyncIterator[tuple[int, Mapping[str, Json]]]:
        """Events behind a position, and then as they happen, without end."""
        ...

"""A node whose keys can not be used: it listens on its own socket only, and says to every question what is wrong.

Nothing is served to peers and nothing is written: without its keys a node can neither read nor sign. It stays up so
that who looks after the machine, and `trm doctor`, find the reason and the remedy where they look.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NoReturn

from gateway.errors import Code, GatewayError, RefusedError
from gateway.operations.ports import File, Happening
from gateway.operations.roles import OWNER, Caller
from gateway.ports import Json, OperationResult


class LimitedOperations:
    """Implements `gateway.operations.ports.Operations` by refusing with the one reason."""

    def __init__(self, reason: GatewayError) -> None:
        self._reason = reason

    async def call(
        self, operation: str, arguments: Mapping[str, Json], *, key: str | None = None, caller: Caller = OWNER
    ) -> OperationResult:
        """Refuse."""
        self._refuse()

    async def attach(
        self, arguments: Mapping[str, Json], chunks: AsyncIterator[bytes], *, size: int, caller: Caller = OWNER
    ) -> OperationResult:
        """Refuse."""
        self._refuse()

    async def attached(self, arguments: Mapping[str, Json], *, caller: Caller = OWNER) -> File:
        """Refuse."""
        self._refuse()

    async def events(self, after: int | None, *, caller: Caller = OWNER) -> AsyncIterator[Sequence[Happening]]:
        """Refuse."""
        self._refuse()
        yield ()

    def _refuse(self) -> NoReturn:
        reason = self._reason
        raise RefusedError(
            reason.code, f"this node runs without its keys and answers nothing else: {reason.what}", hint=reason.hint
        )


def admit(token: str) -> Caller:
    """Tokens are kept in the database, which is not opened: the owner of the socket is the only caller."""
    raise RefusedError(
        Code.UNAUTHORISED, "this node runs without its keys; tokens are not read", hint="ask on its socket"
    )

"""What an accepted message does here besides being handed over: a port that slices fill and `gateway.composition` ties.

A `consent.record` of a peer is kept, so that answers can rely on it. A `consent.withdrawal` takes effect in the
accepting transaction: what waits to go and relies on that consent is refused at once (gate G7). A
`directory.update` becomes the peer's entry in the directory. Delivery knows none of these slices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

from sqlalchemy import Connection

from gateway.messages.store.messages import MessageRow
from gateway.messages.types import AcceptedMessage
from schemas.types import type_name


class Effect(Protocol):
    """Something to write in the transaction that accepts the message.

    It looks at what is held inside that transaction: a record and its withdrawal may come in one request.
    """

    def write(self, connection: Connection, now: int) -> object:
        """Write it; part of the caller's transaction."""
        ...


MakeEffect: TypeAlias = Callable[[MessageRow, AcceptedMessage], Effect]
Effects: TypeAlias = Mapping[str, Sequence[MakeEffect]]
"""By type name what its messages do here, in the order in which it is written."""


def effects_of(effects: Effects, row: MessageRow, message: AcceptedMessage) -> tuple[Effect, ...]:
    """Make the effects of one accepted message, in their order."""
    return tuple(make(row, message) for make in effects.get(type_name(message.body_type), ()))

"""The memory of submitted tables: written in the transaction that submits or accepts, and never erased."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.ids import NodeId
from gateway.foundation.json import Json
from gateway.messages.store.messages import MessageRow
from gateway.messages.types import AcceptedMessage
from gateway.statistics import store
from gateway.statistics.submitted import Submitted, find_clash, read_submitted
from keys.primitives.encoding import canon, sha256_hex


def read(content: Mapping[str, Json]) -> Submitted | None:
    """Read the content of a `stats.submission`, None where gate G12 refuses its days."""
    return read_submitted(content, lambda value: sha256_hex(canon(value)))


def record_sent(connection: Connection, content: Mapping[str, Json], at: int) -> None:
    """Remember a table that this node submits.

    Raises:
        RefusedError: gate_g12, where it could be subtracted from one that was submitted before; nothing was stored.
    """
    new = read(content)
    if new is None:
        return
    clash = find_clash(new, store.submitted_tables(connection, store.OURS))
    if clash is not None:
        raise RefusedError(
            Code.GATE_G12,
            f"{clash}; nothing was sent",
            hint="send the table that was submitted before, unchanged, or one of a later time",
            findings=[Finding(place="/content/period", rule=str(Code.GATE_G12), hint=clash)],
        )
    store.add_submitted(connection, store.OURS, new, at)


def received_from(connection: Connection, peer: NodeId) -> tuple[Submitted, ...]:
    """All that a peer ever submitted to this node."""
    return tuple(store.submitted_tables(connection, peer))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedTable:
    """A table of a peer, remembered in the accepting transaction."""

    peer: NodeId
    content: Mapping[str, Json]

    def write(self, connection: Connection, now: int) -> None:
        """Remember it."""
        new = read(self.content)
        if new is not None:
            store.add_submitted(connection, self.peer, new, now)


def record_received(row: MessageRow, message: AcceptedMessage) -> ReceivedTable:
    """Make the effect of a peer's `stats.submission`."""
    return ReceivedTable(peer=row.peer, content=message.content)

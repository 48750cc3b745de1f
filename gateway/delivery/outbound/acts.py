"""What people decided that the judgement of a departing message rests on, looked up again where it is numbered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.foundation.ids import NodeId
from gateway.messages.store import local
from gateway.messages.store.local import ConsentRow
from gateway.messages.store.messages import MessageRow
from gateway.peers import store as peer_rows
from gateway.policy import store as policies


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """What people decided that the judgement rests on and that no state of a message shows: the state of the peer with
    its cause, what is held of the consents, what was taken back of them, and over what an asylum hold lies.
    """

    peer: tuple[str, str | None] | None
    consents: tuple[ConsentRow, ...]
    taken_back: Mapping[bytes, int]
    holds: frozenset[bytes]


def load_acts(connection: Connection, node: NodeId, rows: Sequence[MessageRow]) -> Acts:
    """Load them for these messages to one peer."""
    indexes = sorted({row.consent for row in rows if row.consent is not None})
    return Acts(
        peer=peer_rows.position_of(connection, node),
        consents=tuple(row for index in indexes for row in local.consents(connection, index)),
        taken_back=local.withdrawals(connection, indexes),
        holds=policies.labels(connection),
    )

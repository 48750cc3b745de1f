"""Peers, their descriptor chains and keysets, and this node's own chain."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.database.prepared import Prepared
from gateway.database.tables import peer, peer_descriptor, peer_refusal
from gateway.errors import Code
from gateway.foundation.ids import NodeId
from gateway.peers.backoff_rules import Refusals

_PEERS = Prepared(select(peer).order_by(peer.c.name))
_DESCRIPTORS = Prepared(
    select(peer_descriptor.c.node, peer_descriptor.c.document).order_by(
        peer_descriptor.c.node, peer_descriptor.c.version
    )
)
_POSITION = Prepared(select(peer.c.state, peer.c.cause).where(peer.c.node == bindparam("node")))


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerRow:
    """A peer as stored; `schemas` is JSON text, `keyset` a signed document. Times are Unix seconds."""

    node: NodeId
    name: str
    state: str
    cause: str | None
    demo: bool
    keyset: bytes | None
    keyset_seen: int | None
    schemas: str | None
    attempts: int
    next_try: int
    failing_since: int | None
    added: int
    verified: int | None
    chain: tuple[bytes, ...]


def add(connection: Connection, row: PeerRow) -> None:
    """Insert a new peer with its chain from version 1."""
    values = {
        name: getattr(row, name)
        for name in (
            "node",
            "name",
            "state",
            "cause",
            "demo",
            "keyset",
            "keyset_seen",
            "schemas",
            "attempts",
            "next_try",
            "failing_since",
            "added",
            "verified",
        )
    }
    connection.execute(insert(peer).values(**values))
    extend_chain(connection, row.node, 1, row.chain)


def extend_chain(connection: Connection, node: NodeId, first: int, documents: tuple[bytes, ...]) -> None:
    """Append accepted descriptors, the first of which has version `first`."""
    if documents:
        connection.execute(
            insert(peer_descriptor),
            [{"node": node, "version": first + i, "document": document} for i, document in enumerate(documents)],
        )


def change(connection: Connection, node: NodeId, **values: object) -> None:
    """Change columns of one peer."""
    connection.execute(update(peer).where(peer.c.node == node).values(**values))


def keyset(connection: Connection, node: NodeId) -> bytes | None:
    """The keyset document that is held of one peer."""
    found: bytes | None = connection.scalar(select(peer.c.keyset).where(peer.c.node == node))
    return found


def set_failing(connection: Connection, node: NodeId, *, attempts: int, next_try: int, since: int | None) -> None:
    """Sending to a peer has failed again, so many times in a row; `since` is None while it is away as it said."""
    change(connection, node, attempts=attempts, next_try=next_try, failing_since=since)


def set_answering(connection: Connection, node: NodeId) -> None:
    """The peer has given a valid answer."""
    change(connection, node, attempts=0, next_try=0, failing_since=None)
    connection.execute(delete(peer_refusal).where(peer_refusal.c.peer == node))


def refusals(connection: Connection, node: NodeId) -> Refusals | None:
    """Read what the peer has said since its last valid answer."""
    row = connection.execute(select(peer_refusal).where(peer_refusal.c.peer == node)).first()
    return None if row is None else Refusals(code=Code(row.code), times=row.times, since=row.since)


def announced(connection: Connection) -> frozenset[NodeId]:
    """The peers that said last that people work on them."""
    query = select(peer_refusal.c.peer).where(peer_refusal.c.code == str(Code.MAINTENANCE))
    return frozenset(map(NodeId, connection.scalars(query)))


def set_refusals(connection: Connection, node: NodeId, known: Refusals) -> None:
    """Note what the peer has said since its last valid answer."""
    values = {"code": str(known.code), "times": known.times, "since": known.since}
    statement = upsert(peer_refusal).values(peer=node, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["peer"], set_=values))


def newest_version(connection: Connection, node: NodeId) -> int:
    """The highest descriptor version held of a peer, 0 for an unknown one."""
    query = select(func.max(peer_descriptor.c.version)).where(peer_descriptor.c.node == node)
    return connection.scalar(query) or 0


def state_of(connection: Connection, node: NodeId) -> str | None:
    """The state of one peer as it is now, None for an unknown one."""
    return connection.scalar(select(peer.c.state).where(peer.c.node == node))


def position_of(connection: Connection, node: NodeId) -> tuple[str, str | None] | None:
    """State and cause of one peer as they are now, None for an unknown one."""
    row = _POSITION.first(connection, node=node)
    return None if row is None else (row[0], row[1])


def load(connection: Connection) -> list[PeerRow]:
    """Every peer with its whole chain."""
    chains: dict[str, list[bytes]] = {}
    for node, document in _DESCRIPTORS.rows(connection):
        chains.setdefault(node, []).append(document)
    found = [dict(zip(_PEERS.columns, row, strict=True)) for row in _PEERS.rows(connection)]
    return [PeerRow(**row, chain=tuple(chains.get(row["node"], ()))) for row in found]

"""Queries of the signed trust records of both directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from gateway.database.rows import as_bytes
from gateway.database.tables import trust_record
from gateway.foundation.ids import NodeId
from keys.documents.trust_record import TRUSTS
from keys.primitives.domains import TRUST
from keys.primitives.sign import SignedDocument

IN = "in"


OUT = "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustRow:
    """One signed trust record, ours (`out`) or the peer's (`in`); `acked` is when the peer took ours."""

    peer: NodeId
    direction: str
    seq: int
    hash: str
    document: bytes
    acked: int | None


def first_forms(rows: Sequence[TrustRow]) -> int:
    """How many records at the beginning of a chain are of the first form: history, which no record names (nrm1 8.7)."""
    return sum(SignedDocument.decode(row.document, *TRUSTS).payload_type != TRUST for row in rows)


def _trust(row: Row[Any]) -> TrustRow:
    return TrustRow(**{**row._mapping, "document": as_bytes(row.document)})


def add_record(connection: Connection, row: TrustRow) -> None:
    """Append a record to the chain of its direction."""
    connection.execute(
        insert(trust_record).values(
            peer=row.peer, direction=row.direction, seq=row.seq, hash=row.hash, document=row.document, acked=row.acked
        )
    )


def records_of(connection: Connection, peer: NodeId, direction: str) -> list[TrustRow]:
    """The chain of one direction, oldest first."""
    query = (
        select(trust_record)
        .where(trust_record.c.peer == peer, trust_record.c.direction == direction)
        .order_by(trust_record.c.seq)
    )
    return [_trust(row) for row in connection.execute(query)]


def newest_records(connection: Connection) -> dict[tuple[str, str], bytes]:
    """The newest document of each chain, by (peer, direction)."""
    newest = (
        select(trust_record.c.peer, trust_record.c.direction, func.max(trust_record.c.seq).label("seq"))
        .group_by(trust_record.c.peer, trust_record.c.direction)
        .subquery()
    )
    query = select(trust_record).join(
        newest,
        (trust_record.c.peer == newest.c.peer)
        & (trust_record.c.direction == newest.c.direction)
        & (trust_record.c.seq == newest.c.seq),
    )
    return {(row.peer, row.direction): as_bytes(row.document) for row in connection.execute(query)}


def owed(connection: Connection) -> list[NodeId]:
    """Peers that have not taken our newest records yet."""
    query = select(trust_record.c.peer).where(trust_record.c.direction == OUT, trust_record.c.acked.is_(None))
    return list(connection.execute(query.distinct()).scalars())


def owe_again(connection: Connection, peer: NodeId | None = None) -> None:
    """Bring our records once more, to one peer or to all: whoever holds them already is not changed by that."""
    query = update(trust_record).where(trust_record.c.direction == OUT).values(acked=None)
    connection.execute(query if peer is None else query.where(trust_record.c.peer == peer))


def drop_records(connection: Connection, peer: NodeId, after: int) -> None:
    """Take the peer's records behind number `after` off its chain: another one takes their place."""
    of_peer = (trust_record.c.peer == peer, trust_record.c.direction == IN, trust_record.c.seq > after)
    connection.execute(delete(trust_record).where(*of_peer))


def acknowledge(connection: Connection, peer: NodeId, seq: int, *, at: int) -> None:
    """The peer took our records up to `seq`."""
    connection.execute(
        update(trust_record)
        .where(
            trust_record.c.peer == peer,
            trust_record.c.direction == OUT,
            trust_record.c.seq <= seq,
            trust_record.c.acked.is_(None),
        )
        .values(acked=at)
    )

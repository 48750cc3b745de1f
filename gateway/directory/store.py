"""The entry of each node in the directory: the newest one only."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from gateway.database.rows import values_of
from gateway.database.tables import directory
from gateway.foundation.ids import NodeId

OWN_PLACE = (0, 0)
"""Epoch and number of this node's own entry: it was sent to nobody here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryRow:
    """What a node says is sealed under `ref`; `epoch` and `n` are the place of its message in the numbering."""

    node: NodeId
    ref: int
    epoch: int
    n: int


def entries(connection: Connection) -> list[DirectoryRow]:
    """The entry of every node that has one, by node."""
    return [DirectoryRow(**row._mapping) for row in connection.execute(select(directory).order_by(directory.c.node))]


def entry(connection: Connection, node: NodeId) -> DirectoryRow | None:
    """The entry of one node."""
    row = connection.execute(select(directory).where(directory.c.node == node)).first()
    return None if row is None else DirectoryRow(**row._mapping)


def put(connection: Connection, row: DirectoryRow) -> None:
    """From now on this is the entry of its node; the sealed row of the one before is the caller's to erase."""
    connection.execute(delete(directory).where(directory.c.node == row.node))
    connection.execute(insert(directory).values(**values_of(row)))

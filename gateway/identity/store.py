"""Queries of this node's own descriptor chain."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from gateway.database.tables import own_descriptor


def own_chain(connection: Connection) -> tuple[bytes, ...]:
    """This node's descriptors, oldest first."""
    query = select(own_descriptor.c.document).order_by(own_descriptor.c.version)
    return tuple(connection.execute(query).scalars())


def add_own(connection: Connection, version: int, document: bytes) -> None:
    """Append a descriptor of this node."""
    connection.execute(insert(own_descriptor).values(version=version, document=document))

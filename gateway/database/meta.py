"""Small facts about the node, by key."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.database.prepared import Prepared
from gateway.database.tables import meta

BACKUP_MADE = "backup_made"
"""The fact that says when the last backup was made; there is none where there never was one."""
_VALUE = Prepared(select(meta.c.value).where(meta.c.key == bindparam("key")))


def get_meta(connection: Connection, key: str) -> bytes | None:
    """One small fact about the node, or None."""
    found = _VALUE.first(connection, key=key)
    return None if found is None else found[0]


def set_meta(connection: Connection, key: str, value: bytes) -> None:
    """Write one small fact."""
    statement = upsert(meta).values(key=key, value=value)
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))

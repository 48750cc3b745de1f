"""Records of the case system that were pulled: under which number each is known here, and what it said then."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select, update

from gateway.database.prepared import Prepared
from gateway.database.tables import draft, origin
from gateway.messages.store.local import WAITING


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginRow:
    """A record that was pulled: `key` is a keyed index of its name, `version` a hash of what it said."""

    ref: int
    key: bytes
    version: bytes
    at: int


_ORIGINS = Prepared(
    select(origin.c.key, origin.c.ref, origin.c.version).where(origin.c.key.in_(bindparam("keys", expanding=True)))
)
_ADD_ORIGIN = Prepared(insert(origin))


def find_origins(connection: Connection, keys: Sequence[bytes]) -> dict[bytes, tuple[int, bytes]]:
    """(ref, version) of the records that were pulled before, by the keyed index of the name."""
    return {key: (ref, version) for key, ref, version in _ORIGINS.rows(connection, keys=keys)}


def add_origins(connection: Connection, rows: Iterable[OriginRow]) -> None:
    """Remember records."""
    _ADD_ORIGIN.add(connection, rows)


def set_origin_version(connection: Connection, ref: int, version: bytes) -> None:
    """The record was pulled again in another version."""
    connection.execute(update(origin).where(origin.c.ref == ref).values(version=version))


def keys_of(connection: Connection, refs: Collection[int]) -> list[bytes]:
    """The keyed indexes of the names of these records."""
    return list(connection.scalars(select(origin.c.key).where(origin.c.ref.in_(list(refs)))))


def waiting_of(connection: Connection, origins: Sequence[int]) -> dict[int, int]:
    """By local record the draft of it that waits for a person, as the numbers of their rows."""
    query = select(draft.c.origin, draft.c.ref).where(draft.c.origin.in_(origins), draft.c.state == WAITING)
    return {row.origin: row.ref for row in connection.execute(query)}

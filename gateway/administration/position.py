"""How far the database had come, in a file beside it: a database that is older than that lost its last writes, or was
put back (nrm1 5.15, 13.16).

The file is written after what it tells is on the disk, so it is never ahead of a database that lost nothing. It is no
proof, as a signed checkpoint is: it is there each second, and finds what was lost between two checkpoints.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from sqlalchemy import Connection

from gateway.administration.put_back import void_credentials
from gateway.audit import store as audit_store
from gateway.database import journal
from gateway.database.atomic_file import read_kept, write_kept
from gateway.database.engine import Store
from gateway.errors import RemoteError
from gateway.foundation.chores import Chore
from gateway.foundation.logs import logger
from gateway.ports import Clock
from gateway.trust.link_reset.decisions import mark_older
from keys.primitives.encoding import Check, b64u, canon, exact, is_count, is_hash, is_int, number, parse, sha256, text

PACE: Final = 1
"""Seconds between looks: what was written in the last one is not in the file."""
LIMIT: Final = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """The number of entries of the audit log, the hash of the last one, and its time in Unix seconds."""

    size: int
    hash: str
    at: int

    def encode(self) -> bytes:
        """Return the content of the file."""
        return canon({"size": self.size, "hash": self.hash, "at": self.at})

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read it. Raises RemoteError(malformed, too_large)."""
        member = exact(parse(data, limit=LIMIT), _POSITION, what="position")
        return cls(size=number(member["size"]), hash=text(member["hash"]), at=number(member["at"]))


_POSITION: Final[dict[str, Check]] = {"size": is_count, "hash": is_hash, "at": is_int()}


class PositionKeeper:
    """Keeps the file at the last entry of the database."""

    def __init__(self, *, store: Store, path: Path) -> None:
        self._store = store
        self._path = path
        self._kept: int | None = None

    def chores(self) -> Sequence[Chore]:
        """Keep the file."""
        return (Chore("database position", PACE, self.keep, leader=False),)

    async def keep(self) -> None:
        """Write the file if the database has come further. Raises TransientError: disk."""
        found = await self._store.read(_newest)
        if found is not None and found.size != self._kept:
            await asyncio.to_thread(write_kept, self._path, found.encode())
            self._kept = found.size


async def find_loss(database: Store, path: Path) -> Position | None:
    """Compare the database with the file beside it: how far it had come, if it is older than that.

    A file that cannot be read tells nothing: the signed checkpoint and the peers are left.
    """
    try:
        data = read_kept(path, LIMIT)
        seen = None if data is None else Position.parse(data)
    except (OSError, RemoteError):
        logger().warning("position.not_read")
        return None
    if seen is None or await database.read(lambda c: _at(c, seen.size)) == seen:
        return None
    return seen


async def declare_loss(database: Store, clock: Clock) -> None:
    """All links of this older database need a reset and people come in anew, as after a restore; a person is told."""
    newest, now = await database.read(_newest), clock.now()
    if newest is None:
        raise RuntimeError("the database of a node has a first entry")

    def move(connection: Connection) -> None:
        mark_older(connection, made=newest.at, sha256=newest.hash, at=now)
        void_credentials(connection, at=now)

    await database.move(move)
    logger().error("node.older", size=newest.size)


def _newest(connection: Connection) -> Position | None:
    return _at(connection, audit_store.size(connection))


def _at(connection: Connection, size: int) -> Position | None:
    """The entry with this number; None where there is none that can be read, which `AuditLog.start` names."""
    for seq, leaf in journal.leaves(connection, size, 1):
        with suppress(RemoteError, TypeError):
            value = parse(leaf, limit=len(leaf))
            at = value.get("at") if isinstance(value, dict) else None
            if seq == size and isinstance(at, int):
                return Position(size=size, hash=b64u(sha256(leaf)), at=at)
    return None

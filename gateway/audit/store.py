"""The tree over the audit leaves: its tiles, checkpoints with their cosignatures, and what was witnessed for peers.

Leaf number `seq` is leaf `seq - 1` of the tree. Tiles are a copy of what the leaves say, and are compared with them by
whoever has to know; only checkpoints are signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.database.functions import place_in
from gateway.database.prepared import Prepared
from gateway.database.rows import as_bytes
from gateway.database.tables import audit, audit_tile, checkpoint, cosignature, witnessed
from gateway.foundation.ids import NodeId
from keys.primitives.merkle_tree import HASH, TILE, Tiles, leaf_hash

BATCH = 2_048
_SIZE = Prepared(select(func.max(audit.c.seq)))
_NEWEST_CHECKPOINT = Prepared(select(checkpoint).order_by(checkpoint.c.size.desc()).limit(1))
_LEAF = Prepared(select(audit.c.leaf).where(audit.c.seq == bindparam("seq")))
_OF = b'"of":"'  # as canonical JSON spells it; no other text of a leaf has a quote in it


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointRow:
    """A tree head that this node signed; `note` has the log's signature only. `at` is when, Unix seconds."""

    size: int
    note: bytes
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CosignatureRow:
    """What one witness said of one checkpoint; `at` is the second inside of `line`. `first` is its first word on it:
    asked again, a witness says the same with a later second, which is worth less to evidence.
    """

    size: int
    peer: NodeId
    line: bytes
    at: int
    first: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessedRow:
    """The newest checkpoint of a peer's log that this node cosigned."""

    peer: NodeId
    origin: str
    size: int
    root: bytes
    note: bytes


def _checkpoint(size: int, note: object, at: object) -> CheckpointRow:
    dated = at if isinstance(at, int) else 0  # of no weight: what counts is signed
    return CheckpointRow(size=size, note=as_bytes(note), at=dated)


def _cosignature(row: Row[Any]) -> CosignatureRow:
    at = row.at if isinstance(row.at, int) else 0
    return CosignatureRow(size=row.size, peer=row.peer, line=as_bytes(row.line), at=at, first=as_bytes(row.first))


def _witnessed(row: Row[Any]) -> WitnessedRow:
    return WitnessedRow(
        peer=row.peer, origin=row.origin, size=row.size, root=as_bytes(row.root), note=as_bytes(row.note)
    )


# --- leaves and tiles ---------------------------------------------------------------------------------------------


def size(connection: Connection) -> int:
    """Count the leaves: the number of the last one."""
    return _SIZE.scalars(connection)[0] or 0


def leaves(connection: Connection, first: int = 1, last: int | None = None) -> Iterator[tuple[int, bytes]]:
    """(seq, leaf) from `first` to `last`, in batches; what is missing is left out."""
    while True:
        query = select(audit.c.seq, audit.c.leaf).where(audit.c.seq >= first).order_by(audit.c.seq).limit(BATCH)
        if last is not None:
            query = query.where(audit.c.seq <= last)
        rows = connection.execute(query).all()
        for row in rows:
            yield row.seq, as_bytes(row.leaf)
        if len(rows) < BATCH:
            return
        first = rows[-1].seq + 1


def last_until(connection: Connection, until: int) -> int:
    """The number of the last leaf that was written until a time: leaves stand in the order of their times."""
    low, high = 0, size(connection)
    while low < high:
        middle = (low + high + 1) // 2
        leaf = _LEAF.first(connection, seq=middle)
        found = None if leaf is None else orjson.loads(leaf[0])["at"]
        low, high = (middle, high) if found is not None and found <= until else (low, middle - 1)
    return low


def matching(
    connection: Connection, low: int, high: int, words: Sequence[bytes], limit: int
) -> list[tuple[int, bytes]]:
    """(seq, leaf) above `low` up to `high` that hold all of these words, newest first."""
    query = select(audit.c.seq, audit.c.leaf).where(audit.c.seq > low, audit.c.seq <= high)
    for word in words:
        query = query.where(place_in(audit.c.leaf, word) > 0)
    return [
        (row.seq, as_bytes(row.leaf)) for row in connection.execute(query.order_by(audit.c.seq.desc()).limit(limit))
    ]


def leaves_about(connection: Connection, hashes: Iterable[str]) -> list[tuple[int, bytes]]:
    """(seq, leaf) of the leaves whose `of` is one of these hashes, in order. Reads the whole log, and no index: it is
    asked when somebody exports evidence, and written with every message.
    """
    wanted = sorted(hash.encode() for hash in hashes)
    of = func.substr(audit.c.leaf, place_in(audit.c.leaf, _OF) + len(_OF), len(wanted[0]) if wanted else 0)
    found: list[tuple[int, bytes]] = []
    for first in range(0, len(wanted), BATCH):
        query = select(audit.c.seq, audit.c.leaf).where(of.in_(wanted[first : first + BATCH]))
        found += [(row.seq, as_bytes(row.leaf)) for row in connection.execute(query)]
    return sorted(found)


def tile(connection: Connection, level: int, index: int) -> bytes | None:
    """The hashes of one stored tile."""
    where = (audit_tile.c.level == level, audit_tile.c.idx == index)
    found = connection.scalar(select(audit_tile.c.hashes).where(*where))
    return None if found is None else as_bytes(found)


def tiled(connection: Connection) -> int:
    """Count the leaves in full tiles, 0 for none; always a multiple of 256."""
    full = (audit_tile.c.level == 0, func.length(audit_tile.c.hashes) == TILE * HASH)
    last: int | None = connection.scalar(select(func.max(audit_tile.c.idx)).where(*full))
    return 0 if last is None else (last + 1) * TILE


def put_tiles(connection: Connection, tiles: Iterable[tuple[int, int, bytes]]) -> None:
    """Write tiles: (level, index, hashes); one that was not full yet is replaced."""
    for level, index, hashes in tiles:
        values = upsert(audit_tile).values(level=level, idx=index, hashes=hashes)
        connection.execute(values.on_conflict_do_update(index_elements=["level", "idx"], set_={"hashes": hashes}))


def tree(connection: Connection, size: int) -> Tiles:
    """The tree of the first `size` leaves, readable while the connection is."""
    return Tiles(
        size,
        lambda level, index: tile(connection, level, index),
        lambda first, last: [leaf_hash(leaf) for _, leaf in leaves(connection, first + 1, last)],
    )


# --- checkpoints --------------------------------------------------------------------------------------------------


def add_checkpoint(connection: Connection, row: CheckpointRow) -> bool:
    """Keep a new checkpoint; False, and nothing written, where there is one of this size or a larger one."""
    newest = newest_checkpoint(connection)
    if newest is not None and newest.size >= row.size:
        return False
    connection.execute(insert(checkpoint).values(size=row.size, note=row.note, at=row.at))
    return True


def newest_checkpoint(connection: Connection) -> CheckpointRow | None:
    """The largest checkpoint."""
    found = _NEWEST_CHECKPOINT.first(connection)
    return None if found is None else _checkpoint(*found)


def checkpoints(connection: Connection) -> list[CheckpointRow]:
    """Every checkpoint, smallest first."""
    return [_checkpoint(*row) for row in connection.execute(select(checkpoint).order_by("size"))]


def checkpoint_of(connection: Connection, size: int) -> CheckpointRow | None:
    """The checkpoint of this size."""
    row = connection.execute(select(checkpoint).where(checkpoint.c.size == size)).first()
    return None if row is None else _checkpoint(*row)


def add_cosignature(connection: Connection, row: CosignatureRow) -> None:
    """Keep what a witness said; a later word of the same witness on the same checkpoint takes the place of its last
    one, not of its first.
    """
    values = upsert(cosignature).values(size=row.size, peer=row.peer, line=row.line, at=row.at, first=row.line)
    new = {"line": row.line, "at": row.at}
    connection.execute(values.on_conflict_do_update(index_elements=["size", "peer"], set_=new))


def cosignatures(connection: Connection, size: int | None = None) -> list[CosignatureRow]:
    """The cosignatures of one checkpoint, or all of them, in order of size and peer."""
    query = select(cosignature).order_by("size", "peer")
    if size is not None:
        query = query.where(cosignature.c.size == size)
    return [_cosignature(row) for row in connection.execute(query)]


def last_cosigned(connection: Connection, peer: NodeId) -> CosignatureRow | None:
    """The largest checkpoint of ours that this peer cosigned."""
    query = select(cosignature).where(cosignature.c.peer == peer).order_by(cosignature.c.size.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else _cosignature(row)


def newest_witnessed(connection: Connection, quorum: int) -> CheckpointRow | None:
    """The largest checkpoint that at least `quorum` witnesses, and not none, have cosigned."""
    enough = (
        select(cosignature.c.size)
        .group_by(cosignature.c.size)
        .having(func.count() >= max(1, quorum))
        .order_by(cosignature.c.size.desc())
        .limit(1)
    )
    found = connection.scalar(enough)
    return None if found is None else checkpoint_of(connection, found)


def newest_partly_witnessed(connection: Connection) -> CheckpointRow | None:
    """The checkpoint that most witnesses have cosigned, the largest of several; for a log that lacks a quorum."""
    query = select(cosignature.c.size).group_by(cosignature.c.size)
    found = connection.scalar(query.order_by(func.count().desc(), cosignature.c.size.desc()).limit(1))
    return None if found is None else checkpoint_of(connection, found)


# --- as a witness -------------------------------------------------------------------------------------------------


def witnessed_of(connection: Connection, origin: str) -> WitnessedRow | None:
    """Read which checkpoint of a log this node cosigned last, whoever showed it; None for none.

    A cosignature covers the origin and not who asked: by whom it is shown must not give it a second tree (nrm1 11.3).
    """
    query = select(witnessed).where(witnessed.c.origin == origin).order_by(witnessed.c.size.desc())
    row = connection.execute(query).first()
    return None if row is None else _witnessed(row)


def forget_witnessed(connection: Connection, peer: NodeId) -> list[WitnessedRow]:
    """Forget what was witnessed of a peer that was restored from a backup: its log may begin anew. Returns it."""
    held = connection.execute(select(witnessed).where(witnessed.c.peer == peer))
    found = [_witnessed(row) for row in held]
    connection.execute(delete(witnessed).where(witnessed.c.peer == peer))
    return found


def swap_witnessed(connection: Connection, before: WitnessedRow | None, after: WitnessedRow) -> bool:
    """Write `after` if `before` is still what is held; False, and nothing written, if another request was faster."""
    if witnessed_of(connection, after.origin) != before:
        return False
    values = {"size": after.size, "root": after.root, "note": after.note}
    if before is None:
        connection.execute(insert(witnessed).values(peer=after.peer, origin=after.origin, **values))
    else:
        same = (witnessed.c.peer == before.peer, witnessed.c.origin == after.origin)
        connection.execute(update(witnessed).where(*same).values(**values))
    return True

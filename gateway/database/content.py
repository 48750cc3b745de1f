"""Sealed content and its wrapped data keys. Bytes in, the same bytes out; what they mean is not known here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, func, insert, select, text, update

from gateway.database.prepared import Prepared
from gateway.database.tables import closed_epoch, datakey, sealed
from gateway.errors import Code, TransientError


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRow:
    """`data` under a data key that is wrapped by the storage epoch key `epoch`; `form` says what is sealed in it
    (`gateway.database.content_sealer`).
    """

    ref: int
    epoch: int
    wrapped: bytes
    data: bytes
    form: int = 0


_ROWS = Prepared(
    select(datakey.c.ref, datakey.c.epoch, datakey.c.wrapped, sealed.c.data, sealed.c.form)
    .join(sealed, sealed.c.ref == datakey.c.ref)
    .where(datakey.c.ref.in_(bindparam("refs", expanding=True)))
)
_PRESENT = Prepared(select(datakey.c.ref).where(datakey.c.ref.in_(bindparam("refs", expanding=True))))
_NEWEST_CLOSED = Prepared(select(func.max(closed_epoch.c.n)))
_PUT_KEY = Prepared(insert(datakey))
_PUT_DATA = Prepared(insert(sealed))


def close_epoch(connection: Connection, epoch: int) -> bool:
    """Let nobody store content under `epoch` or an older one any more, on any machine of the node, from this
    transaction's commit on: its key is about to go. False, and nothing is closed, where some of it is still to be
    wrapped anew.
    """
    if connection.dialect.name == "postgresql":
        # Waits for whoever is writing rows of this epoch, and lets whoever writes next compare with what stands here.
        connection.execute(text("lock table datakey in share row exclusive mode"))
    if keys_not_of(connection, epoch + 1, 1):
        return False
    connection.execute(delete(closed_epoch).where(closed_epoch.c.n < epoch))
    if connection.scalar(select(func.max(closed_epoch.c.n))) is None:
        connection.execute(insert(closed_epoch).values(n=epoch))
    return True


def open_epochs(connection: Connection) -> None:
    """Forget which epochs are closed: the keys come from a backup, and their newest epoch may be one of those."""
    connection.execute(delete(closed_epoch))


def put(connection: Connection, rows: Iterable[SealedRow]) -> None:
    """Store new sealed content.

    Raises:
        TransientError: it was sealed before a rotation and comes after it: seal it again.
    """
    rows = list(rows)
    if not rows:
        return
    _PUT_KEY.add(connection, rows)
    # Asked once they are written: nobody closes an epoch between the two, since closing waits for who writes keys.
    closed = _NEWEST_CLOSED.scalars(connection)[0] or 0
    if any(row.epoch <= closed for row in rows):
        raise TransientError(Code.LOCKED, "the storage epoch changed meanwhile; nothing was stored", hint="repeat it")
    _PUT_DATA.add(connection, rows)


def get(connection: Connection, refs: Sequence[int]) -> dict[int, SealedRow]:
    """The sealed rows that still exist, by ref."""
    found: dict[int, SealedRow] = {}
    for start in range(0, len(refs), 500):
        for row in _ROWS.made(SealedRow, connection, refs=refs[start : start + 500]):
            found[row.ref] = row
    return found


def present(connection: Connection, refs: Sequence[int]) -> set[int]:
    """Those of the refs under which there is content still."""
    found: set[int] = set()
    for start in range(0, len(refs), 500):
        found.update(_PRESENT.scalars(connection, refs=refs[start : start + 500]))
    return found


def erase(connection: Connection, ref: int) -> bool:
    """Destroy the data key first, then the bytes; True when there was something."""
    gone = connection.execute(delete(datakey).where(datakey.c.ref == ref)).rowcount
    connection.execute(delete(sealed).where(sealed.c.ref == ref))
    return bool(gone)


def keys_not_of(connection: Connection, epoch: int, limit: int) -> list[tuple[int, int, bytes]]:
    """Up to `limit` (ref, epoch, wrapped) whose epoch is another one: what a rotation still has to wrap anew."""
    query = (
        select(datakey.c.ref, datakey.c.epoch, datakey.c.wrapped)
        .where(datakey.c.epoch < epoch)
        .order_by(datakey.c.epoch, datakey.c.ref)
        .limit(limit)
    )
    return [(row.ref, row.epoch, row.wrapped) for row in connection.execute(query)]


def newest_epoch(connection: Connection) -> int:
    """The newest epoch under which anything is stored, by whichever machine; 0 where nothing is."""
    return connection.scalar(select(func.max(datakey.c.epoch))) or 0


def rewrap(connection: Connection, epoch: int, wrapped: Iterable[tuple[int, bytes]]) -> None:
    """Replace wrapped keys by ones under `epoch`; a row erased meanwhile stays erased, and one that another machine has
    wrapped under this epoch or a newer one stays as it is.
    """
    values = [{"which": ref, "epoch": epoch, "wrapped": blob} for ref, blob in wrapped]
    if values:
        connection.execute(update(datakey).where(datakey.c.ref == bindparam("which"), datakey.c.epoch < epoch), values)

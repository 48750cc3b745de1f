"""Receipt objects, the signed batches that carried them, and the ones still owed to a peer (nrm1 6.5, 6.6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.database.prepared import Prepared
from gateway.database.rows import values_of
from gateway.database.tables import receipt, receipt_batch, receipt_due
from gateway.foundation.ids import NodeId
from keys.documents.receipts import Receipt

ISSUED = "issued"
RECEIVED = "received"
AT_ONCE = 500
"""Values of one list in a statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRow:
    """One receipt; `object` is the canonical nrm.receipt/1 as issued, `batch` the signed document it went in."""

    of: str
    status: str
    peer: NodeId
    direction: str
    id: str
    code: str | None
    at: int
    object: bytes
    batch: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What one receipt says of which sealing of a message, and when."""

    id: str
    of: str
    status: str
    at: int


# Asked for every batch, so they are built once.
_ADD = Prepared(upsert(receipt).on_conflict_do_nothing(index_elements=["of", "status"]))
_HELD = Prepared(select(receipt.c.of, receipt.c.status).where(receipt.c.of.in_(bindparam("hashes", expanding=True))))
_ADD_BATCH = Prepared(insert(receipt_batch))
_SET_BATCH = Prepared(
    update(receipt)
    .where(receipt.c.of == bindparam("o"), receipt.c.status == bindparam("s"), receipt.c.batch.is_(None))
    .values(batch=bindparam("b"))
)
_JOIN = Prepared(
    update(receipt)
    .where(receipt.c.of == bindparam("o"), receipt.c.status == bindparam("s"))
    .values(batch=bindparam("b"))
)
_ANSWERS = Prepared(
    select(receipt)
    .where(
        receipt.c.direction == ISSUED,
        receipt.c.peer == bindparam("peer"),
        receipt.c.id.in_(bindparam("ids", expanding=True)),
        receipt.c.status.in_(("received", "rejected")),
    )
    .order_by(receipt.c.status.desc())
)
_WORDS = Prepared(
    select(receipt.c.id, receipt.c.of, receipt.c.status, receipt.c.at)
    .where(
        receipt.c.direction == bindparam("way"),
        receipt.c.peer == bindparam("peer"),
        receipt.c.id.in_(bindparam("ids", expanding=True)),
    )
    .order_by(receipt.c.at)
)
_BATCHES = Prepared(select(receipt_batch).where(receipt_batch.c.ref.in_(bindparam("refs", expanding=True))))
_BATCH_OF = Prepared(
    select(receipt.c.batch).where(receipt.c.of == bindparam("of"), receipt.c.status == bindparam("status"))
)
_MEMBERS = Prepared(select(receipt.c.of, receipt.c.status).where(receipt.c.batch == bindparam("batch")))
_OWE = Prepared(insert(receipt_due), columns=("peer", "of", "status"))
_OWED = Prepared(
    select(receipt_due.c.seq, receipt)
    .join(receipt, (receipt.c.of == receipt_due.c.of) & (receipt.c.status == receipt_due.c.status))
    .where(receipt_due.c.peer == bindparam("peer"))
    .order_by(receipt_due.c.seq)
    .limit(bindparam("most"))
)
_SETTLED = Prepared(delete(receipt_due).where(receipt_due.c.seq == bindparam("which")))


def make_row(receipt: Receipt, direction: str, peer: NodeId, batch: int | None) -> ReceiptRow:
    """Make the row of a receipt that was issued to `peer` or received from it."""
    return ReceiptRow(
        of=receipt.of,
        status=str(receipt.status),
        peer=peer,
        direction=direction,
        id=receipt.msg,
        code=receipt.code,
        at=receipt.at,
        object=receipt.encode(),
        batch=batch,
    )


def add(connection: Connection, rows: Iterable[ReceiptRow]) -> None:
    """Record receipts; one that is known by (of, status) stays as it was."""
    _ADD.run(connection, map(values_of, rows))


def held(connection: Connection, hashes: Sequence[str]) -> set[tuple[str, str]]:
    """(of, status) of every receipt held for these statements."""
    return set(_HELD.rows(connection, hashes=hashes))


def add_batch(connection: Connection, ref: int, document: bytes) -> None:
    """Store one signed batch."""
    _ADD_BATCH.run(connection, [{"ref": ref, "document": document}])


def set_batch(connection: Connection, ref: int, keys: Iterable[tuple[str, str]]) -> None:
    """Say in which batch receipts went, for those that were in none."""
    _SET_BATCH.run(connection, [{"o": of, "s": status, "b": ref} for of, status in keys])


def join(connection: Connection, ref: int, keys: Iterable[tuple[str, str]]) -> None:
    """Say that receipts which nobody has answered go in this batch from now on, whichever they were in."""
    _JOIN.run(connection, [{"o": of, "s": status, "b": ref} for of, status in keys])


def answers(connection: Connection, peer: NodeId, ids: Sequence[str]) -> dict[str, ReceiptRow]:
    """The final answers this node gave `peer` for these message ids: `received` or `rejected`."""
    return {row.id: row for row in _ANSWERS.made(ReceiptRow, connection, peer=peer, ids=ids)}


def of_message(connection: Connection, direction: str, peer: NodeId, id: str) -> list[ReceiptRow]:
    """Every receipt issued or received for one message, in order of time."""
    query = (
        select(receipt)
        .where(receipt.c.direction == direction, receipt.c.peer == peer, receipt.c.id == id)
        .order_by(receipt.c.at)
    )
    return [ReceiptRow(**row._mapping) for row in connection.execute(query)]


def words(connection: Connection, direction: str, peer: NodeId, ids: Sequence[str]) -> list[Word]:
    """What receipts for several messages of one link say, in order of time."""
    found: list[Word] = []
    for start in range(0, len(ids), AT_ONCE):
        found += _WORDS.made(Word, connection, way=direction, peer=peer, ids=ids[start : start + AT_ONCE])
    return found


def batches(connection: Connection, refs: Sequence[int]) -> dict[int, bytes]:
    """Signed batches by ref."""
    return dict(_BATCHES.rows(connection, refs=refs))


def members(connection: Connection, batch: int) -> set[tuple[str, str]]:
    """Which receipts went in one batch."""
    return set(_MEMBERS.rows(connection, batch=batch))


def owe(connection: Connection, peer: NodeId, keys: Iterable[tuple[str, str]]) -> None:
    """Remember that these receipts must be sent."""
    _OWE.run(connection, [{"peer": peer, "of": of, "status": status} for of, status in keys])


def owed(connection: Connection, peer: NodeId, limit: int) -> list[tuple[int, ReceiptRow]]:
    """The next receipts owed to `peer` with their place in the list."""
    names = _OWED.columns[1:]
    found = _OWED.rows(connection, peer=peer, most=limit)
    return [(seq, ReceiptRow(**dict(zip(names, values, strict=True)))) for seq, *values in found]


def settled(connection: Connection, seqs: Sequence[int]) -> None:
    """These were answered 200."""
    _SETTLED.run(connection, [{"which": seq} for seq in seqs])


def batch_of(connection: Connection, of: str, status: str) -> int | None:
    """The batch one receipt first went in."""
    found = _BATCH_OF.first(connection, of=of, status=status)
    return None if found is None else found[0]


def stored_batch(connection: Connection, keys: Sequence[tuple[str, str]]) -> bytes | None:
    """The stored document that holds exactly these receipts, or None."""
    ref = batch_of(connection, *keys[0])
    if ref is None or members(connection, ref) != set(keys):
        return None
    return batches(connection, [ref]).get(ref)

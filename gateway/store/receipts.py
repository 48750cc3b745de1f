"""Receipt objects, the signed batches that carried them, and the ones still owed to a peer (PROTOCOL B7, B14.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.store.rows import values_of
from gateway.store.tables import receipt, receipt_batch, receipt_due

ISSUED = "issued"
RECEIVED = "received"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRow:
    """One receipt; `object` is the canonical nrm.receipt/1 as issued, `batch` the signed document it went in."""

    of: str
    status: str
    peer: str
    direction: str
    id: str
    code: str | None
    at: int
    object: bytes
    batch: int | None


# Asked for every batch, so they are built once.
_ADD = upsert(receipt).on_conflict_do_nothing(index_elements=["of", "status"])
_HELD = select(receipt.c.of, receipt.c.status).where(receipt.c.of.in_(bindparam("hashes", expanding=True)))
_SET_BATCH = (
    update(receipt)
    .where(receipt.c.of == bindparam("o"), receipt.c.status == bindparam("s"), receipt.c.batch.is_(None))
    .values(batch=bindparam("b"))
)
_ANSWERS = (
    select(receipt)
    .where(
        receipt.c.direction == ISSUED,
        receipt.c.peer == bindparam("peer"),
        receipt.c.id.in_(bindparam("ids", expanding=True)),
        receipt.c.status.in_(("received", "rejected")),
    )
    .order_by(receipt.c.status.desc())
)
_OWED = (
    select(receipt_due.c.seq, receipt)
    .join(receipt, (receipt.c.of == receipt_due.c.of) & (receipt.c.status == receipt_due.c.status))
    .where(receipt_due.c.peer == bindparam("peer"))
    .order_by(receipt_due.c.seq)
    .limit(bindparam("most"))
)
_SETTLED = delete(receipt_due).where(receipt_due.c.seq == bindparam("which"))


def add(connection: Connection, rows: Iterable[ReceiptRow]) -> None:
    """Record receipts; one that is known by (of, status) stays as it was."""
    values = [values_of(row) for row in rows]
    if values:
        connection.execute(_ADD, values)


def held(connection: Connection, hashes: Sequence[str]) -> set[tuple[str, str]]:
    """(of, status) of every receipt held for these statements."""
    return {(row.of, row.status) for row in connection.execute(_HELD, {"hashes": list(hashes)})} if hashes else set()


def add_batch(connection: Connection, ref: int, document: bytes) -> None:
    """Store one signed batch."""
    connection.execute(insert(receipt_batch).values(ref=ref, document=document))


def set_batch(connection: Connection, ref: int, keys: Iterable[tuple[str, str]]) -> None:
    """Say in which batch receipts went, for those that were in none."""
    values = [{"o": of, "s": status, "b": ref} for of, status in keys]
    if values:
        connection.execute(_SET_BATCH, values)


def answers(connection: Connection, peer: str, ids: Sequence[str]) -> dict[str, ReceiptRow]:
    """The final answers this node gave `peer` for these message ids: `received` or `rejected`."""
    found: dict[str, ReceiptRow] = {}
    for row in connection.execute(_ANSWERS, {"peer": peer, "ids": list(ids)}):
        found[row.id] = ReceiptRow(**row._mapping)
    return found


def of_message(connection: Connection, direction: str, peer: str, id: str) -> list[ReceiptRow]:
    """Every receipt issued or received for one message, in order of time."""
    query = (
        select(receipt)
        .where(receipt.c.direction == direction, receipt.c.peer == peer, receipt.c.id == id)
        .order_by(receipt.c.at)
    )
    return [ReceiptRow(**row._mapping) for row in connection.execute(query)]


def batches(connection: Connection, refs: Sequence[int]) -> dict[int, bytes]:
    """Signed batches by ref."""
    query = select(receipt_batch).where(receipt_batch.c.ref.in_(refs))
    return {row.ref: row.document for row in connection.execute(query)}


def members(connection: Connection, batch: int) -> set[tuple[str, str]]:
    """Which receipts went in one batch."""
    query = select(receipt.c.of, receipt.c.status).where(receipt.c.batch == batch)
    return {(row.of, row.status) for row in connection.execute(query)}


def owe(connection: Connection, peer: str, keys: Iterable[tuple[str, str]]) -> None:
    """Remember that these receipts must be sent."""
    values = [{"peer": peer, "of": of, "status": status} for of, status in keys]
    if values:
        connection.execute(insert(receipt_due), values)


def owed(connection: Connection, peer: str, limit: int) -> list[tuple[int, ReceiptRow]]:
    """The next receipts owed to `peer` with their place in the list."""
    rows = []
    for row in connection.execute(_OWED, {"peer": peer, "most": limit}):
        values = dict(row._mapping)
        rows.append((values.pop("seq"), ReceiptRow(**values)))
    return rows


def settled(connection: Connection, seqs: Sequence[int]) -> None:
    """These were answered 200."""
    if seqs:
        connection.execute(_SETTLED, [{"which": seq} for seq in seqs])


def batch_of(connection: Connection, of: str, status: str) -> int | None:
    """The batch one receipt first went in."""
    return connection.scalar(select(receipt.c.batch).where(receipt.c.of == of, receipt.c.status == status))


def stored_batch(connection: Connection, keys: Sequence[tuple[str, str]]) -> bytes | None:
    """The stored document that holds exactly these receipts, or None."""
    ref = batch_of(connection, *keys[0])
    if ref is None or members(connection, ref) != set(keys):
        return None
    return batches(connection, [ref]).get(ref)

"""Receipt objects, the batches that they were signed in, and the ones still owed to a peer (nrm1 6.5, 6.6).

A batch is stored once, and with each receipt its place there. Of the first form, which has no such places, the whole
signed document is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, bindparam, delete, exists, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.database.prepared import Prepared
from gateway.database.tables import receipt, receipt_batch, receipt_due
from gateway.foundation.ids import NodeId
from keys.documents.receipts import EITHER, KeptReceipts, Receipt, SignedReceipts, Status
from keys.primitives.batch import Batch, Inclusion
from keys.primitives.domains import RECEIPTS_1
from keys.primitives.encoding import DOCUMENT_LIMIT, parse
from keys.primitives.sign import SignedDocument

ISSUED = "issued"
RECEIVED = "received"
_RANK = {str(status): rank for rank, status in enumerate(Status)}
HAS_IT = (Status.RECEIVED, Status.DELIVERED, Status.OPENED, Status.ERASED)
"""What a receipt says of a message that its receiver has or had, in this order (nrm1 6.2)."""
AT_ONCE = 500
"""Values of one list in a statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRow:
    """One receipt; `object` is the canonical object as issued, `batch` the batch it was signed in, and `proof` its
    place there, None in a document of the first form.
    """

    of: str
    status: str
    peer: NodeId
    direction: str
    id: str
    code: str | None
    at: int
    object: bytes
    batch: int | None
    proof: bytes | None = None


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
_JOIN = Prepared(
    update(receipt)
    .where(receipt.c.of == bindparam("o"), receipt.c.status == bindparam("s"))
    .values(batch=bindparam("b"), proof=bindparam("p"))
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
_first = receipt.alias()
_TOLD_ALONG = Prepared(
    select(receipt).where(
        receipt.c.direction == ISSUED,
        receipt.c.peer == bindparam("peer"),
        receipt.c.id.in_(bindparam("ids", expanding=True)),
        receipt.c.status == "delivered",
        exists().where(_first.c.id == receipt.c.id, _first.c.batch == receipt.c.batch, _first.c.status == "received"),
    )
)
_UNSIGNED = Prepared(
    select(receipt.c.of, receipt.c.status).where(
        receipt.c.of.in_(bindparam("hashes", expanding=True)), receipt.c.batch.is_(None)
    )
)
_WORDS = Prepared(
    select(receipt.c.id, receipt.c.of, receipt.c.status, receipt.c.at).where(
        receipt.c.direction == bindparam("way"),
        receipt.c.peer == bindparam("peer"),
        receipt.c.id.in_(bindparam("ids", expanding=True)),
    )
)
_BATCHES = Prepared(select(receipt_batch).where(receipt_batch.c.ref.in_(bindparam("refs", expanding=True))))
_BATCH_OF = Prepared(
    select(receipt.c.batch).where(receipt.c.of == bindparam("of"), receipt.c.status == bindparam("status"))
)
_MEMBERS = Prepared(select(receipt).where(receipt.c.batch == bindparam("batch")))
_OWE = Prepared(insert(receipt_due), columns=("peer", "of", "status"))
_OWED = Prepared(
    select(receipt_due.c.seq, receipt)
    .join(receipt, (receipt.c.of == receipt_due.c.of) & (receipt.c.status == receipt_due.c.status))
    .where(receipt_due.c.peer == bindparam("peer"))
    .order_by(receipt_due.c.seq)
    .limit(bindparam("most"))
)
_SETTLED = Prepared(delete(receipt_due).where(receipt_due.c.seq.in_(bindparam("seqs", expanding=True))))


def make_row(receipt: Receipt, direction: str, peer: NodeId) -> ReceiptRow:
    """Make the row of a receipt to `peer`, or from it, that is in no batch yet."""
    return ReceiptRow(
        of=receipt.of,
        status=str(receipt.status),
        peer=peer,
        direction=direction,
        id=receipt.msg,
        code=receipt.code,
        at=receipt.at,
        object=receipt.encode(),
        batch=None,
    )


def make_rows(signed: SignedReceipts, direction: str, peer: NodeId, batch: int) -> list[ReceiptRow]:
    """Make the rows of receipts that were signed in the batch stored as `batch`."""
    return [
        replace(make_row(receipt, direction, peer), batch=batch, proof=inclusion.pack())
        for receipt, inclusion in zip(signed.receipts, signed.inclusions, strict=True)
    ]


def add(connection: Connection, rows: Iterable[ReceiptRow]) -> None:
    """Record receipts; one that is known by (of, status) stays as it was."""
    _ADD.add(connection, rows)


def held(connection: Connection, hashes: Sequence[str]) -> set[tuple[str, str]]:
    """(of, status) of every receipt held for these statements."""
    return set(_HELD.rows(connection, hashes=hashes))


def add_batch(connection: Connection, ref: int, batch: Batch) -> None:
    """Store one batch."""
    _ADD_BATCH.run(connection, [{"ref": ref, "document": batch.pack()}])


def join(connection: Connection, rows: Iterable[ReceiptRow]) -> None:
    """Say that receipts which nobody has answered are in the batch of these rows from now on."""
    _JOIN.run(connection, [{"o": row.of, "s": row.status, "b": row.batch, "p": row.proof} for row in rows])


def answers(connection: Connection, peer: NodeId, ids: Sequence[str]) -> dict[str, ReceiptRow]:
    """The final answers this node gave `peer` for these message ids: `received` or `rejected`."""
    return {row.id: row for row in _ANSWERS.made(ReceiptRow, connection, peer=peer, ids=ids)}


def told_along(connection: Connection, peer: NodeId, ids: Sequence[str]) -> list[ReceiptRow]:
    """The `delivered` of these messages that stand in one batch with `received`: they were owed to nobody, since the
    answer to the request told them.
    """
    return _TOLD_ALONG.made(ReceiptRow, connection, peer=peer, ids=ids)


def without_batch(connection: Connection, hashes: Sequence[str]) -> set[tuple[str, str]]:
    """(of, status) of the receipts for these statements that nobody has signed yet."""
    return set(_UNSIGNED.rows(connection, hashes=hashes))


def of_message(connection: Connection, direction: str, peer: NodeId, id: str) -> list[ReceiptRow]:
    """Every receipt issued or received for one message, in order of time; of one second in the order of a message's
    life.
    """
    query = select(receipt).where(receipt.c.direction == direction, receipt.c.peer == peer, receipt.c.id == id)
    return sorted((ReceiptRow(**row._mapping) for row in connection.execute(query)), key=_by_time)


def words(connection: Connection, direction: str, peer: NodeId, ids: Sequence[str]) -> list[Word]:
    """Read the words of receipts for several messages of one link, in the order of `of_message`."""
    found: list[Word] = []
    for start in range(0, len(ids), AT_ONCE):
        found += _WORDS.made(Word, connection, way=direction, peer=peer, ids=ids[start : start + AT_ONCE])
    return sorted(found, key=_by_time)


def _by_time(told: ReceiptRow | Word) -> tuple[int, int]:
    return told.at, _RANK[told.status]


def signed(connection: Connection, rows: Iterable[ReceiptRow]) -> list[KeptReceipts]:
    """Load by which signatures these receipts are proven, one for each batch that they are in: with these receipts of
    it and no other, but for a document of the first form, which is whole.
    """
    together: dict[int, list[ReceiptRow]] = {}
    for row in rows:
        if row.batch is not None:
            together.setdefault(row.batch, []).append(row)
    documents = dict(_BATCHES.rows(connection, refs=sorted(together)))
    return [_read(documents[ref], together[ref]) for ref in sorted(together)]


def _read(document: bytes, rows: Sequence[ReceiptRow]) -> KeptReceipts:
    """Read a stored batch, with the receipts of it in `rows`."""
    placed = [(Receipt.parse(row.object, *EITHER), row.proof) for row in rows if row.proof is not None]
    if not placed:
        return SignedDocument.from_json(parse(document, limit=DOCUMENT_LIMIT), RECEIPTS_1)
    batch = Batch.unpack(document)
    return SignedReceipts.of(batch, [(receipt, Inclusion.unpack(proof, batch.count)) for receipt, proof in placed])


def members(connection: Connection, batch: int) -> list[ReceiptRow]:
    """List the receipts of one batch."""
    return _MEMBERS.made(ReceiptRow, connection, batch=batch)


def owe(connection: Connection, peer: NodeId, keys: Iterable[tuple[str, str]]) -> None:
    """Remember that these receipts must be sent."""
    _OWE.run(connection, [{"peer": peer, "of": of, "status": status} for of, status in keys])


def owed(connection: Connection, peer: NodeId, limit: int) -> list[tuple[int, ReceiptRow]]:
    """The next receipts owed to `peer` with their place in the list."""
    names = _OWED.columns[1:]
    found = _OWED.rows(connection, peer=peer, most=limit)
    return [(seq, ReceiptRow(**dict(zip(names, values, strict=True)))) for seq, *values in found]


def settled(connection: Connection, seqs: Sequence[int]) -> None:
    """Owe these no longer: they were answered 200."""
    _SETTLED.run_listed(connection, seqs=seqs)


def signed_before(connection: Connection, keys: Sequence[tuple[str, str]]) -> SignedReceipts | None:
    """Load the signature over these receipts, each once, where all of them are in one batch; None also in the first
    form.
    """
    found = _BATCH_OF.first(connection, of=keys[0][0], status=keys[0][1])
    if found is None or found[0] is None:
        return None
    rows = {(row.of, row.status): row for row in members(connection, found[0])}
    if not rows.keys() >= set(keys):
        return None
    (kept,) = signed(connection, [rows[key] for key in dict.fromkeys(keys)])
    return kept if isinstance(kept, SignedReceipts) else None

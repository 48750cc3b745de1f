"""gateway.messages.store.receipts: with which signature a receipt is kept, and found again."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, insert
from support import rows
from support.batches import by
from support.exhibits import A, B
from support.first_form import first_batch
from support.rows import PEER

from gateway.database.tables import receipt_batch
from gateway.messages.answers import sign_receipts
from gateway.messages.store import receipts
from keys.documents.receipts import Receipt, SignedReceipts, Status
from keys.primitives.domains import RECEIPT_1
from keys.primitives.encoding import b64u, canon


def signed(*of: str) -> SignedReceipts:
    """Receipts for these statements that were signed together."""
    told = [
        Receipt(
            of=b64u(hash.encode() * 32),
            msg=b64u(hash.encode() * 16),
            from_=A.first().node,
            from_desc=1,
            to=B.first().node,
            n=1,
            status=Status.RECEIVED,
            at=7,
        )
        for hash in of
    ]
    return sign_receipts(told, by(B.sig))


def keep(connection: Connection, ref: int, told: SignedReceipts) -> None:
    """Store them with their batch."""
    receipts.add_batch(connection, ref, told.batch)
    receipts.add(connection, receipts.make_rows(told, receipts.ISSUED, PEER, ref))


def test_receipts_of_one_batch_are_found_with_their_signature(connection: Connection):
    """All of a batch or a part of it, in any order, what is named twice once; not what is in two of them or in none."""
    both, one = signed("a", "b"), signed("c")
    keep(connection, 9, both)
    keep(connection, 10, one)
    receipts.add(connection, [rows.receipt("d")])
    (a, b), (c,) = ([(item.of, str(item.status)) for item in told.receipts] for told in (both, one))
    assert receipts.signed_before(connection, [a, b]) == both
    assert receipts.signed_before(connection, [b, a, b]) == both
    assert receipts.signed_before(connection, [b]) == replace(
        both, receipts=both.receipts[1:], inclusions=both.inclusions[1:]
    )
    for keys in ([a, c], [a, ("d", "received")], [("d", "received")], [("e", "received")]):
        assert receipts.signed_before(connection, keys) is None


def test_receipts_that_are_signed_again_are_in_the_new_batch(connection: Connection):
    """The batch of before stays, for the others that are in it."""
    both = signed("a", "b")
    keep(connection, 9, both)
    again = sign_receipts(both.receipts[:1], by(A.sig))
    receipts.add_batch(connection, 10, again.batch)
    receipts.join(connection, receipts.make_rows(again, receipts.ISSUED, PEER, 10))
    found = [
        row for receipt in both.receipts for row in receipts.of_message(connection, receipts.ISSUED, PEER, receipt.msg)
    ]
    assert receipts.signed(connection, found) == [
        replace(both, receipts=both.receipts[1:], inclusions=both.inclusions[1:]),
        again,
    ]


def test_receipts_of_the_first_form_are_found_in_their_document(connection: Connection):
    """A document of before is given whole, and never as what can be sent."""
    told = signed("a").receipts[0]
    document = first_batch(B.sig, told)
    row = replace(receipts.make_row(told, receipts.ISSUED, PEER), object=canon(told.to_json(RECEIPT_1)), batch=9)
    receipts.add(connection, [row])
    connection.execute(insert(receipt_batch).values(ref=9, document=document.encode()))
    assert receipts.signed(connection, [row]) == [document]
    assert receipts.signed_before(connection, [(row.of, row.status)]) is None

"""keys.documents.receipts: voids, and receipts under one signature, all or none (nrm1 5.6, 6.3)."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from support.batches import by
from support.first_form import first_batch
from support.nodes import NOW, Node, refused
from support.receiving import Sender

from gateway.errors import Code
from gateway.messages.answers import sign_receipts
from keys.documents import envelope as wire
from keys.documents.receipts import EITHER, FirstReceipts, SignedReceipts
from keys.primitives.domains import RECEIPT as RECEIPT_TYPE
from keys.primitives.domains import RECEIPT_1
from keys.primitives.encoding import b64u, canon

KEY = Node("b").sig
SENDER = Sender(node=Node("a"), to=Node("b"))
STATED = SENDER.statement()
RECEIPT = wire.Receipt(
    of="A" * 43,
    msg=STATED.id,
    from_=STATED.to,
    from_desc=1,
    to=STATED.from_,
    n=1,
    status=wire.Status.RECEIVED,
    at=NOW,
)


def test_void_round_trip() -> None:
    """A void is read back as it was written, and its `prev` follows the rule of statements."""
    void = wire.Void(id=STATED.id, from_=STATED.from_, to=STATED.to, epoch=1, n=1, commit=None, prev=None, created=NOW)
    assert wire.Void.parse(void.encode()) == void
    for bad in (replace(void, n=2), replace(void, prev="A" * 43), replace(void, epoch=0)):
        with refused(Code.MALFORMED):
            wire.Void.parse(bad.encode())


def told(*receipts: wire.Receipt) -> bytes:
    """These receipts, signed together."""
    return sign_receipts(receipts, by(KEY)).encode()


def test_receipts_round_trip() -> None:
    """Receipts under one signature, and each by itself, are read back as they were written."""
    rejected = replace(RECEIPT, status=wire.Status.REJECTED, code="void")
    signed = sign_receipts([RECEIPT, rejected], by(KEY))
    assert SignedReceipts.from_json(orjson.loads(signed.encode())) == signed
    signed.verify(KEY.public)
    assert (signed.from_, signed.to) == (STATED.to, STATED.from_)
    assert wire.Receipt.parse(RECEIPT.encode()) == RECEIPT
    for receipt, proof in zip(signed.receipts, signed.proofs, strict=True):
        proof.require(RECEIPT_TYPE, receipt.encode())


@pytest.mark.parametrize(
    "second",
    [
        RECEIPT,
        replace(RECEIPT, status=wire.Status.REJECTED),
        replace(RECEIPT, status=wire.Status.OPENED, code="void"),
        replace(RECEIPT, status=wire.Status.OPENED, to=STATED.to),
        replace(RECEIPT, status=wire.Status.OPENED, from_=STATED.from_),
        replace(RECEIPT, status=wire.Status.OPENED, of="AA"),
        replace(RECEIPT, status=wire.Status.OPENED, n=0),
    ],
    ids=["twice", "no code", "code", "other peer", "other node", "hash", "number"],
)
def test_bad_receipt_refuses_all(second: wire.Receipt) -> None:
    """nrm1 6.3; threat 57: one bad receipt refuses all: said twice, a code too many, another pair of nodes."""
    with refused(Code.MALFORMED):
        SignedReceipts.from_json(orjson.loads(told(RECEIPT, second)))
    first = canon({"type": "nrm.receipts/1", "receipts": [one.to_json(RECEIPT_1) for one in (RECEIPT, second)]})
    with refused(Code.MALFORMED):
        FirstReceipts.parse(first)


def test_1_to_128_receipts_travel_together() -> None:
    """None and 129 are neither written nor read; of the first form there were at most 100."""
    many = [replace(RECEIPT, of=b64u(i.to_bytes(32, "big"))) for i in range(129)]
    most = orjson.loads(told(*many[:128]))
    assert len(SignedReceipts.from_json(most).receipts) == 128
    for receipts in ([], [*most["receipts"], most["receipts"][0]]):
        with refused(Code.MALFORMED):
            SignedReceipts.from_json(most | {"receipts": receipts})
    for receipts in ([], many):
        with pytest.raises(RuntimeError, match="1 to 128"):
            sign_receipts(receipts, by(KEY))
    listed = [one.to_json(RECEIPT_1) for one in many[:101]]
    assert len(FirstReceipts.parse(canon({"type": "nrm.receipts/1", "receipts": listed[:100]})).receipts) == 100
    for receipts in ([], listed):
        with refused(Code.MALFORMED):
            FirstReceipts.parse(canon({"type": "nrm.receipts/1", "receipts": receipts}))


def test_each_form_is_read_where_it_is_asked_for() -> None:
    """A receipt of the first form is read from what was kept, and nowhere else (nrm1 1.17)."""
    first = canon(RECEIPT.to_json(RECEIPT_1))
    assert wire.Receipt.parse(first, *EITHER) == wire.Receipt.parse(RECEIPT.encode(), *EITHER) == RECEIPT
    for data, kind in ((first, RECEIPT_TYPE), (RECEIPT.encode(), RECEIPT_1)):
        with refused(Code.WRONG_TYPE):
            wire.Receipt.parse(data, kind)
    with refused(Code.WRONG_TYPE):
        SignedReceipts.from_json(first_batch(KEY, RECEIPT).to_json())

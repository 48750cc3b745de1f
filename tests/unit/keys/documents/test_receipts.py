"""keys.documents.receipts: voids and batches of receipts, whole or not at all (nrm1 5.6, 6.3)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.nodes import NOW, Node, refused
from support.receiving import Sender

from gateway.errors import Code
from keys.documents import envelope as wire
from keys.primitives.encoding import b64u, canon

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


def test_receipts_round_trip() -> None:
    """A batch and a lone receipt are read back as they were written."""
    batch = wire.Receipts(receipts=(RECEIPT, replace(RECEIPT, status=wire.Status.REJECTED, code="void")))
    assert wire.Receipts.parse(batch.encode()) == batch
    assert (batch.from_, batch.to) == (STATED.to, STATED.from_)
    assert wire.Receipt.parse(RECEIPT.encode()) == RECEIPT


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
def test_bad_receipt_refuses_the_batch(second: wire.Receipt) -> None:
    """nrm1 6.3; threat 57: one bad receipt refuses all: said twice, a code too many, another pair of nodes."""
    data = canon({"type": "nrm.receipts/2", "receipts": [RECEIPT.to_json(), second.to_json()]})
    with refused(Code.MALFORMED):
        wire.Receipts.parse(data)


def test_batch_has_1_to_100_receipts() -> None:
    """An empty batch and one of 101 are neither written nor read."""
    many = tuple(replace(RECEIPT, of=b64u(i.to_bytes(32, "big"))) for i in range(101))
    assert len(wire.Receipts.parse(wire.Receipts(receipts=many[:100]).encode()).receipts) == 100
    for receipts in ((), many):
        with pytest.raises(RuntimeError, match="1 to 100"):
            wire.Receipts(receipts=receipts).encode()
        with refused(Code.MALFORMED):
            wire.Receipts.parse(canon({"type": "nrm.receipts/2", "receipts": [item.to_json() for item in receipts]}))

"""What a receiver tells about a message, one signed step at a time (nrm1 6.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import MessageId, NodeId
from gateway.ports import Json
from keys.primitives.domains import RECEIPTS, RECEIPTS_1, SIGNED
from keys.primitives.encoding import (
    Check,
    b64u,
    canon,
    exact,
    h,
    is_code,
    is_count,
    is_hash,
    is_id,
    is_int,
    is_node,
    is_object,
    items,
    list_of,
    malformed,
    maybe_text,
    nullable,
    number,
    one_of,
    parse_payload,
    text,
)

MOST_RECEIPTS: Final = 100
BATCHES: Final = (RECEIPTS, RECEIPTS_1)
"""Both forms, for what was kept: nobody makes or takes the first one any more (nrm1 1.17)."""


class Status(StrEnum):
    """How far a message has come (nrm1 6.2, 12.6)."""

    RECEIVED = "received"
    DELIVERED = "delivered"
    OPENED = "opened"
    ERASED = "erased"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One step of one message, told by its receiver. `of` names the statement or the void; `at` is Unix seconds.

    `code` is None except for a rejection (nrm1 6.1).
    """

    of: str
    msg: MessageId
    from_: NodeId
    from_desc: int
    to: NodeId
    n: int
    status: Status
    at: int
    code: str | None = None

    def to_json(self) -> dict[str, Json]:
        """The object as it stands in a batch; it is stored and repeated unchanged (nrm1 6.6)."""
        return {
            "type": "nrm.receipt/1",
            "of": self.of,
            "msg": self.msg,
            "from": self.from_,
            "from_desc": self.from_desc,
            "to": self.to,
            "n": self.n,
            "status": self.status.value,
            "at": self.at,
            "code": self.code,
        }

    def encode(self) -> bytes:
        """Return canonical JSON of the object."""
        return canon(self.to_json())

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Read the object. Raises RemoteError(malformed)."""
        member = exact(value, _RECEIPT, what="receipt")
        receipt = cls(
            of=text(member["of"]),
            msg=MessageId(text(member["msg"])),
            from_=NodeId(text(member["from"])),
            from_desc=number(member["from_desc"]),
            to=NodeId(text(member["to"])),
            n=number(member["n"]),
            status=Status(text(member["status"])),
            at=number(member["at"]),
            code=maybe_text(member["code"]),
        )
        if (receipt.code is None) == (receipt.status is Status.REJECTED):
            raise malformed("receipt has a code exactly when it is rejected")
        return receipt

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a stored receipt, or the payload of a lone one, which is verified but never issued (nrm1 1.11).

        Raises RemoteError(malformed).
        """
        return cls.from_json(parse_payload(data))


_RECEIPT: Final[dict[str, Check]] = {
    "type": one_of("nrm.receipt/1"),
    "of": is_hash,
    "msg": is_id,
    "from": is_node,
    "from_desc": is_count,
    "to": is_node,
    "n": is_count,
    "status": one_of(*Status),
    "at": is_int(),
    "code": nullable(is_code),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    """A batch of 1 to 100 receipts of one node for one peer; one (of, status) occurs once (nrm1 6.3)."""

    receipts: tuple[Receipt, ...]
    payload_type: str = RECEIPTS

    def encode(self) -> bytes:
        """Return canonical JSON: the bytes that are signed. Raises RuntimeError for a batch that breaks a rule."""
        if fault := _batch_fault(self.receipts):
            raise RuntimeError(fault)
        return canon(
            {"type": SIGNED[self.payload_type].payload, "receipts": [item.to_json() for item in self.receipts]}
        )

    @classmethod
    def parse(cls, data: bytes, *payload_types: str) -> Self:
        """Read a payload of one of these types, the one that is issued unless others are named; a batch with one fault
        is refused as a whole (nrm1 6.4).

        Raises RemoteError(malformed), or wrong_type for one of the other form.
        """
        member = exact(parse_payload(data), _RECEIPTS, what="receipts")
        payload_type = _TYPES[text(member["type"])]
        if payload_type not in (payload_types or (RECEIPTS,)):
            raise RemoteError(Code.WRONG_TYPE, "receipts are of another form")
        receipts = tuple(Receipt.from_json(item) for item in items(member["receipts"]))
        if fault := _batch_fault(receipts):
            raise malformed(fault)
        return cls(receipts=receipts, payload_type=payload_type)

    @property
    def from_(self) -> NodeId:
        """The node that issued all of them."""
        return self.receipts[0].from_

    @property
    def to(self) -> str:
        """The node that sent all the messages."""
        return self.receipts[0].to


_TYPES: Final = {SIGNED[name].payload: name for name in BATCHES}
_RECEIPTS: Final[dict[str, Check]] = {
    "type": one_of(*_TYPES),
    "receipts": list_of(is_object, 1, MOST_RECEIPTS),
}


def batch_hash(document: bytes) -> str:
    """H("receipts", bytes) of a signed batch with its signature: how the audit log names it (nrm1 7.7)."""
    return b64u(h("receipts", document))


def _batch_fault(receipts: Sequence[Receipt]) -> str | None:
    if not 1 <= len(receipts) <= MOST_RECEIPTS:
        return "batch does not have 1 to 100 receipts"
    if not _one(receipt.from_ for receipt in receipts) or not _one(receipt.to for receipt in receipts):
        return "batch is not between two nodes"
    # A receipt is final: two with one status could differ in time or code, and each side would keep another one.
    if len({(receipt.of, receipt.status) for receipt in receipts}) != len(receipts):
        return "batch says one thing twice"
    return None


def _one(values: Iterable[str]) -> bool:
    return len(set(values)) == 1

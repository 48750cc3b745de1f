"""What a receiver tells about a message, one signed step at a time (nrm1 6.1)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import Final, Self, TypeAlias

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import MessageId, NodeId
from gateway.ports import Json
from keys.primitives.batch import INSIDE, MOST, OUTSIDE, Batch, Inclusion, Proof, Unsigned
from keys.primitives.domains import RECEIPT, RECEIPT_1, RECEIPTS_1, SIGNED
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
from keys.primitives.hybrid_keys import PublicKey
from keys.primitives.sign import SignedDocument

RECEIPTS: Final = "application/vnd.nrm.receipts.v2+json"  # the HTTP content type (nrm1 6.3)
MOST_IN_FIRST_FORM: Final = 100
EITHER: Final = (RECEIPT, RECEIPT_1)
"""Both forms, for what was kept: nobody makes or takes the first one any more (nrm1 1.17)."""


class Status(StrEnum):
    """How far a message has come (nrm1 6.2, 12.6)."""

    RECEIVED = "received"
    DELIVERED = "delivered"
    OPENED = "opened"
    ERASED = "erased"
    REJECTED = "rejected"


@dataclass(frozen=True, kw_only=True)
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

    def to_json(self, payload_type: str = RECEIPT) -> dict[str, Json]:
        """Return the object in its form; it is stored, and repeated as it is (nrm1 6.6)."""
        return {
            "type": SIGNED[payload_type].payload,
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
        """Return canonical JSON: what is signed, in a batch, proven and stored."""
        return self._written

    @cached_property
    def _written(self) -> bytes:
        return canon(self.to_json())

    @property
    def unsigned(self) -> Unsigned:
        """What a batch is made of."""
        return RECEIPT, self.encode()

    @classmethod
    def from_json(cls, value: Json, *payload_types: str) -> Self:
        """Read the object of one of these types, of the one that is issued unless others are named.

        Raises RemoteError(malformed), or wrong_type for one of the other form.
        """
        member = exact(value, _RECEIPT, what="receipt")
        if _TYPES[text(member["type"])] not in (payload_types or (RECEIPT,)):
            raise RemoteError(Code.WRONG_TYPE, "a receipt is of another form")
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
    def parse(cls, data: bytes, *payload_types: str) -> Self:
        """Read a payload; see `from_json`. Raises RemoteError(malformed, wrong_type)."""
        return cls.from_json(parse_payload(data), *payload_types)


_TYPES: Final = {SIGNED[name].payload: name for name in EITHER}
_RECEIPT: Final[dict[str, Check]] = {
    "type": one_of(*_TYPES),
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


# --- as they travel ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedReceipts:
    """1 to 128 receipts of one node for one peer, which are in one batch; one (of, status) occurs once (nrm1 6.3).

    Holding them proves nothing: see `verify`. `inclusions` are their places in the tree, in whose order they stand, so
    that the same receipts are written in one way.
    """

    batch: Batch
    receipts: tuple[Receipt, ...]
    inclusions: tuple[Inclusion, ...]

    @classmethod
    def of(cls, batch: Batch, placed: Iterable[tuple[Receipt, Inclusion]]) -> Self:
        """Put receipts of one batch into their order."""
        told = sorted(placed, key=lambda item: item[1].index)
        return cls(
            batch=batch,
            receipts=tuple(receipt for receipt, _ in told),
            inclusions=tuple(inclusion for _, inclusion in told),
        )

    def about(self, messages: Collection[MessageId]) -> Self:
        """Those of them that are about these messages."""
        placed = zip(self.receipts, self.inclusions, strict=True)
        return self.of(self.batch, [item for item in placed if item[0].msg in messages])

    def to_json(self) -> dict[str, Json]:
        """Return the member form `{count, receipts, signatures}`."""
        told: list[Json] = [
            {"receipt": receipt.to_json(), **inclusion.to_json()}
            for receipt, inclusion in zip(self.receipts, self.inclusions, strict=True)
        ]
        return {**self.batch.outside(), "receipts": told}

    def encode(self) -> bytes:
        """Return canonical JSON."""
        return canon(self.to_json())

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Read the member form. Raises RemoteError(malformed), or wrong_type for a document of the first form."""
        if isinstance(value, dict) and "payloadType" in value:
            raise RemoteError(Code.WRONG_TYPE, "receipts are of another form")
        member = exact(value, _RECEIPTS, what="receipts")
        count = number(member["count"])
        told = [exact(item, _TOLD, what="told") for item in items(member["receipts"])]
        receipts = tuple(Receipt.from_json(item["receipt"]) for item in told)
        if fault := _fault(receipts):
            raise malformed(fault)
        inclusions = tuple(Inclusion.from_members(item, count) for item in told)
        if any(not one.index < other.index for one, other in pairwise(inclusions)):
            raise malformed("receipts are not in the order of their places")
        root = inclusions[0].root_over(*receipts[0].unsigned)
        return cls(batch=Batch.from_outside(member, root), receipts=receipts, inclusions=inclusions)

    @property
    def proofs(self) -> tuple[Proof, ...]:
        """What proves each of them alone."""
        return tuple(Proof(batch=self.batch, inclusion=inclusion) for inclusion in self.inclusions)

    def verify(self, public: PublicKey) -> None:
        """Verify that `public` signed all of them. Raises RemoteError(bad_signature)."""
        for receipt, proof in zip(self.receipts, self.proofs, strict=True):
            proof.require(*receipt.unsigned)
        self.batch.verify(public)

    @property
    def from_(self) -> NodeId:
        """The node that issued all of them."""
        return self.receipts[0].from_

    @property
    def to(self) -> NodeId:
        """The node that sent all the messages."""
        return self.receipts[0].to


_RECEIPTS: Final[dict[str, Check]] = {**OUTSIDE, "receipts": list_of(is_object, 1, MOST)}
_TOLD: Final[dict[str, Check]] = {**INSIDE, "receipt": is_object}


# --- a batch of the first form -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstReceipts:
    """1 to 100 receipts that were signed as one document: kept, and made by nobody any more (nrm1 7.14)."""

    receipts: tuple[Receipt, ...]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a payload. Raises RemoteError(malformed)."""
        member = exact(parse_payload(data), _FIRST, what="receipts")
        receipts = tuple(Receipt.from_json(item, RECEIPT_1) for item in items(member["receipts"]))
        if fault := _fault(receipts):
            raise malformed(fault)
        return cls(receipts=receipts)


_FIRST: Final[dict[str, Check]] = {
    "type": one_of(SIGNED[RECEIPTS_1].payload),
    "receipts": list_of(is_object, 1, MOST_IN_FIRST_FORM),
}


KeptReceipts: TypeAlias = SignedReceipts | SignedDocument
"""Receipts with the signature that proves them; a signed document is of the first form."""


def batch_hash(document: bytes) -> str:
    """H("receipts", bytes) of a signed batch of the first form: how the audit log names it (nrm1 7.14)."""
    return b64u(h("receipts", document))


def _fault(receipts: Sequence[Receipt]) -> str | None:
    if not _one(receipt.from_ for receipt in receipts) or not _one(receipt.to for receipt in receipts):
        return "batch is not between two nodes"
    # A receipt is final: two with one status could differ in time or code, and each side would keep another one.
    if len({(receipt.of, receipt.status) for receipt in receipts}) != len(receipts):
        return "batch says one thing twice"
    return None


def _one(values: Iterable[str]) -> bool:
    return len(set(values)) == 1

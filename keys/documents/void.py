"""The void: the signed question whether a message was taken (nrm1 5.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from gateway.foundation.ids import MessageId, NodeId
from keys.documents.statement import check_prev
from keys.primitives.encoding import (
    Check,
    canon,
    exact,
    is_count,
    is_hash,
    is_id,
    is_int,
    is_node,
    maybe_text,
    nullable,
    number,
    one_of,
    parse_payload,
    text,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Void:
    """Asks whether a message was taken, and if not, that it never will be: question and fence in one (nrm1 5.6)."""

    id: MessageId
    from_: NodeId
    to: NodeId
    epoch: int
    n: int
    prev: str | None
    created: int

    def encode(self) -> bytes:
        """Return canonical JSON: the bytes that are signed."""
        return canon(
            {
                "type": "nrm.void/1",
                "id": self.id,
                "from": self.from_,
                "to": self.to,
                "epoch": self.epoch,
                "n": self.n,
                "prev": self.prev,
                "created": self.created,
            }
        )

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a payload. Raises RemoteError(malformed)."""
        member = exact(parse_payload(data), _VOID, what="void")
        void = cls(
            id=MessageId(text(member["id"])),
            from_=NodeId(text(member["from"])),
            to=NodeId(text(member["to"])),
            epoch=number(member["epoch"]),
            n=number(member["n"]),
            prev=maybe_text(member["prev"]),
            created=number(member["created"]),
        )
        check_prev(void.n, void.prev)
        return void


_VOID: Final[dict[str, Check]] = {
    "type": one_of("nrm.void/1"),
    "id": is_id,
    "from": is_node,
    "to": is_node,
    "epoch": is_count,
    "n": is_count,
    "prev": nullable(is_hash),
    "created": is_int(),
}

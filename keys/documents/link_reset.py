"""Questions about the numbers of a link: whether a message was taken (nrm1 5.6), and to begin anew (nrm1 5.9).

`nrm.reset/2` is from a node that was restored from a backup. It repeats the peer's own record of this link (`view`) and
names the new epoch of both directions, the time of the backup, and the change that two people of the restored node
approved. One person of the other side accepts it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from gateway.foundation.ids import MessageId, NodeId
from gateway.ports import Json
from keys.documents.statement import check_prev, link_hash
from keys.primitives.domains import RESET, SIGNED, VOID
from keys.primitives.encoding import (
    Check,
    b64u,
    canon,
    exact,
    h,
    is_count,
    is_hash,
    is_id,
    is_int,
    is_node,
    is_object,
    malformed,
    maybe_text,
    nullable,
    number,
    one_of,
    parse_payload,
    text,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a node holds of the numbers of another one: the answer to `GET /v1/link` (nrm1 5.8)."""

    epoch: int
    high: int
    hash: str | None

    def to_json(self) -> dict[str, Json]:
        """Return the member form `{epoch,high,hash}`."""
        return {"epoch": self.epoch, "high": self.high, "hash": self.hash}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Read the member form; the hash is null exactly for a link that was never used.

        Raises RemoteError(malformed).
        """
        member = exact(value, _VIEW, what="view")
        view = cls(epoch=number(member["epoch"]), high=number(member["high"]), hash=maybe_text(member["hash"]))
        if (view.hash is None) != (view.high == 0):
            raise malformed("view has a hash without a number, or a number without a hash")
        return view


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Up to which of its own numbers, in its epoch, a node holds receipts of the other one; `n` is 0 for none."""

    epoch: int
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRecord:
    """The answer to `GET /v1/link`: the view, and what of the other direction was answered (nrm1 5.8, 5.15).

    `answered` is None in the answer of a node of the first release.
    """

    view: View
    answered: Answered | None

    def to_json(self) -> dict[str, Json]:
        """Return the member form."""
        told = self.answered
        return self.view.to_json() | ({} if told is None else {"answered": {"epoch": told.epoch, "n": told.n}})

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Read the member form. Raises RemoteError(malformed)."""
        if not isinstance(value, dict):
            raise malformed("the record of a link is not an object")
        if "answered" not in value:
            return cls(view=View.from_json(value), answered=None)
        told = exact(value["answered"], _ANSWERED, what="answered")
        rest = {name: item for name, item in value.items() if name != "answered"}
        return cls(view=View.from_json(rest), answered=Answered(epoch=number(told["epoch"]), n=number(told["n"])))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """One request to reset a link. `backup` and `created` are Unix seconds of the restored node's clock."""

    from_: str
    to: str
    view: View
    epoch: int
    backup: int
    change: str
    created: int

    def encode(self) -> bytes:
        """Return canonical JSON: the bytes that are signed."""
        return canon(
            {
                "type": SIGNED[RESET].payload,
                "from": self.from_,
                "to": self.to,
                "view": self.view.to_json(),
                "epoch": self.epoch,
                "backup": self.backup,
                "change": self.change,
                "created": self.created,
            }
        )

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a payload. Raises RemoteError(malformed)."""
        member = exact(parse_payload(data), _RESET, what="reset")
        reset = cls(
            from_=text(member["from"]),
            to=text(member["to"]),
            view=View.from_json(member["view"]),
            epoch=number(member["epoch"]),
            backup=number(member["backup"]),
            change=text(member["change"]),
            created=number(member["created"]),
        )
        if reset.epoch <= reset.view.epoch:
            raise malformed("the new epoch is not higher than the one held")
        return reset


def reset_hash(payload: bytes) -> str:
    """b64u(H("reset", payload)), by which a person accepts a request."""
    return b64u(h("reset", payload))


_VIEW: Final[dict[str, Check]] = {"epoch": is_count, "high": is_int(), "hash": nullable(is_hash)}
_ANSWERED: Final[dict[str, Check]] = {"epoch": is_count, "n": is_int()}
_RESET: Final[dict[str, Check]] = {
    "type": one_of(SIGNED[RESET].payload),
    "from": is_node,
    "to": is_node,
    "view": is_object,
    "epoch": is_count,
    "backup": is_int(),
    "change": is_hash,
    "created": is_int(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Void:
    """Asks whether a message was taken, and if not, that it never will be: question and fence in one (nrm1 5.6).

    `commit` is that of the statement under this number, None where none was ever signed.
    """

    id: MessageId
    from_: NodeId
    to: NodeId
    epoch: int
    n: int
    commit: str | None
    prev: str | None
    created: int

    @property
    def link(self) -> str:
        """The link hash of its number, that of the statement signed under it (nrm1 3.6)."""
        return link_hash(epoch=self.epoch, n=self.n, id=self.id, commit=self.commit, prev=self.prev)

    def encode(self) -> bytes:
        """Return canonical JSON: the bytes that are signed."""
        return canon(
            {
                "type": SIGNED[VOID].payload,
                "id": self.id,
                "from": self.from_,
                "to": self.to,
                "epoch": self.epoch,
                "n": self.n,
                "commit": self.commit,
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
            commit=maybe_text(member["commit"]),
            prev=maybe_text(member["prev"]),
            created=number(member["created"]),
        )
        check_prev(void.n, void.prev)
        return void


_VOID: Final[dict[str, Check]] = {
    "type": one_of(SIGNED[VOID].payload),
    "id": is_id,
    "from": is_node,
    "to": is_node,
    "epoch": is_count,
    "n": is_count,
    "commit": nullable(is_hash),
    "prev": nullable(is_hash),
    "created": is_int(),
}

"""What a peer knows to have been taken away since the backup of a restored node (nrm1 5.16).

`nrm.taken/2` is one page of three lists: consents that were withdrawn, messages of the peer that the restored node had
erased, and messages of the restored node that were voided. The peer signs it once a person there has accepted the reset
that it names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from gateway.foundation.ids import MessageId, NodeId
from gateway.ports import Json
from keys.primitives.domains import SIGNED, TAKEN
from keys.primitives.encoding import (
    Check,
    canon,
    exact,
    is_hash,
    is_id,
    is_int,
    is_node,
    is_object,
    items,
    list_of,
    malformed,
    nullable,
    number,
    one_of,
    parse_payload,
    text,
)

MOST: Final = 200
"""Things on one page, of all three lists together."""
MOST_PAGES: Final = 100
MOST_GRANTS: Final = 30
"""As a `consent.withdrawal` names at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """A consent that was taken back; `grants` are places in its record, None for all of it. `at` in Unix seconds."""

    consent: str
    grants: tuple[int, ...] | None
    at: int

    def to_json(self) -> dict[str, Json]:
        """Return the member form."""
        grants: Json = None if self.grants is None else [*self.grants]
        return {"consent": self.consent, "grants": grants, "at": self.at}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Read the member form. Raises RemoteError(malformed)."""
        member = exact(value, _WITHDRAWN, what="withdrawal")
        grants = member["grants"]
        return cls(
            consent=text(member["consent"]),
            grants=None if grants is None else tuple(number(item) for item in items(grants)),
            at=number(member["at"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenPage:
    """One page. `reset` names the request that was accepted; `more`: another page follows."""

    from_: NodeId
    to: NodeId
    reset: str
    page: int
    more: bool
    withdrawals: tuple[Withdrawn, ...]
    erasures: tuple[MessageId, ...]
    voids: tuple[MessageId, ...]
    created: int

    def encode(self) -> bytes:
        """Return canonical JSON: the bytes that are signed."""
        return canon(
            {
                "type": SIGNED[TAKEN].payload,
                "from": self.from_,
                "to": self.to,
                "reset": self.reset,
                "page": self.page,
                "more": self.more,
                "withdrawals": [item.to_json() for item in self.withdrawals],
                "erasures": [*self.erasures],
                "voids": [*self.voids],
                "created": self.created,
            }
        )

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a payload. Raises RemoteError(malformed)."""
        member = exact(parse_payload(data), _PAGE, what="taken")
        page = cls(
            from_=NodeId(text(member["from"])),
            to=NodeId(text(member["to"])),
            reset=text(member["reset"]),
            page=number(member["page"]),
            more=member["more"] is True,
            withdrawals=tuple(Withdrawn.from_json(item) for item in items(member["withdrawals"])),
            erasures=tuple(MessageId(text(item)) for item in items(member["erasures"])),
            voids=tuple(MessageId(text(item)) for item in items(member["voids"])),
            created=number(member["created"]),
        )
        if len(page.withdrawals) + len(page.erasures) + len(page.voids) > MOST:
            raise malformed("more than a page holds")
        if page.more and page.page == MOST_PAGES - 1:
            raise malformed("more pages than there can be")
        return page


def ask_page(reset: str, page: int) -> bytes:
    """Return the question for a page: the body of `POST /v1/link/taken`."""
    return canon({"reset": reset, "page": page})


def read_question(data: bytes) -> tuple[str, int]:
    """Read it. Raises RemoteError(malformed)."""
    member = exact(parse_payload(data), _QUESTION, what="question")
    return text(member["reset"]), number(member["page"])


_GRANTS: Final = list_of(is_int(), 1, MOST_GRANTS, distinct=True)
_IDS: Final = list_of(is_id, 0, MOST, distinct=True)
_WITHDRAWN: Final[dict[str, Check]] = {"consent": is_id, "grants": nullable(_GRANTS), "at": is_int()}
_QUESTION: Final[dict[str, Check]] = {"reset": is_hash, "page": is_int(0, MOST_PAGES - 1)}
_PAGE: Final[dict[str, Check]] = {
    "type": one_of(SIGNED[TAKEN].payload),
    "from": is_node,
    "to": is_node,
    "reset": is_hash,
    "page": is_int(0, MOST_PAGES - 1),
    "more": lambda value: isinstance(value, bool),
    "withdrawals": list_of(is_object, 0, MOST),
    "erasures": _IDS,
    "voids": _IDS,
    "created": is_int(),
}

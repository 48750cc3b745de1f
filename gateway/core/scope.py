"""What a peer may send and be sent: states of trust, and scopes by message type and direction (PROTOCOL B4).

Both questions are asked at send and at receive and both must say yes: ``may`` (the state of the peer) and ``permits``
(the local scope). Everything is denied unless listed; an empty scope refuses. The types of ``NEVER_BLOCKED`` are in
every scope and pass while a peer is suspended by a person. They do not pass when it is revoked, or suspended for
equivocation or key compromise: then both desks are alarmed to phone (PROTOCOL B4, B14.8).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.core.stages import Json
from gateway.errors import Code, RefusedError

#: What PROTOCOL B4 names `consent.withdrawal(.ack)`, `erasure.*` and `safety.alert*`, as DOMAIN 2.3 has them.
NEVER_BLOCKED: frozenset[str] = frozenset(
    {
        "consent.withdrawal",
        "consent.withdrawal.ack",
        "erasure.request",
        "erasure.confirmation",
        "safety.alert",
        "safety.alert.ack",
        "safety.alert.update",
    }
)

_TYPE_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")


class Direction(StrEnum):
    """Seen from this node."""

    SEND = "send"
    RECEIVE = "receive"


class PeerState(StrEnum):
    """Where the trust between this node and a peer stands (PROTOCOL B4)."""

    PROPOSED = "proposed"
    VERIFIED = "verified"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    SUSPENDED_FOR_CAUSE = "suspended_for_cause"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Message types (without version, so that N and N-1 share an entry) and the directions in which each may go."""

    types: Mapping[str, frozenset[Direction]]

    def to_json(self) -> dict[str, Json]:
        """The stored form: types and directions sorted, so equal scopes have equal bytes."""
        return {"types": {name: [str(d) for d in sorted(self.types[name])] for name in sorted(self.types)}}

    @classmethod
    def from_json(cls, value: Json) -> Scope:
        """Reads the stored form.

        Raises:
            RefusedError: anything else than exactly that form; a half understood scope permits nothing.
        """
        if not isinstance(value, dict) or set(value) != {"types"} or not isinstance(value["types"], dict):
            raise RefusedError(Code.INVALID, "a scope has exactly the member types, an object")
        return cls(types={_type_name(name): _directions(found) for name, found in value["types"].items()})


def _type_name(name: str) -> str:
    if not _TYPE_NAME.fullmatch(name):
        raise RefusedError(Code.INVALID, "a scope names message types without version")
    return name


def _directions(value: Json) -> frozenset[Direction]:
    known = {str(direction): direction for direction in Direction}
    if not isinstance(value, list) or not value:
        raise RefusedError(Code.INVALID, "each type of a scope has a list of directions")
    found = [known.get(item) if isinstance(item, str) else None for item in value]
    directions = frozenset(direction for direction in found if direction is not None)
    if len(directions) != len(value):
        raise RefusedError(Code.INVALID, "directions are send and receive, each once")
    return directions


def type_name(body_type: str) -> str:
    """The name of a body type without its version: `referral.request/1` gives `referral.request`."""
    return body_type.partition("/")[0]


def never_blocked(body_type: str) -> bool:
    """Whether no scope, no gate and no suspension by a person stops this type (DOMAIN 2.1 G10, PROTOCOL B4)."""
    return type_name(body_type) in NEVER_BLOCKED


def permits(scope: Scope, body_type: str, direction: Direction) -> bool:
    """Whether the scope lets the type pass; deny by default."""
    return never_blocked(body_type) or direction in scope.types.get(type_name(body_type), frozenset())


def listens(state: PeerState) -> bool:
    """Whether requests of the peer are answered at all, also voids and receipts (PROTOCOL B5 step 2, B14.8)."""
    return state in (PeerState.ACTIVE, PeerState.SUSPENDED)


def may(state: PeerState, direction: Direction, body_type: str) -> bool:
    """Whether the state of the peer lets the type pass in this direction; the scope must permit it too.

    Both directions are alike today: a suspension stops us as it stops them.
    """
    match state:
        case PeerState.ACTIVE:
            return direction in Direction
        case PeerState.SUSPENDED:
            return never_blocked(body_type)
        case PeerState.PROPOSED | PeerState.VERIFIED | PeerState.SUSPENDED_FOR_CAUSE | PeerState.REVOKED:
            return False

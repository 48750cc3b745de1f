"""What a peer may send and be sent: states of trust, and scopes (nrm1 8.3, 8.2).

Each side signs what it permits; what may pass is what both permit: ``intersect``. Everything is denied unless listed,
and an empty list permits nothing. It is asked three times: when a person submits, when the message departs, and when it
is received. The types of ``NEVER_BLOCKED`` are in every scope and pass while a peer is suspended by a person. They do
not pass when it is revoked, or suspended for equivocation or key compromise: then both desks are alarmed to phone
(nrm1 8.3, 4.20).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.errors import Code, RefusedError
from gateway.foundation.json import Json
from schemas.types import never_blocked, type_name


class Direction(StrEnum):
    """Seen from this node."""

    SEND = "send"
    RECEIVE = "receive"


_MIRROR = {Direction.SEND: Direction.RECEIVE, Direction.RECEIVE: Direction.SEND}


class PeerState(StrEnum):
    """Where the trust between this node and a peer stands (nrm1 8.9)."""

    PROPOSED = "proposed"
    VERIFIED = "verified"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    SUSPENDED_FOR_CAUSE = "suspended_for_cause"
    REVOKED = "revoked"


Corridor = tuple[str, str]
"""From the country of the sending node to that of the receiving one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What one side permits, as its trust record says: `directions` seen from the issuer, `units` those of the issuer.

    `types` are without version, so that N and N-1 share an entry. `max_bytes` bounds the canonical body,
    `max_file_bytes` each file that goes with it; 0 permits none but empty ones.
    """

    types: frozenset[str]
    directions: frozenset[Direction]
    corridors: frozenset[Corridor]
    units: frozenset[str]
    roles: frozenset[str]
    purposes: frozenset[str]
    max_bytes: int
    max_file_bytes: int

    def to_json(self) -> dict[str, Json]:
        """The form of the wire: every list sorted, so that equal scopes have equal bytes."""
        return {
            "types": [*sorted(self.types)],
            "directions": [str(direction) for direction in sorted(self.directions)],
            "corridors": [[*pair] for pair in sorted(self.corridors)],
            "units": [*sorted(self.units)],
            "roles": [*sorted(self.roles)],
            "purposes": [*sorted(self.purposes)],
            "max_bytes": self.max_bytes,
            "max_file_bytes": self.max_file_bytes,
        }

    @classmethod
    def from_json(cls, value: Json) -> Scope:
        """Reads that form; lists may come in any order, as a person writes them.

        Raises:
            RefusedError: invalid, for anything else than exactly that form; a half understood scope permits nothing.
        """
        if not isinstance(value, dict) or set(value) != set(_MEMBERS):
            raise RefusedError(Code.INVALID, "a scope has exactly the members " + ", ".join(_MEMBERS))
        return cls(
            types=_words(value, "types", _TYPE_NAME, "names message types without version"),
            directions=frozenset(Direction(word) for word in _words(value, "directions", _DIRECTION, _DIRECTIONS)),
            corridors=_corridors(value["corridors"]),
            units=_words(value, "units", _UNIT, "names units of this node"),
            roles=_words(value, "roles", _CODE, "names codes of the list role"),
            purposes=_words(value, "purposes", _CODE, "names codes of the list purpose"),
            max_bytes=_bytes(value, "max_bytes"),
            max_file_bytes=_bytes(value, "max_file_bytes"),
        )


_BOUNDS = ("max_bytes", "max_file_bytes")
_MEMBERS = ("types", "directions", "corridors", "units", "roles", "purposes", *_BOUNDS)
_TYPE_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_DIRECTION = re.compile(r"send|receive")
_DIRECTIONS = "lists send and receive"
_UNIT = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,47}")
_COUNTRY = re.compile(r"[A-Z]{2}|[a-z][a-z0-9-]{2,31}")


def _words(value: Mapping[str, Json], name: str, form: re.Pattern[str], what: str) -> frozenset[str]:
    found = value[name]
    words = (
        [item for item in found if isinstance(item, str) and form.fullmatch(item)] if isinstance(found, list) else []
    )
    if not isinstance(found, list) or len(words) != len(found) or len(set(words)) != len(words):
        raise RefusedError(Code.INVALID, f"{name} of a scope {what}, each once")
    return frozenset(words)


def _bytes(value: Mapping[str, Json], name: str) -> int:
    most = value[name]
    if isinstance(most, bool) or not isinstance(most, int) or most < 0:
        raise RefusedError(Code.INVALID, f"{name} of a scope is a number of bytes")
    return most


def _corridors(value: Json) -> frozenset[Corridor]:
    pairs: list[Corridor] = []
    for item in value if isinstance(value, list) else [None]:
        match item:
            case [str(from_), str(to)] if _COUNTRY.fullmatch(from_) and _COUNTRY.fullmatch(to):
                pairs.append((from_, to))
            case _:
                raise RefusedError(Code.INVALID, "corridors of a scope are pairs of countries, such as FR and AL")
    if len(set(pairs)) != len(pairs):
        raise RefusedError(Code.INVALID, "corridors of a scope are pairs of countries, each once")
    return frozenset(pairs)


def contains(wide: Scope, narrow: Scope) -> bool:
    """Whether `narrow` permits nothing that `wide` does not: then one person may choose it."""
    return all(getattr(narrow, name) <= getattr(wide, name) for name in _MEMBERS)


# --- what both permit --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What both sides permit, seen from this node: the effective scope. `units` are ours, `peer_units` theirs."""

    types: frozenset[str]
    directions: frozenset[Direction]
    corridors: frozenset[Corridor]
    units: frozenset[str]
    peer_units: frozenset[str]
    roles: frozenset[str]
    purposes: frozenset[str]
    max_bytes: int
    max_file_bytes: int


NOTHING = Agreed(
    types=frozenset(),
    directions=frozenset(),
    corridors=frozenset(),
    units=frozenset(),
    peer_units=frozenset(),
    roles=frozenset(),
    purposes=frozenset(),
    max_bytes=0,
    max_file_bytes=0,
)
"""The effective scope while a record is missing, over, or not active."""


def intersect(mine: Scope, theirs: Scope) -> Agreed:
    """The effective scope: in every member what both list, their directions mirrored."""
    return Agreed(
        types=mine.types & theirs.types,
        directions=mine.directions & frozenset(_MIRROR[direction] for direction in theirs.directions),
        corridors=mine.corridors & theirs.corridors,
        units=mine.units,
        peer_units=theirs.units,
        roles=mine.roles & theirs.roles,
        purposes=mine.purposes & theirs.purposes,
        max_bytes=min(mine.max_bytes, theirs.max_bytes),
        max_file_bytes=min(mine.max_file_bytes, theirs.max_file_bytes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeFacts:
    """What is asked about one message. A fact that is not known yet at this step is None and is not judged."""

    body_type: str
    direction: Direction
    corridor: Corridor
    purpose: str | None = None
    size: int | None = None
    header: Mapping[str, Json] | None = None
    largest_file: int | None = None


def outside(agreed: Agreed, facts: ScopeFacts) -> str | None:
    """The member of the scope that keeps this message out, None when all that is known is permitted.

    Deny by default: a header without a unit or a role is outside. A message without a purpose is not judged by
    `purposes`, since some kinds have none (domain 6.8).
    """
    if never_blocked(facts.body_type):
        return None
    return next((name for name, permitted in _QUESTIONS if not permitted(agreed, facts)), None)


def _units(agreed: Agreed, facts: ScopeFacts) -> bool:
    header = facts.header
    if header is None:
        return True
    mine, theirs = agreed.units, agreed.peer_units
    sending = facts.direction is Direction.SEND
    return _listed(header, "sender_unit", mine if sending else theirs) and _listed(
        header, "recipient_unit", theirs if sending else mine
    )


def _roles(agreed: Agreed, facts: ScopeFacts) -> bool:
    header = facts.header
    return header is None or (
        _listed(header, "sender_role", agreed.roles) and _listed(header, "recipient_role", agreed.roles)
    )


def _listed(header: Mapping[str, Json], name: str, listed: frozenset[str]) -> bool:
    value = header.get(name)
    return isinstance(value, str) and value in listed


_QUESTIONS: tuple[tuple[str, Callable[[Agreed, ScopeFacts], bool]], ...] = (
    ("types", lambda agreed, facts: type_name(facts.body_type) in agreed.types),
    ("directions", lambda agreed, facts: facts.direction in agreed.directions),
    ("corridors", lambda agreed, facts: facts.corridor in agreed.corridors),
    ("purposes", lambda agreed, facts: facts.purpose is None or facts.purpose in agreed.purposes),
    ("max_bytes", lambda agreed, facts: facts.size is None or facts.size <= agreed.max_bytes),
    ("max_file_bytes", lambda agreed, facts: (facts.largest_file or 0) <= agreed.max_file_bytes),
    ("units", _units),
    ("roles", _roles),
)


def permits(agreed: Agreed, facts: ScopeFacts) -> bool:
    """Whether the effective scope lets the message pass; deny by default."""
    return outside(agreed, facts) is None


# --- types and states --------------------------------------------------------------------------------------------


def listens(state: PeerState) -> bool:
    """Whether requests of the peer are answered at all, also voids and receipts (nrm1 4.2, 9.3)."""
    return state in (PeerState.ACTIVE, PeerState.SUSPENDED)


def hears_trust(state: PeerState) -> bool:
    """Whether the peer's trust records are taken: also before it is active, so that both sides may begin."""
    return listens(state) or state in (PeerState.PROPOSED, PeerState.VERIFIED)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerScope:
    """What this node holds about a peer at one moment. `missing` says what is not in force, if something is; `behind`
    why nothing can be sealed for it though it is.

    `corridor` is from this node's country to the peer's.
    """

    state: PeerState
    agreed: Agreed
    corridor: Corridor
    missing: str | None = None
    behind: str | None = None

    @property
    def held(self) -> str | None:
        """Why ordinary messages to this peer wait: a suspension, or an approval that is missing, can end again, and its
        roots can meet.
        """
        if self.state is PeerState.SUSPENDED:
            return "our side has suspended it"
        return self.missing or self.behind

    def outside(
        self,
        body_type: str,
        direction: Direction,
        *,
        purpose: str | None = None,
        size: int | None = None,
        header: Mapping[str, Json] | None = None,
        largest_file: int | None = None,
    ) -> str | None:
        """The member of the effective scope that keeps a message to or from this peer out, as far as it is known."""
        way = self.corridor if direction is Direction.SEND else (self.corridor[1], self.corridor[0])
        facts = ScopeFacts(
            body_type=body_type,
            direction=direction,
            corridor=way,
            purpose=purpose,
            size=size,
            header=header,
            largest_file=largest_file,
        )
        return outside(self.agreed, facts)

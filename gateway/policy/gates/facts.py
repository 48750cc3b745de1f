"""Facts that the gates look at, and their answers. The gates are in `content`, `consent`, `asylum` and `person` beside
this file; `gate_table` lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from gateway.cases.rules import ConsentCase
from gateway.consent.givers import NOTHING_TOLD, Guardianship
from gateway.consent.rules import Consent, Handling
from gateway.consent.said_no import NOTHING_REFUSED, SaidNo
from gateway.conversations.history import History, Side
from gateway.errors import Code, Finding
from gateway.foundation.ids import UnitAddress, UnitKind
from gateway.foundation.json import Json
from schemas.types import type_name

#: Roles of the list `role` that only a public authority has. A focal point or a guardian may be an NGO.
PUBLIC_ROLES: frozenset[str] = frozenset(
    {
        "asylum_authority",
        "border_guard",
        "child_protection_authority",
        "consular_mfa",
        "guardianship_authority",
        "identification_authority",
        "labour_inspectorate",
        "migration_authority",
        "police_liaison",
        "prosecutor_liaison",
        "residence_authority",
        "return_authority",
    }
)


def kind_by_roles(roles: frozenset[str]) -> UnitKind | None:
    """What the roles of a unit say about its kind; None where an authority and others can have them.

    This is all that a peer can rely on where a descriptor of the first form names no kind (nrm1 2.11).
    """
    return UnitKind.PUBLIC_AUTHORITY if roles & PUBLIC_ROLES else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """The recipient unit as its node's signed descriptor lists it.

    ``country`` is an ISO 3166-1 code, or the name of a party that has none. ``kind`` is None where it is not known.
    ``current``: the descriptor has not expired. Revoked keys are refused where keys are used, at departure.
    """

    country: str
    roles: frozenset[str]
    kind: UnitKind | None
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFacts:
    """All that the gates look at.

    ``name`` is the message type without its version; ``with_this`` is ``history`` with what this message says itself.
    ``personal`` is the catalogue's flag, None where the catalogue does not know the type. ``categories`` and
    ``sensitivities`` (classes) are those present in the content.
    ``recipient_unit`` is `n1.../unit`; ``recipient`` is None where the signed directory does not list it.
    ``sender_roles`` are those that the descriptor of its node signs for the sending unit, None where it is not known.

    ``consent`` is what ``consent_ref`` names, with its withdrawals, None where it is not known here; ``consent_case``
    says whether it is of the case of the message. ``recorded_by``
    are the nodes that recorded it, and ``handling`` is what came with the messages that brought data under it to
    ``sender_node``, as far as that is known here. ``conversation_withdrawn``: a consent that this conversation relied
    on was withdrawn whole and no newer record took its place. ``record_withdrawn``: so was the consent that a record
    tells of. ``narrowed_untold``: a part of what is relied on or told of was taken back, and its record, made here, has
    not gone to the recipient yet.

    ``guardianship_elsewhere`` is what the sender told of the child's guardians in other conversations of the case; a
    receiver knows of none. ``said_no`` is what the person said no to in any consent of the case, where the message
    claims danger to life; a receiver goes by the consent that is named.

    ``asylum_hold``: a person here set the hold; ``feared_states`` are the countries that it names. ``unanswered`` are
    those of which a hold on a linked case asks, or `gateway.cases.history.EVERY`. ``approver`` is the
    staff reference of who approved this message on this node besides its author. ``findings`` are those of schema and
    mapping.
    """

    body_type: str
    personal: bool | None
    categories: frozenset[str]
    sensitivities: frozenset[str]
    purpose: str | None
    sender_node: str
    recipient_unit: UnitAddress
    recipient: Recipient | None
    sender_kind: UnitKind | None
    consent: Consent | None
    consent_case: ConsentCase
    recorded_by: frozenset[str]
    handling: tuple[Handling, ...]
    conversation_withdrawn: bool
    asylum_hold: bool
    feared_states: frozenset[str]
    history: History
    approver: str | None
    header: Mapping[str, Json]
    content: Mapping[str, Json]
    findings: tuple[Finding, ...]
    today: date
    record_withdrawn: bool = False
    narrowed_untold: bool = False
    sender_roles: frozenset[str] | None = None
    guardianship_elsewhere: Guardianship = NOTHING_TOLD
    said_no: SaidNo = NOTHING_REFUSED
    unanswered: frozenset[str] = frozenset()
    name: str = field(init=False)
    with_this: History = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """The gates ask again and again for the type without its version and for the history with this message."""
        object.__setattr__(self, "name", type_name(self.body_type))
        object.__setattr__(self, "with_this", self.history.said(self.name, self.content))

    @property
    def transfer_basis(self) -> str | None:
        """The code of the header, None where there is none."""
        return self.text("transfer_basis")

    @property
    def consent_ref(self) -> str | None:
        """The id of the consent relied on, None where the header names none."""
        return self.text("consent_ref")

    def guardianship(self, *, at_receiver: bool) -> Guardianship:
        """The guardians named before by the side that recorded the consent, by both where both recorded it.

        The message itself is left out: that a guardianship ends is told on the consent that ends with it. Of a third
        node, which recorded a consent that is passed on, this conversation knows no guardian (domain 7.23).
        """
        found = self.guardianship_elsewhere
        recipient_node = self.recipient_unit.partition("/")[0]
        for node, side in ((self.sender_node, Side.OURS), (recipient_node, Side.THEIRS)):
            if node in self.recorded_by:
                found = found.joined(self.history.guardianship(side.other if at_receiver else side))
        return found

    def text(self, name: str) -> str | None:
        """A member of the header that is text."""
        value = self.header.get(name)
        return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class Permit:
    """The gate has nothing against it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """The gate is closed. ``place`` is a JSON pointer into the body; ``hint`` says what to do and holds no value of the
    case; data categories are named, they are no values.
    """

    gate: Code
    place: str
    hint: str


Decision: TypeAlias = Permit | Refuse
Gate: TypeAlias = Callable[[GateFacts], Decision]
PERMIT = Permit()

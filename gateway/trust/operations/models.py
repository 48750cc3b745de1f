"""What is asked and answered about peers, administrators and changes of trust."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from gateway.messages.probe import Leg
from gateway.operations.ids import ChangeId, MessageId, PeerId
from gateway.operations.models import DIGITS, Answer, Asked, Count, Flag, Object, OneOf, Text, Time, Unread
from gateway.peers.scope import PeerState

State = Annotated[str, OneOf(*PeerState)]
Scope = Annotated[Object, Field(description="a scope, as in a scope file (docs/trust.md)")]
Document = Annotated[Object, Field(description="a signed document, as `trm` writes it into a file")]

# --- changes ------------------------------------------------------------------------------------------------------


class Approved(Answer):
    """Who approved a change, and when."""

    admin: str
    label: str | None
    at: Time
    emergency: bool


class NamedPeer(Answer):
    """A peer that a change is about."""

    name: str
    node: str
    state: State


class ChangeShown(Answer):
    """A change of trust and who approved it."""

    id: ChangeId
    subject: str
    action: str
    state: str
    peer: NamedPeer | None
    needed: Count = Field(description="how many people it takes")
    approvals: list[Approved]
    at: Time
    effective: Time | None
    ends: Time | None
    change: Object | None = Field(description="the exact object that is signed")
    digits: str | None = Field(description="its hash as six groups of digits, to be compared")
    words: list[Annotated[str, Field(description="the same in sentences")]]


class Changes(Answer):
    """Changes of trust, newest first."""

    changes: list[ChangeShown]


class Prepared(Answer):
    """A change as it is to be signed."""

    change: Object
    hash: str
    digits: str
    words: list[str]


class Admin(Answer):
    """An administrator of this node."""

    pseudonym: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{22}$", description="16 random bytes as base64url")]
    label: str
    kid: str
    at: Time
    kind: Annotated[str, OneOf("file", "passkey")]


class OfferedAdmin(Admin):
    """Somebody who offers a passkey."""

    card: Object = Field(description="what `change.prepare` takes as `admin`")


class Admins(Answer):
    """The administrators, and what is pending of them."""

    admins: list[Admin]
    offered: list[OfferedAdmin]
    pending: list[ChangeShown]


class WantedChanges(Asked):
    """Which changes: of a peer or of the administrators, in a state."""

    subject: PeerId | None = None
    state: Text | None = None


class OneChange(Asked):
    """A change by its hash."""

    id: ChangeId


class PrepareChange(Asked):
    """What somebody wants to change; which members it takes depends on the action."""

    action: Text
    subject: PeerId
    digits: Text | None = None
    channel: Text | None = None
    scope: Scope | None = None
    admin: Object | None = None
    pseudonym: Text | None = None
    policy: Annotated[str, Field(min_length=1, max_length=100_000)] | None = Field(
        default=None, description="the text of a policy file"
    )


class SignedWord(Asked):
    """An approval by a key file, or by a passkey."""

    approval: Document | None = None
    assertion: Object | None = Field(
        default=None, description="or what a browser gives for a passkey: `PublicKeyCredential.toJSON()`"
    )
    emergency: Flag | None = Field(default=None, description="of an assertion, as it was asked of the browser")


class AskChange(Asked):
    """A prepared change, as it is."""

    change: Object


class ProposeChange(SignedWord):
    """A prepared change with the first approval."""

    change: Object


class ApproveChange(SignedWord):
    """Another approval."""

    id: ChangeId


# --- peers --------------------------------------------------------------------------------------------------------


class PeerLine(Answer):
    """A peer in a line."""

    name: str
    node: str
    country: str
    state: State
    cause: str | None
    missing: str | None = Field(description="what keeps messages from passing")
    demo: bool
    first_form: bool = Field(description="its newest descriptor is of release 0.1.0: what is for it waits")
    descriptor_version: Count
    keyset_seen: Time | None
    failing_since: Time | None
    attempts: Count
    next_try: Time | None


class Peers(Answer):
    """Every peer."""

    peers: list[PeerLine]


class PeerUnit(Answer):
    """A unit of a peer, as its descriptor lists it."""

    id: str
    name: str
    kind: str | None = Field(description="null where its descriptor is of the first form")
    roles: list[str]


class HeldRecord(Answer):
    """What one side has signed about the other."""

    state: str
    not_before: Time | None
    expires: Time
    hash: str
    scope: Scope


class WholePeer(PeerLine):
    """A peer with its units, what both sides permit, and the verified history of that."""

    endpoint: str
    expires: Time
    contact: str
    units: list[PeerUnit]
    fingerprint: str
    scope: Object | None = Field(description="what both sides permit now")
    ours: HeldRecord | None
    theirs: HeldRecord | None
    history: list[Object]
    faults: list[str]
    pending: list[ChangeShown]
    schemas: list[str] | None
    queued: Count
    link: Object | None = Field(description="where a reset of the link stands")
    verified: Time | None


class Code60(Answer):
    """What two people compare over a channel they trust."""

    name: str
    node: str
    code: str = Field(description="60 digits in groups, and the versions of both newest descriptors")
    scanned: str
    demo: bool


class OnePeer(Asked):
    """A peer by its name, node id or country."""

    id: PeerId


Chain = Annotated[list[Any], WithJsonSchema({"type": "array", "items": {"type": "object"}})]
"""Signed documents, judged where a chain is read; described as what they are."""


class AddPeer(Asked):
    """Where the chain of a new peer is."""

    name: Text | None = None
    chain: Unread[Chain | None] = Field(default=None, description="the content of its pairing file")
    url: Text | None = Field(default=None, description="or the address to fetch it from")
    fingerprint: Text | None = None
    version: Count | None = Field(default=None, description="the version that its chain must reach")


# --- the way to a peer --------------------------------------------------------------------------------------------


class PingStep(Answer):
    """One step of a ping."""

    step: str
    ok: bool
    detail: str
    fix: str | None
    ms: int
    code: str | None


class Pinged(Answer):
    """How far a ping came."""

    name: str
    ok: bool
    steps: list[PingStep]


class Probing(Answer):
    """A test message on its way."""

    id: MessageId
    name: str
    legs: list[str]


class LegDone(Answer):
    """A leg that a test message has behind it."""

    leg: str
    detail: str


class Probed(Answer):
    """How far a test message has come."""

    id: MessageId
    state: str
    reason: str | None
    legs: list[LegDone]
    over: bool
    ok: bool


class OneProbe(Asked):
    """A test message, and how many legs the caller has seen."""

    id: MessageId
    seen: Annotated[int, Field(ge=0, le=len(Leg)), DIGITS] = 0

"""The one line along which data flows; each type is what one step leaves for the next, so no step can be skipped.

    LocalRecord -> Draft -> PermittedMessage -> ValidMessage -> outbox -> SealedEnvelope -> wire
    wire -> bytes -> Envelope -> AuthenticStatement -> ExaminedMessage -> AcceptedMessage -> inbox -> Delivery

`LocalRecord` and `Delivery` are the adapter's side (gateway.ports); `Envelope` is the codec's
(keys.documents.envelope). Each of the others is constructed in one place, by the step that earns it, so that holding
one proves the steps before it:

    PermittedMessage     `gateway.delivery.outbound.steps.submit` (`_permit`)
    ValidMessage         `gateway.delivery.outbound.steps.submit` (`_validate`); read back from the outbox
                         by `gateway.messages.content_codec.valid_message`
    AuthenticStatement   `gateway.delivery.inbound.steps.authenticate_statement`
    ExaminedMessage      `gateway.delivery.inbound.steps.examine_message`
    AcceptedMessage      `gateway.delivery.inbound.steps.accept_message`
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.foundation.ids import CaseId, ConversationId, MessageId, NodeId, Reference
from gateway.foundation.json import Json
from keys.documents import envelope as wire
from keys.primitives.batch import Proof

MESSAGE_LIFE = 14 * 86_400
"""Seconds from submission until a message expires (nrm1 12.8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What somebody wants to say, complete enough to be judged; nothing of it has been checked.

    ``to`` is a node id; ids of 16 bytes and hashes are base64url text. ``header`` and ``content`` are the two halves
    of the body; ``case`` is the local number of our case and ``of_case`` the case it is written from: both stay here.
    """

    id: str
    body_type: str
    to: NodeId
    conversation: ConversationId
    reply_to: str | None
    purpose: str | None
    header: Mapping[str, Json]
    content: Mapping[str, Json]
    case: str | None = None
    of_case: CaseId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PermittedMessage:
    """A draft that scope, policy and all gates let pass at ``at`` (Unix seconds). The policy took the places
    ``dropped`` out of the content that was ``written``, which is kept for the gates where something was.
    """

    draft: Draft
    at: int
    dropped: tuple[str, ...] = ()
    written: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidMessage:
    """A permitted message whose body is canonical, matches its schema and the text policy. This is what the outbox
    holds, with the places that the corridor policy took out and, if any, the content as it was written.
    """

    id: MessageId
    body_type: str
    schema: str
    to: NodeId
    conversation: ConversationId
    reply_to: MessageId | None
    purpose: str | None
    consent_ref: Reference | None
    submitted: int
    expires: int
    body: bytes
    dropped: tuple[str, ...] = ()
    written: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPosition:
    """The place of one message on the ordered link to a peer: ``prev`` is the link hash of number ``n - 1``, None for
    n = 1.
    """

    epoch: int
    n: int
    prev: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedEnvelope:
    """The bytes that go over the wire, with what the sender keeps to recognise the receipts. ``created`` is signed;
    ``link`` is the link hash of its number.
    """

    id: MessageId
    created: int
    data: bytes
    position: LinkPosition
    link: str
    statement: bytes
    statement_hash: str
    proof: bytes
    secret: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedMessage:
    """An incoming message that is authentic, in scope, and has a body as its schema says (nrm1 4.4 to 4.15). No gate
    was asked yet.
    """

    id: MessageId
    sender: NodeId
    body_type: str
    schema: str
    conversation: ConversationId
    reply_to: MessageId | None
    purpose: str | None
    created: int
    position: LinkPosition
    statement: bytes
    statement_hash: str
    proof: Proof
    proof_hash: str
    secret: bytes
    body: bytes
    header: Mapping[str, Json]
    content: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedMessage(ExaminedMessage):
    """An incoming message that passed every step of the receive order which judges it by itself (nrm1 4.4 to 4.17).
    With its files (4.18) it is written.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticStatement:
    """A statement whose signature, binding to its envelope and commitment were all proven (nrm1 4.4 to 4.11)."""

    statement: wire.Statement
    statement_bytes: bytes
    statement_hash: str
    proof: Proof
    proof_hash: str
    secret: bytes
    body: bytes
    value: dict[str, Json]
    """What the body says."""
    files: tuple[wire.SecretPart, ...]
    """What the secret says of the files."""
    link_hash: str

"""What operations on messages take and answer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.cases.operations.models import OfCase
from gateway.messages.machines.acceptance import Incoming
from gateway.messages.machines.delivery import Outgoing
from gateway.messages.store import messages
from gateway.operations.actors import ATTESTED, AttestedUser
from gateway.operations.ids import ConversationId, MessageId, PeerId
from gateway.operations.models import (
    DIGITS,
    UNSAID,
    Answer,
    Asked,
    Count,
    Flag,
    Next,
    Object,
    OneOf,
    Read,
    Text,
    Time,
    Type,
)
from gateway.operations.paging import Page

Direction = Annotated[str, OneOf(messages.IN, messages.OUT)]
MessageState = Annotated[str, OneOf(*Outgoing, *Incoming)]
LATEST = 2**53 - 1
"""A moment behind all others, and the largest whole number that every JSON reader keeps exactly."""

# --- arguments ----------------------------------------------------------------------------------------------------


class MessagePage(Page):
    """Which messages are listed."""

    direction: Direction | None = None
    peer: PeerId | None = None
    state: MessageState | None = None
    conversation: ConversationId | None = None


class OneMessage(Asked):
    """A message by its id."""

    id: MessageId


class OneMessageOneWay(OneMessage):
    """A message by its id, which two may have that went different ways."""

    direction: Direction | None = None


class MessageActedOn(OneMessage):
    """A message that somebody does something with."""

    attested: AttestedUser | None = ATTESTED


class ResendMany(Asked):
    """Which messages are tried again; `before`: only what was submitted, or came, until then."""

    state: Annotated[str, OneOf(Outgoing.FAILED, Incoming.HELD)]
    message: MessageId | None = Field(default=None, description="this one only")
    peer: PeerId | None = None
    reason: Text | None = Field(default=None, description="a code")
    before: Annotated[
        int, Field(ge=0, le=LATEST, description="only what was submitted, or came, until then"), DIGITS
    ] = LATEST
    dry_run: Flag = Field(default=False, description="count them only")


# --- answers ------------------------------------------------------------------------------------------------------


class Message(Answer):
    """A message without what it says; nulls where its content was erased or is damaged."""

    id: MessageId
    direction: Direction
    peer: str = Field(description="name of the peer, or its node id if it has none here")
    type: Read[Type | None] = None
    conversation: Read[ConversationId | None] = None
    of_case: OfCase = None
    in_reply_to: Read[MessageId | None] = None
    purpose: Read[str | None] = None
    unit: Read[str | None] = Field(default=None, description="the unit of this node that sent it or gets it")
    state: MessageState
    reason: str | None = Field(description="a code: why it failed, was refused or is held")
    held: str | None = Field(description="why it waits for people: what is missing to send to this peer now")
    n: int | None = Field(description="its number on the way to the peer, once it departed")
    at: Time
    expires: Time | None
    out_of_order: bool


class Messages(Answer):
    """A page of messages."""

    messages: list[Message]
    next: Next | None


class Receipt(Answer):
    """A signed receipt of the other side."""

    status: str
    at: Time
    code: str | None


class Erasure(Answer):
    """That the content of a message is gone."""

    at: Time
    reason: str
    local_system: str = Field(description="what the case system answered")
    told: Time | None


class OnwardCertificate(Answer):
    """What a confirmation forwards of an onward recipient."""

    node: str = Field(description="who erased")
    verified: bool = Field(description="that node signed it")
    erased: Count | None = Field(description="messages")
    at: Time | None
    vouched_by: str = Field(description="the peer that says that the data had gone there")


class WholeMessage(Message):
    """A message with its receipts and, for who may read content, header and content."""

    receipts: list[Receipt]
    erased: Erasure | None
    case: Read[str | None] = Field(default=None, description="our own number of the case, which the peer never learns")
    dropped: list[
        Annotated[
            str, Field(description="a place that the corridor policy took out, such as /content/person/name_given")
        ]
    ]
    header: Object = UNSAID
    content: Object = UNSAID
    onward: list[OnwardCertificate] = UNSAID


class Moved(Answer):
    """A message and where it stands now."""

    id: MessageId
    state: MessageState


WARNINGS = "tells_feared_state: an asylum hold keeps away from that State, and it goes all the same"


class Submitted(Moved):
    """A message that was taken to be sent."""

    conversation: Read[ConversationId] = UNSAID
    warnings: list[str] = Field(default=UNSAID, description=WARNINGS)


class Refused(Answer):
    """A message that was not tried again, and the code of why."""

    id: MessageId
    code: str


class TriedAgain(Answer):
    """How many were tried again."""

    matched: Count
    again: Count
    refused: list[Refused]
    more: bool = Field(description="there are more than are tried in one go")


class ErasedMessage(Erasure):
    """A message whose content was erased."""

    id: MessageId
    direction: Direction
    local_system: str

"""What operations for a data protection officer take and answer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.cases.operations.models import OfCase
from gateway.delivery.operations.message_models import Direction, Erasure, Message, MessageState
from gateway.operations.ids import CaseId, ConsentId, ConversationId, MessageId
from gateway.operations.models import Answer, Asked, Next, Object, Read, Time, Type

LEAST, LONGEST = 10, 400
"""Characters of a reason: fewer say nothing to whoever reads it."""


class AskContent(Asked):
    """A message, and why its content has to be seen."""

    id: MessageId
    reason: Annotated[
        str,
        Field(min_length=LEAST, max_length=LONGEST, description="in words, for the focal points; no name of a person"),
    ]


class ContentShown(Message):
    """A message with what it says."""

    header: Object
    content: Object


class ReasonShown(Answer):
    """That somebody was shown the content of a message, and why."""

    at: Time
    message: MessageId
    conversation: Read[ConversationId | None] = None
    of_case: OfCase = None
    unit: Read[str | None] = None
    reader: str = Field(description="person/ID, token/ID or owner")
    name: str | None = Field(description="of the person, or the label of the token")
    reason: str | None = Field(description="null where it does not open")


class Reasons(Answer):
    """A page of reasons, newest first."""

    next: Next | None
    reasons: list[ReasonShown]


class Ground(Answer):
    """On what a message rests; nulls where its content was erased or is damaged."""

    id: MessageId
    direction: Direction
    peer: str
    at: Time
    state: MessageState
    type: Type | None
    purpose: str | None
    legal_basis: list[str] = Field(description="codes of the list legal_basis")
    transfer_basis: str | None = Field(description="a code of the list transfer_basis")
    consent: ConsentId | None
    vital_interest: bool = Field(description="without consent, because a life was in danger")
    erased: Erasure | None


class ConsentGround(Answer):
    """A consent of the case; `record` is null where it does not open."""

    holder: str
    state: str
    at: Time
    record: Object | None = Field(description="codes and days, no name")


class GroundsOfCase(Answer):
    """What rests on what in one case, oldest first, without the person."""

    id: CaseId
    messages: list[Ground]
    consents: list[ConsentGround]

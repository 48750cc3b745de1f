"""What operations on conversations take and answer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, WithJsonSchema

from gateway.cases.operations.models import OfCase
from gateway.consent import register
from gateway.conversations.procedure import ProcedureStatus
from gateway.conversations.rules.facts import Side
from gateway.conversations.status_updates import THEM, US
from gateway.delivery.operations.message_models import Message
from gateway.operations.ids import CaseId, ConsentId, ConversationId, MessageId, PeerId, UnitId
from gateway.operations.models import UNSAID, Answer, Asked, Count, Next, Object, OneOf, Read, Time, Type, Unsettled
from gateway.operations.paging import Page

Owes = Annotated[str, OneOf(US, THEM)]
Title = Annotated[dict[str, str], WithJsonSchema({"type": "object", "description": "a text by language"})]
ConsentState = Annotated[str, OneOf(register.ACTIVE, register.WITHDRAWN_PART, register.WITHDRAWN, register.DAMAGED)]

# --- arguments ----------------------------------------------------------------------------------------------------


class OneConversation(Asked):
    """A conversation by its id."""

    id: ConversationId


class DuePage(Page):
    """Of what is owed, which part is listed."""

    owes: Owes | None = None
    peer: PeerId | None = None
    unit: UnitId | None = Field(default=None, description="of this node; a page may be shorter than asked")
    case: CaseId | None = Field(default=None, description="whom it is about")


# --- answers ------------------------------------------------------------------------------------------------------


class Doubt(Answer):
    """A reason why a date is not certain."""

    country: str
    year: int
    why: str


class Owed(Answer):
    """Something that is owed, by whom and until when."""

    what: str = Field(description="the clock, one of schemas/clocks.json")
    owes: Owes
    because: MessageId = Field(description="the message that asks")
    until: Time
    overdue: bool
    certain: bool
    doubts: list[Doubt]


class Where(Answer):
    """Where a conversation stands with one peer."""

    peer: str
    kind: str = Field(description="enquiry, referral or standing")
    state: str = Field(description="see docs/state-machines.md")
    provisional: bool = Field(
        description="it rests on silence, and an answer that was written in time may still arrive"
    )


class Due(Where, Owed):
    """Something that is owed, and the message it is about."""

    conversation: Read[ConversationId] = UNSAID
    of_case: OfCase = None
    type: Read[Type] = UNSAID
    unit: Read[str | None] = None


class DueList(Answer):
    """A page of what is owed."""

    due: list[Due]
    next: Next | None
    unsettled: Unsettled


class Step(Answer):
    """One step of the procedure, and how it stands; see docs/region-packs.md."""

    id: str
    stage: str
    title: Title
    standing: ProcedureStatus
    seen: bool
    stopped_by: list[str]
    by: Annotated[str, OneOf(US, THEM, "either")]
    responsible: str = Field(description="a code of the list role")
    with_roles: list[str] = Field(alias="with")
    messages: list[str]
    gates: list[str]
    safeguards: list[Title]
    tell_person: list[Title] = Field(description="what the person has to be told")
    clock: str | None = Field(description="one of schemas/clocks.json")
    until: Time | None


class Place(Answer):
    """The place of a conversation in the procedure of the region."""

    region: str
    drafts: list[str] = Field(description="languages in which its texts are not reviewed")
    stage: str | None = Field(description="where it stands in the procedure")
    title: Title | None
    steps: list[Step]


class Standing(Where):
    """Where a conversation stands with one peer, what is owed in it, and its place in the procedure."""

    side: Side
    overlays: list[str]
    owed: list[Owed]
    procedure: Place | None
    missing: Count
    no_calendar: list[str]
    owed_later: list[str] = Field(
        description="places that a referral of ours in danger to life left for later, and nobody told yet"
    )
    ask_elsewhere: bool = Field(
        description="a referral of ours in danger to life that nobody decided in time: ask a second unit"
    )


class MessageInConversation(Message):
    """A message, and what became of it in its conversation."""

    outcome: str | None = Field(description="applied, or why it had no effect")


class ConsentOfConversation(Answer):
    """A consent that a message names or brings, and how it stands here."""

    id: ConsentId
    state: ConsentState


class Conversation(Answer):
    """All messages of a conversation in order, and where it stands with each peer."""

    conversation: Read[ConversationId] = UNSAID
    of_case: OfCase = None
    messages: list[MessageInConversation]
    standing: list[Standing]
    asylum_hold: bool = Field(description="one lies over it or its case: nothing of it goes to a feared State")
    consents: list[ConsentOfConversation]


class WritableType(Answer):
    """A type that may be written now, and what it would answer."""

    type: Read[Type] = UNSAID
    in_reply_to: Read[MessageId | None] = None


class WritableTo(Answer):
    """What may be written to a peer now."""

    peer: str
    types: list[WritableType]
    header: Read[Object] = Field(
        default=UNSAID, description="what of the header of the next message is known: units, roles, cases"
    )
    known_as: Read[list[str]] = Field(
        default_factory=list, description="the references under which both sides know the case, to be read out"
    )


class Writable(Answer):
    """What may be written now in a conversation."""

    conversation: Read[ConversationId] = UNSAID
    peers: list[WritableTo]

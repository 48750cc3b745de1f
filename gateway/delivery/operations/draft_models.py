"""What operations on drafts take and answer, and what submits, previews and releases a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from gateway.cases.operations.models import OfCase
from gateway.conversations.rules.disclosure import DisclosureStage
from gateway.delivery.intake import DISCARDED, RELEASED, REPLACED, WAITING
from gateway.delivery.operations.message_models import WARNINGS
from gateway.messages.draft_form import NEEDED
from gateway.operations.actors import AttestedUsers
from gateway.operations.ids import CaseId, ConsentId, ConversationId, DraftId, FilesId, MessageId, PeerId
from gateway.operations.models import (
    UNSAID,
    Answer,
    Asked,
    Count,
    Fault,
    Flag,
    Limit,
    Next,
    Object,
    OneOf,
    Read,
    Text,
    Time,
    Type,
    Unread,
)
from gateway.operations.paging import Page
from gateway.ports import Json

WAITING_SECOND = "waiting_second"
"""How a draft is shown that one person released and that needs two."""
STORED = (WAITING, RELEASED, DISCARDED, REPLACED)
DraftState = Annotated[str, OneOf(WAITING, WAITING_SECOND, RELEASED, DISCARDED, REPLACED)]

ENQUIRY: Mapping[str, Json] = {
    "type": "enquiry.capacity/1",
    "to": "AL",
    "header": {
        "sender_unit": "focal-point",
        "sender_role": "national_focal_point",
        "recipient_unit": "focal-point",
        "recipient_role": "national_focal_point",
        "priority": "normal",
        "language": "fr",
        "handling": {"onward_sharing": "none", "retain_until": "2030-11-30", "export_to_local": "full"},
    },
    "content": {"services": ["safe_accommodation"], "age_group": "adult", "referral_kind": "return_reception"},
}
"""The smallest draft that goes: a question about capacity, without personal data."""

TwoPeople = Annotated[Flag, Field(description="a second, different person releases it too, also where one person may")]

# --- arguments ----------------------------------------------------------------------------------------------------


class Unfinished(Asked):
    """A draft that may lack something yet. Its members are judged as a draft, in the words of `draft_form`."""

    type: Unread[Type] = UNSAID
    to: Unread[PeerId] = Field(default=UNSAID, description="name or node id of a peer")
    header: Unread[Object] = Field(default=UNSAID, description="the header of its schema, without `seen`")
    content: Unread[Object] = Field(default=UNSAID, description="the content of its schema")
    purpose: Unread[str | None] = None
    conversation: Unread[ConversationId | None] = None
    in_reply_to: Unread[MessageId | None] = None
    message: Unread[FilesId | None] = Field(default=None, description="the id that its files were added for")
    case: Unread[CaseId | None] = Field(
        default=None, description="whom it is about, where its conversation does not say so; it stays here"
    )

    def given(self) -> dict[str, Json]:
        """The draft as it came."""
        return {name: value for name, value in self if name in self.model_fields_set}


def _closed(schema: dict[str, Any]) -> None:
    schema["additionalProperties"] = False
    schema["required"] = sorted(NEEDED)


class Draft(Unfinished):
    """A whole draft; also a member that is missing or not known is told in the words of `draft_form`."""

    model_config = ConfigDict(extra="allow", json_schema_extra=_closed)


class SubmitMessage(Draft):
    """A draft that goes at once."""

    attested: AttestedUsers | None = Field(
        default=None, description="which users of the case system release it; for its token alone"
    )
    two_people: TwoPeople = False

    def given(self) -> dict[str, Json]:
        """The draft as it came, without who releases it."""
        return {name: value for name, value in super().given().items() if name not in ("attested", "two_people")}


class JudgeDraft(Asked):
    """A draft that is not kept here."""

    draft: Draft


class SaveDraft(Asked):
    """A draft to be kept."""

    draft: Unfinished


class OneDraft(Asked):
    """A draft by its id."""

    id: DraftId


class ChangeDraft(OneDraft):
    """Another draft in the place of the version that the caller has seen."""

    draft: Unfinished
    if_match: Text


class DraftPage(Page):
    """Which drafts are listed."""

    state: Annotated[str, OneOf(*STORED)] | None = None
    limit: Limit = 100


class ReleaseDraft(OneDraft):
    """A draft, and what the person who releases it adds."""

    consent: ConsentId | None = Field(default=None, description="id of the consent it relies on")
    reply_to: MessageId | None = None
    conversation: ConversationId | None = None
    two_people: TwoPeople = False


class ReleaseVersion(ReleaseDraft):
    """The release of the version of a draft that the caller has seen, where they say which."""

    if_match: Text | None = Field(
        default=None, description="the version seen; whoever releases what another person released first gives it"
    )


# --- answers ------------------------------------------------------------------------------------------------------


class PolicyInForce(Answer):
    """The corridor policy by which it is judged."""

    name: str
    version: Count
    digest: str


class Body(Answer):
    """What leaves, to the member."""

    header: Read[Object] = UNSAID
    content: Read[Object] = UNSAID


class Dropped(Answer):
    """A place that the policy takes out."""

    place: str
    group: str
    title: str


class Preview(Answer):
    """What of a message would leave now, what not and why, and what stands in its way."""

    type: Read[Type] = UNSAID
    of_case: OfCase = None
    purpose: Read[str | None] = None
    corridor: str = Field(description="from the country of this node to that of the peer, such as FR>AL")
    step: DisclosureStage
    policy: PolicyInForce | None
    leaves: Body | None = Field(description="exactly what leaves; null where nothing may")
    dropped: list[Dropped]
    first: Type | None = Field(
        description="the type of a message that goes before it, because the peer was not told yet"
    )
    warnings: list[str] = Field(description=WARNINGS)
    doubts: list[Fault] = Field(description="what may identify somebody in an alert, which goes all the same")
    goes: bool = Field(description="whether it would go now")
    code: str | None
    findings: list[Annotated[Fault, Field(description="what stands in its way")]]


class Saved(Answer):
    """A draft that is kept."""

    id: DraftId
    state: str
    version: str = Field(description="its entity tag, also in ETag")
    findings: list[Annotated[Fault, Field(description="what still keeps it from going")]]


class ReleasedFirst(Answer):
    """A draft that goes when a second, different person releases it."""

    id: DraftId = Field(description="the draft")
    state: Annotated[str, OneOf(WAITING_SECOND)]


class DraftLine(Answer):
    """A draft without what it says."""

    id: DraftId
    of_case: OfCase = None
    state: DraftState
    at: Time
    type: Read[str | None] = None
    to: str | None
    unit: Read[str | None] = None
    record: Read[str | None] = Field(default=None, description="what the case system calls the record it was made of")
    version: str = Field(description="its entity tag")
    first_by: str | None = Field(description="who released it first, while it waits for a second person")
    first_by_caller: bool = Field(description="whether that is who asks, so that another person has to")


class Drafts(Answer):
    """A page of drafts."""

    drafts: list[DraftLine]
    next: Next | None


class WholeDraft(DraftLine):
    """A draft with everything in it."""

    draft: Object = UNSAID


class Discarded(Answer):
    """A draft and where it stands now."""

    id: DraftId
    state: DraftState


class Checked(Answer):
    """Whether a draft says well what it says."""

    ok: bool
    code: str | None
    findings: list[Fault]

"""What operations on consents take and answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from gateway.cases.operations.models import Number, OfCase, OneCase
from gateway.conversations.operations.models import ConsentState
from gateway.operations.actors import ATTESTED, AttestedUser
from gateway.operations.ids import CaseId, ConsentId, ConversationId, MessageId
from gateway.operations.models import Answer, Asked, Count, Flag, Limit, Next, Object, Read, Time
from gateway.operations.paging import Page
from gateway.ports import Json

EXAMPLE: Mapping[str, Json] = {
    "number": "2026/117",
    "content": {
        "given_by": "person",
        "form": "written",
        "taken_on": "2026-11-20",
        "language": "sq",
        "interpreter": True,
        "grants": [
            {
                "purpose": "referral",
                "recipient_units": ["AL/focal-point"],
                "data_categories": ["identity", "needs"],
                "until": "2030-11-30",
            }
        ],
        "told": {
            "purpose": True,
            "uses": True,
            "recipients": True,
            "research_use": True,
            "access": True,
            "storage_time": True,
            "withdrawal": True,
        },
        "onward_sharing": False,
    },
}


class RecordConsent(Asked):
    """A consent, and whose it is."""

    case: CaseId | None = Field(default=None, description="whose consent it is")
    number: Annotated[
        Number | None, Field(description="or the number of the case in the case system, which opens one")
    ] = None
    content: Object = Field(description="the content of consent.record/1; units may be PEER/unit")
    attested: AttestedUser | None = ATTESTED


class ConsentPage(Page):
    """A page of consents."""

    limit: Limit = 100


class OneConsent(Asked):
    """A consent by its id."""

    id: ConsentId


class WithdrawConsent(OneConsent):
    """What of a consent is taken back."""

    grants: list[Count] | None = Field(
        default=None, description="the grants taken back, by place from 0; all where it is left out"
    )
    erase_wanted: Flag = False
    attested: AttestedUser | None = ATTESTED


class WithdrawAll(OneCase):
    """Whose consents are taken back."""

    erase_wanted: Flag = False
    attested: AttestedUser | None = ATTESTED


class Recorded(Answer):
    """A consent and its state."""

    id: ConsentId
    state: ConsentState


class ConsentLine(Answer):
    """A consent held here, without what it says; without the id where it does not open."""

    id: ConsentId | None
    of_case: OfCase = None
    holder: str
    state: ConsentState
    at: Time


class Consents(Answer):
    """A page of consents, newest first."""

    consents: list[ConsentLine]
    next: Next | None


class Reliance(Answer):
    """A conversation that relies on a consent."""

    conversation: Read[ConversationId | None] = None
    of_case: OfCase = None
    peer: str
    country: str | None
    state: str | None = Field(description="how it stands, see docs/state-machines.md")
    stops: Count = Field(description="messages that wait to go and go no more once the consent is withdrawn")


class ConsentInForce(Answer):
    """A consent of which something is left; without the id where it does not open and no message names it."""

    id: ConsentId | None
    state: ConsentState
    at: Time
    relied_on: list[Reliance]


class ConsentsOfCase(Answer):
    """The consents of one person that are in force."""

    of_case: OfCase = None
    consents: list[ConsentInForce]
    tells: list[str] = Field(description="the peers that are told if all of them are taken back")


class Consent(Recorded):
    """A consent as it is held here."""

    of_case: OfCase = None
    relied_on: list[Reliance]
    tells: list[str] = Field(description="the peers that a withdrawal is told to")
    holder: str
    record: Object = Field(description="what was recorded: codes and days, no name")
    withdrawals: list[Object]


class ToldOfWithdrawal(Answer):
    """A peer that is told of a withdrawal, and by which message."""

    peer: str
    message: MessageId | None = Field(description="nothing where it is of a case that the caller does not see")


class Withdrawn(Recorded):
    """A withdrawal, and who is told of it."""

    told: list[ToldOfWithdrawal]


class AllWithdrawn(Answer):
    """The consents of a person that were taken back together, and who is told of it."""

    id: CaseId
    consents: list[Recorded]
    told: list[ToldOfWithdrawal]
    unnamed: Count = Field(description="consents that do not open and that no message names: nothing is sent on them")

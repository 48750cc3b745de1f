"""What operations on cases take and answer, and how other answers name a case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from gateway.cases.rules import LONGEST_LABEL, RELATIONS, ChangeKind, ChangeState
from gateway.errors import Code, RefusedError
from gateway.operations.actors import ATTESTED, AttestedUser
from gateway.operations.ids import (
    CaseChangeId,
    CaseId,
    CaseNumber,
    ConsentId,
    ConversationId,
    DraftId,
    UnitId,
)
from gateway.operations.models import (
    ONE_LINE,
    UNSAID,
    Answer,
    Asked,
    Count,
    Next,
    OneOf,
    Read,
    Text,
    Time,
    Unsettled,
)
from gateway.operations.paging import Page
from gateway.ports import Json

Label = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_LABEL, description="a pseudonym or words of your own, never a name"),
    ONE_LINE,
]
Number = Annotated[CaseNumber, Field(description="the number that the case has in the case system"), ONE_LINE]
Reason = Annotated[str, Field(min_length=1, max_length=400, description="why, for whoever confirms it and for later")]
Relation = Annotated[str, OneOf(*RELATIONS)]
ONE_PERSON: Mapping[str, Json] = {"reason": "one person, as she said herself"}
HER, OTHER = "q2x0bJr3QkK0m1c5n8sT4g", "8sT4gq2x0bJr3QkK0m1c5n"
"""Cases in examples."""

# --- arguments ----------------------------------------------------------------------------------------------------


class CasePage(Page):
    """A page of cases."""

    @property
    def place(self) -> tuple[int, str] | None:
        """The case behind which the page begins; None for the first page. Raises RefusedError invalid."""
        at, _, id = (self.cursor or "").partition(".")
        if self.cursor is None:
            return None
        if not at.isdecimal() or len(at) > 15 or not id:
            raise RefusedError(Code.INVALID, "the cursor is not valid", hint="take it from the page before")
        return int(at), id


class OneCase(Asked):
    """A case by its id."""

    id: CaseId


class OpenCase(Asked):
    """What a new case is called: a label, a number, or both."""

    label: Label | None = None
    number: Number | None = None
    attested: AttestedUser | None = ATTESTED


class LabelCase(OneCase):
    """A case, and what it is called from now on."""

    label: Label


class HandOverCase(OneCase):
    """A case, and who looks after it from now on."""

    unit: UnitId
    worker: Annotated[Text, ONE_LINE] | None = None
    reason: Reason


class RelateCases(OneCase):
    """Two cases, and what the person of the other one is to this one; without a relation it ends."""

    other: CaseId
    relation: Relation | None = None


class JoinCase(OneCase):
    """A case, and an enquiry that turned out to be about its person."""

    conversation: ConversationId


class MergeCases(OneCase):
    """A case, and the one into which everything of it goes."""

    into: CaseId
    reason: Reason


class Parts(Asked):
    """What is of a case and goes elsewhere, and why."""

    reason: Reason
    conversations: list[ConversationId] = Field(default_factory=list)
    consents: list[ConsentId] = Field(default_factory=list)
    drafts: list[DraftId] = Field(default_factory=list)
    numbers: list[CaseNumber] = Field(default_factory=list)


class SplitCase(OneCase, Parts):
    """A case, and what of it is the case of another person."""

    label: Label | None = None


class MoveParts(Parts):
    """What goes from one case to another. Without a source they are consents that are of no case yet."""

    source: CaseId | None = None
    into: CaseId


class OneChange(Asked):
    """A change of cases by its id."""

    id: CaseChangeId


# --- answers ------------------------------------------------------------------------------------------------------


class CaseName(Answer):
    """Whom something is about, as people here call the case."""

    id: CaseId
    name: str | None


OfCase = Read[CaseName | None]
"""A member of what is about a person; it needs a default."""


class CaseFacts(Answer):
    """A case and who looks after it."""

    id: CaseId
    name: Read[str | None] = Field(default=None, description="what people here call it")
    number: Read[str | None] = Field(default=None, description="the number that the case has in the case system")
    at: Time
    units: list[str] = Field(description="who looks after it")


class CaseLine(CaseFacts):
    """A case without what is of it."""

    conversations: Count
    ours: Time | None = Field(description="when the next thing is over that we owe")
    theirs: Time | None = Field(description="when the next thing is over that others owe")


class Cases(Answer):
    """A page of open cases, newest first."""

    cases: list[CaseLine]
    next: Next | None
    unsettled: Unsettled


class KeeperOfCase(Answer):
    """A unit that looks after a case, or did."""

    unit: Read[str] = UNSAID
    worker: Read[str | None] = None
    since: Time
    until: Time | None
    reason: Read[str] = UNSAID


class Related(Answer):
    """A case of the same group, and what its person is to this one."""

    other: CaseId
    name: Read[str | None] = None
    relation: Relation


class ChangeOfCase(Answer):
    """How people changed a case, and how far it has come."""

    id: CaseChangeId
    kind: Annotated[str, OneOf(*ChangeKind)]
    state: Annotated[str, OneOf(*ChangeState)]
    at: Time
    source: CaseId | None = Field(alias="from")
    into: CaseId
    reason: Read[str | None] = None


class CaseDone(Answer):
    """The case that was opened or changed."""

    id: CaseId


class ChangeAsked(Answer):
    """A change that a second, different person confirms."""

    change: CaseChangeId
    state: Annotated[str, OneOf(ChangeState.ASKED)]
    into: CaseId


class ChangeStepped(Answer):
    """A change and how far it has come."""

    change: CaseChangeId
    state: Annotated[str, OneOf(*ChangeState)]

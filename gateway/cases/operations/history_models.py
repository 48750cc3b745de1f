"""What notes about a case take, and how they are shown."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.cases.history import PersonRole, Status
from gateway.cases.operations.models import OneCase, Reason
from gateway.operations.ids import MessageId, PersonId, UnitId
from gateway.operations.models import UNSAID, Answer, CodeText, Day, Flag, OneOf, Read, Time

AnyStatus = Annotated[str, OneOf(*Status)]
AnyRole = Annotated[str, OneOf(*PersonRole)]
OnDay = Annotated[str, Field(min_length=1, max_length=10, json_schema_extra={"format": "date"})]


class NoteStatus(OneCase):
    """How a country sees the person from a day on."""

    status: AnyStatus
    country: CodeText = Field(description="a code of the list country")
    body: CodeText | None = Field(default=None, description="who decided, a code of the list decision_body")
    on: OnDay
    message: MessageId | None = Field(default=None, description="a message of the case that says so")


class NoteRole(OneCase):
    """A role of the person that begins or has ended on a day."""

    role: AnyRole
    on: OnDay
    ended: Flag = False


class BlockFromCase(OneCase):
    """A person or a unit of this node, and why it must not see the case, or may again."""

    person: PersonId | None = None
    unit: UnitId | None = None
    reason: Reason


class StatusOfCase(Answer):
    """What was noted of the status of the person."""

    status: AnyStatus
    country: str
    body: str | None = Field(description="a code of the list decision_body")
    on: Day
    message: MessageId | None
    at: Time
    now: bool = Field(description="whether it is the latest of its country")


class RoleOfCase(Answer):
    """A role of the person that began or ended."""

    role: AnyRole
    on: Day
    ended: bool
    at: Time
    now: bool = Field(description="whether the person has it")


class BlockOfCase(Answer):
    """Who must not see the case."""

    person: PersonId | None
    name: Read[str | None] = Field(default=None, description="of the person")
    unit: Read[UnitId | None] = None
    reason: Read[str] = UNSAID
    at: Time

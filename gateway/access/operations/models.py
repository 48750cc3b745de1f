"""What is asked and answered about people."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.access import rules
from gateway.operations.ids import ChangeId, PersonId, UnitId
from gateway.operations.models import Answer, Asked, Count, Flag, Object, OneOf, Text, Time
from gateway.trust.operations.models import SignedWord

PersonalRole = Annotated[str, OneOf(*rules.PERSONAL)]
Roles = Annotated[list[PersonalRole], Field(min_length=1, description="one or more")]


class AddPerson(Asked):
    """Somebody new."""

    name: Annotated[str, Field(min_length=1, max_length=64, description="what colleagues call them; no two at once")]
    roles: Roles
    unit: UnitId | None = None
    language: Text | None = None


class OnePerson(Asked):
    """A person by their id."""

    id: PersonId


class ChangePerson(OnePerson):
    """Other roles or another unit; what is left out stays."""

    roles: Roles | None = None
    unit: UnitId | None = None


class InvitePerson(OnePerson):
    """One more passkey, or one instead."""

    instead: Flag = Field(default=False, description="their passkeys and sessions end at once")


class ApprovePerson(SignedWord):
    """An administrator's word for what waits."""

    id: ChangeId


class HeldPasskey(Answer):
    """A passkey of a person."""

    kid: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{22}$", description="16 random bytes as base64url")]
    synced: bool
    made: Time
    used: Time | None


class WaitingChange(Answer):
    """What waits for one administrator, who signs it (`person.approve`)."""

    id: ChangeId
    action: Annotated[str, OneOf("person.enrol", "person.change", "person.invite", "person.vouch")]
    change: Object = Field(description="the exact object that is signed")
    words: list[Annotated[str, Field(description="the same in sentences")]]
    ends: Time


class PersonShown(Answer):
    """A person; no secret."""

    id: PersonId
    name: str
    roles: list[PersonalRole]
    unit: str | None
    language: str | None
    state: Annotated[str, OneOf("asked", "invited", "active", "locked_out", "ended")] = Field(
        description="asked: waits for an administrator; locked_out: without passkey, token and invitation"
    )
    made: Time
    ended: Time | None
    invited_until: Time | None
    passkeys: list[HeldPasskey]
    sessions: Count = Field(description="that are open now")
    tokens: Count = Field(description="personal tokens that are valid now")
    vouched: list[str] = Field(description="the administrators who vouch for them, as people here call them")
    waits: WaitingChange | None


class InvitedPerson(PersonShown):
    """A person with their invitation, where there is one."""

    code: str | None = Field(
        description="the invitation, shown this once; good for one passkey or personal token and 24 hours; "
        "null while an administrator has to approve it, or where none comes with what was approved"
    )
    address: str | None = Field(description="where the invitation is opened; null where this node has no console")


class People(Answer):
    """Everybody who works or has worked here."""

    people: list[PersonShown]

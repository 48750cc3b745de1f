"""What is asked and answered about people."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.access import rules
from gateway.operations.ids import PersonId, UnitId
from gateway.operations.models import Answer, Asked, Count, Flag, OneOf, Text, Time

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


class HeldPasskey(Answer):
    """A passkey of a person."""

    kid: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{22}$", description="16 random bytes as base64url")]
    synced: bool
    made: Time
    used: Time | None


class PersonShown(Answer):
    """A person; no secret."""

    id: PersonId
    name: str
    roles: list[PersonalRole]
    unit: str | None
    language: str | None
    state: Annotated[str, OneOf("invited", "active", "locked_out", "ended")] = Field(
        description="locked_out: without passkey and invitation"
    )
    made: Time
    ended: Time | None
    invited_until: Time | None
    passkeys: list[HeldPasskey]
    sessions: Count = Field(description="that are open now")
    tokens: Count = Field(description="personal tokens that are valid now")


class InvitedPerson(PersonShown):
    """A person with their invitation."""

    code: str = Field(description="the invitation, shown this once; good for one passkey and 24 hours")
    address: str | None = Field(description="where the invitation is opened; null where this node has no console")


class People(Answer):
    """Everybody who works or has worked here."""

    people: list[PersonShown]

"""What is asked and answered about the offices of countries."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.operations.ids import CountryId, UnitId
from gateway.operations.models import DIGITS, Answer, Asked, Count, Day, Flag, Object, Text, Time
from schemas.codelists import ENGLISH

LATEST = 2**33
"""The last second that a question can name."""
Standing = Annotated[str, Field(description="own, or the state of the peer")]


class InLanguage(Asked):
    """In which language names are shown."""

    language: Text = Field(default=ENGLISH, description="of names and titles, such as fr")


class SearchDirectory(InLanguage):
    """Words in any language, chosen codes, or both."""

    text: Annotated[str, Field(max_length=4_000)] | None = Field(
        default=None, description="a question in any of the nine languages; it is kept nowhere"
    )
    country: Text | None = None
    role: Text | None = Field(default=None, description="a code of the list role")
    service: Text | None = Field(default=None, description="a code of the list service")
    unit_language: Text | None = Field(default=None, description="in which the unit can be written to")
    child: Flag | None = Field(default=None, description="who serves children, or adults")
    at: Annotated[int, Field(ge=0, le=LATEST, description="Unix seconds"), DIGITS] | None = None


class OneCountry(InLanguage):
    """A country by its code."""

    id: CountryId


class PublishDirectory(InLanguage):
    """What the offices of this country are."""

    content: Object = Field(description="the content of a directory.update; the node numbers it")
    unit: UnitId | None = Field(
        default=None, description="the unit of this node that speaks; else the one that coordinates"
    )


class OfficeContact(Answer):
    """How a unit is reached now."""

    duty: bool
    phone: str | None
    email: str | None
    hours: str | None


class Office(Answer):
    """One unit as its country tells it; see docs/directory.md."""

    country: str
    peer: str
    state: Standing
    unit: str
    name: str
    roles: list[str]
    services: list[str]
    groups_served: list[str]
    languages: list[str]
    capacity: str
    hours: str | None
    at: int = Field(description="the moment looked at, Unix seconds")
    open: bool | None = Field(description="null where its hours are words that only people read")
    contact: OfficeContact | None
    duty_phone: str | None = Field(description="day and night")
    region: str | None = Field(description="where it is, by ISO 3166-2; null where its country does not say so")
    made: int = Field(description="when its country said so")
    current: bool = Field(description="false: the entry is over, and may be wrong")
    expires: Time
    focal_for: list[Annotated[str, Field(description="a code of the list focal_point_for")]] = Field(alias="for")


class Understood(Answer):
    """How the words of a question were understood."""

    countries: list[str]
    child: bool | None
    timed: bool


class FoundOffices(Answer):
    """Whom to ask."""

    understood: Understood
    units: list[Office] = Field(description="best first; what is over comes last")


class OfficeProcedure(Answer):
    """How something is done in a country."""

    kind: str
    text: str
    url: str | None


class CountryEntry(Answer):
    """What one node says of its country."""

    peer: str
    state: Standing
    number: Count
    made: Time
    expires: Time
    current: bool
    units: list[Office]
    procedures: list[OfficeProcedure]
    foreign: Count = Field(description="units of other countries, which are left out")


class Country(Answer):
    """Everything that the nodes of one country say of it."""

    country: str
    entries: list[CountryEntry]


class OwnEntry(Answer):
    """What this node has told last."""

    content: Object = Field(
        description="of a directory.update, without its number; unfinished where nothing was published yet"
    )
    number: Count | None
    made: Time | None
    expires: Time | None
    last: Day = Field(description="the last day for which a unit can be told")


class ToldPeer(Answer):
    """A peer that is told, and by which message."""

    peer: str
    message: str


class LeftOut(Answer):
    """A peer that is not told, and why."""

    peer: str
    code: str
    hint: str


class Publishing(Answer):
    """A new entry, and who is told."""

    number: Count
    expires: Time
    sent: list[ToldPeer]
    left_out: list[LeftOut]

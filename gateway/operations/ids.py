"""The ids that arguments and answers name, each of a type that says of what.

A member that holds an id has one of these types, also inside a draft: so whoever has to know what a request is about
finds it in the model (`list_ids`), whatever the member is called.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, get_args

from pydantic import BaseModel, Field, WithJsonSchema

from gateway.foundation import ids

LONGEST = 4_000
"""Characters of a text in arguments where nothing less is said."""


class Subject(StrEnum):
    """The kinds of things that have an id here."""

    ALARM = "alarm"
    CASE = "case"
    CASE_CHANGE = "case_change"
    """A merge, split or move of cases."""
    CASE_NUMBER = "case_number"
    """What a case system calls a case."""
    CHANGE = "change"
    CODE_LIST = "code_list"
    CONSENT = "consent"
    CONVERSATION = "conversation"
    COUNTRY = "country"
    DRAFT = "draft"
    FILES = "files"
    """Files that wait for a message which was not submitted, by the id that it will have."""
    GUIDANCE = "guidance"
    MESSAGE = "message"
    MESSAGE_TYPE = "message_type"
    PEER = "peer"
    PERIOD = "period"
    PERSON = "person"
    TOKEN = "token"  # noqa: S105 (the word for a kind of thing, no secret)
    UNIT = "unit"


@dataclass(frozen=True)
class Names:
    """Marks a text as the id of a thing."""

    subject: Subject


_ANY = Field(min_length=1, max_length=LONGEST)
"""Whatever is no id is taken, and answered as what does not exist."""
_RANDOM = WithJsonSchema(
    {"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$", "description": "16 random bytes as base64url"}
)
_CHOSEN = WithJsonSchema({"type": "string"})

AlarmId = Annotated[str, _ANY, _CHOSEN, Names(Subject.ALARM)]
CaseChangeId = Annotated[str, _ANY, _RANDOM, Names(Subject.CASE_CHANGE)]
CaseId = Annotated[ids.CaseId, _ANY, _RANDOM, Names(Subject.CASE)]
CaseNumber = Annotated[str, _ANY, _CHOSEN, Names(Subject.CASE_NUMBER)]
ChangeId = Annotated[str, _ANY, _CHOSEN, Names(Subject.CHANGE)]
CodeListId = Annotated[str, _ANY, _CHOSEN, Names(Subject.CODE_LIST)]
ConsentId = Annotated[str, _ANY, _CHOSEN, Names(Subject.CONSENT)]
ConversationId = Annotated[ids.ConversationId, _ANY, _RANDOM, Names(Subject.CONVERSATION)]
CountryId = Annotated[str, _ANY, _CHOSEN, Names(Subject.COUNTRY)]
DraftId = Annotated[str, _ANY, _RANDOM, Names(Subject.DRAFT)]
FilesId = Annotated[str, _ANY, _RANDOM, Names(Subject.FILES)]
GuidanceId = Annotated[str, _ANY, _CHOSEN, Names(Subject.GUIDANCE)]
MessageId = Annotated[ids.MessageId, _ANY, _RANDOM, Names(Subject.MESSAGE)]
MessageTypeId = Annotated[str, _ANY, _CHOSEN, Names(Subject.MESSAGE_TYPE)]
PeerId = Annotated[str, _ANY, _CHOSEN, Names(Subject.PEER)]
"""The name of a peer here, its node id, or a country: whatever `PeerRegistry.find` takes."""
PeriodId = Annotated[str, _ANY, _CHOSEN, Names(Subject.PERIOD)]
PersonId = Annotated[str, _ANY, _RANDOM, Names(Subject.PERSON)]
TokenId = Annotated[str, _ANY, _CHOSEN, Names(Subject.TOKEN)]
UnitId = Annotated[ids.UnitId, _ANY, _CHOSEN, Names(Subject.UNIT)]


def alarm_number(id: str) -> int:
    """The number of an alarm; -1, which none has, for what is no number."""
    return int(id) if id.isascii() and id.isdigit() and len(id) < 16 else -1


def list_ids(model: BaseModel) -> Iterator[tuple[Subject, str]]:
    """Every id in a model, at whatever depth, with what it is the id of."""
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        marks = [part.subject for part in (*field.metadata, *_marks(field.annotation)) if isinstance(part, Names)]
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, BaseModel):
                yield from list_ids(one)
            elif isinstance(one, str):
                yield from ((subject, one) for subject in marks)


def _marks(annotation: Any) -> Iterator[Any]:
    """The marks of a type, also inside a list or beside None."""
    yield from getattr(annotation, "__metadata__", ())
    for part in get_args(annotation):
        yield from _marks(part)

"""What operations on files of messages take and answer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.delivery.operations.message_models import OneMessageOneWay
from gateway.operations.ids import FilesId, MessageId
from gateway.operations.models import DIGITS, MOST, Answer, Asked, Count, OneOf, Time


class AddAttachment(Asked):
    """The message that takes a file."""

    message: FilesId | None = Field(
        default=None, description="of the message that takes it; without one a new message begins"
    )


class Waiting(Asked):
    """The message that was not submitted, and has files."""

    id: FilesId


class ReadAttachment(OneMessageOneWay):
    """A file of a message by its number."""

    part: Annotated[int, Field(ge=0, le=MOST), DIGITS]


class FileFacts(Answer):
    """What is known of a file."""

    part: Count = Field(description="its number in the message, which the body names")
    media_type: str = Field(description="found by what the file is, not by its name")
    size: Count
    sha256: str


class Added(FileFacts):
    """A file, and the message that takes it."""

    message: MessageId


class Attachment(FileFacts):
    """A file of a message that is here."""

    doc_kind: str | None
    stored: bool = Field(description="whether it can be read here and now")


class Attachments(Answer):
    """The files of a message."""

    attachments: list[Attachment]


class WaitingFiles(Answer):
    """The files of a message that was not submitted, in their order."""

    attachments: list[FileFacts]


class MovingFiles(Answer):
    """The files of one message on their way."""

    id: MessageId
    peer: str | None
    state: Annotated[str, OneOf("coming", "going", "waiting")]
    files: Count
    bytes: Count
    done: Count
    rate: Count = Field(description="bytes a second in the last moments, 0 where nothing moves")
    since: Time
    last: Time | None


class Moving(Answer):
    """Files that are on their way in either direction, or wait for their message."""

    moving: list[MovingFiles]


class Forgotten(Answer):
    """How many files were forgotten."""

    message: MessageId
    files: Count

"""What many messages in one call are taken as, and what is answered of each."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.delivery.operations.draft_models import ReleasedFirst, SubmitMessage
from gateway.delivery.operations.message_models import Submitted
from gateway.errors import Code
from gateway.operations.models import PRINTABLE, UNSAID, Answer, Asked, Fault, OneOf, Unread
from gateway.ports import Json

MOST_ITEMS = 64
"""Messages of one call: as many as are judged and stored together (`gateway.foundation.batcher`)."""

# --- arguments ----------------------------------------------------------------------------------------------------


class BatchDraft(SubmitMessage):
    """A draft as a submission of its own takes it."""


class BatchItem(Asked):
    """One message of many."""

    key: Annotated[str, Field(min_length=1, max_length=128, pattern=PRINTABLE, description="its own Idempotency-Key")]
    draft: Unread[BatchDraft]

    def given(self) -> Json:
        """The draft as it came, whatever that is."""
        given: Json = dict(self)["draft"]
        return given


class SubmitMany(Asked):
    """Drafts that go at once, each for itself."""

    items: list[BatchItem] = Field(min_length=1, max_length=MOST_ITEMS)


# --- answers ------------------------------------------------------------------------------------------------------


class Unsubmitted(Answer):
    """Why nothing was stored of one message, as a submission of its own is refused."""

    code: Annotated[str, OneOf(*Code)]
    title: str = Field(description="what happened and what was left unchanged")
    gate: str | None = Field(description="the gate that stands in the way, like G2")
    hint: str = Field(description="what to do next")
    findings: list[Fault] = Field(description="each with its place in the draft")
    again: bool = Field(description="it could not be done now: the same may go when it is sent again")


class BatchAnswer(Answer):
    """What became of one message: `submitted` or `refused`."""

    key: str
    submitted: Submitted | ReleasedFirst = UNSAID
    refused: Unsubmitted = UNSAID


class BatchAnswers(Answer):
    """An answer for each message, in the order in which they came."""

    items: list[BatchAnswer]

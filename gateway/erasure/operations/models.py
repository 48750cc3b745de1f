"""What erasing, retention and legal holds take and answer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.cases.operations.models import OfCase, OneCase
from gateway.conversations.operations.models import OneConversation
from gateway.delivery.operations.message_models import Direction, ErasedMessage, OneMessageOneWay
from gateway.operations.ids import CaseId, ConversationId, MessageId, PeerId
from gateway.operations.models import Answer, Asked, CodeText, Count, Day, Flag, Time

UntilDay = Annotated[str, Field(min_length=1, max_length=10, json_schema_extra={"format": "date"})]


class EraseMessage(OneMessageOneWay):
    """A message, and why it is erased."""

    reason: CodeText = Field(description="a code of the list erasure_ground")


class EraseConversation(OneConversation):
    """A conversation, and why it is erased."""

    reason: CodeText = Field(description="a code of the list erasure_ground")


class RunRetention(Asked):
    """`dry_run`: only say what would be erased."""

    dry_run: Flag = False


class Keep(Asked):
    """On which ground something is kept, and until when."""

    ground: CodeText = Field(description="a code of the list kept_ground")
    until: UntilDay


class HoldConversation(Keep):
    """A conversation of which nothing is erased."""

    id: ConversationId


class HoldCase(Keep):
    """A person of whom nothing is erased."""

    id: CaseId


class EraseCase(OneCase):
    """A case, and why all of it is erased."""

    reason: CodeText = Field(description="a code of the list erasure_ground")


class KeptCase(Answer):
    """A legal hold on a case."""

    id: CaseId
    ground: str
    until: Day


class ReportLine(Answer):
    """How many messages a rule of retention has this verdict on."""

    verdict: str
    rule: str | None
    messages: Count


class ToErase(Answer):
    """A message that retention erases, and by which rule."""

    id: MessageId
    direction: Direction
    rule: str | None
    due: Time | None


class RetentionRun(Answer):
    """What retention erased, or would erase."""

    dry_run: bool
    at: Time
    horizon: int = Field(description="when no key of this node opens any of it")
    report: list[ReportLine]
    erase: list[ToErase]
    requests: list[MessageId] = Field(description="the messages of peers whose requests are followed")


class ErasedPlace(Answer):
    """One place that was looked at, and what was done there."""

    place: str = Field(description="a code of the list erasure_place")
    done: str = Field(description="a code of the list erasure_done")
    by_date: str | None = Field(default=None, description="the day by which it is gone, where it is due")


class Recipient(Answer):
    """A node that had some of it from here, by our own records."""

    peer: PeerId
    erased: bool = Field(description="it has signed that it has none of it; otherwise it is not known")


class Erased(Answer):
    """What was erased, what is so at each place, and who else had it."""

    erased: Count
    messages: list[ErasedMessage]
    places: list[ErasedPlace]
    recipients: list[Recipient]
    machines: list[str] = Field(description="hosts of this node that have not followed yet: its key is still there")


class LiftedHold(Answer):
    """A conversation that is under no legal hold any more."""

    id: ConversationId


class Kept(Answer):
    """What is kept, on which ground and until when."""

    id: MessageId
    ground: str
    until: Day


class LegalHold(Answer):
    """A legal hold; without the id where it is on a whole case, or nothing of the conversation is left."""

    id: ConversationId | None
    of_case: OfCase = None
    ground: str
    until: Day
    over: bool
    at: Time


class LegalHolds(Answer):
    """The legal holds of this node."""

    holds: list[LegalHold]

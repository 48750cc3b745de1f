"""What `case.show` answers: a case with everything that is of it."""

from __future__ import annotations

from pydantic import Field

from gateway.cases.operations.history_models import BlockOfCase, RoleOfCase, StatusOfCase
from gateway.cases.operations.models import CaseFacts, ChangeOfCase, KeeperOfCase, Related
from gateway.conversations.operations.models import ConsentState
from gateway.delivery.operations.draft_models import DraftState
from gateway.delivery.operations.message_models import Direction
from gateway.operations.ids import ConsentId, ConversationId, DraftId, MessageId
from gateway.operations.models import UNSAID, Answer, Count, Day, Read, Time


class ConversationOfCase(Answer):
    """A conversation of a case with one country, where it stands, and when something was last said in it."""

    conversation: Read[ConversationId | None] = None
    peer: str
    country: str | None
    kind: str | None = Field(description="enquiry, referral or standing")
    state: str | None = Field(description="as it was last folded, see docs/state-machines.md")
    untaken: Count = Field(description="messages that came and nobody has taken")
    last: Time


class DraftOfCase(Answer):
    """A draft of a case that waits for a person."""

    id: DraftId
    type: Read[str | None] = None
    to: str | None
    state: DraftState
    at: Time


class GrantOfCase(Answer):
    """One thing that the person said yes to, and did not take back: until when it holds, to which units what may go."""

    purpose: Read[str] = UNSAID
    categories: list[str]
    units: list[str] = Field(description="NODE/UNIT each")
    until: Day | None


class ConsentOfCase(Answer):
    """A consent of a case, with what may still rest on it; without the id where it does not open."""

    id: ConsentId | None
    holder: str
    state: ConsentState
    at: Time
    lapses: bool = Field(description="it ends within a week or has ended, and the alarm about it is open")
    covers: Read[list[GrantOfCase]] = UNSAID


class DenialOfCase(Answer):
    """One thing that the person said no to in a consent; what it leaves open it denies for all."""

    consent: ConsentId
    purpose: Read[str | None] = None
    unit: Read[str | None] = None
    category: str | None


class AsylumHoldOfCase(Answer):
    """An asylum hold that lies over a case; without a conversation where it does not open."""

    conversation: Read[ConversationId | None] = None
    at: Time
    lift_wanted: bool
    states: Read[list[str]] = Field(
        default=UNSAID, description="States that the person fears, codes of the list country"
    )


class QuestionOfCase(Answer):
    """Whether what the person of a linked case fears concerns this one: nothing goes there until somebody says."""

    about: str = Field(description="the linked case")
    at: Time
    said: Count = Field(description="how many people said that it does not; two decide")
    states: Read[list[str]] = Field(default=UNSAID, description="codes of the list country; * for every State")


class LegalHoldOfCase(Answer):
    """A legal hold on a conversation of a case."""

    conversation: Read[ConversationId | None] = None
    ground: str = Field(description="a code of the list kept_ground")
    until: Day


class CaseHoldOfCase(Answer):
    """A legal hold on all of a case."""

    ground: str = Field(description="a code of the list kept_ground")
    until: Day


class FileOfCase(Answer):
    """A file of a message of a case."""

    message: MessageId
    direction: Direction
    part: Count
    media_type: str
    size: Count


class WholeCase(CaseFacts):
    """A case and what is of it."""

    keepers: list[KeeperOfCase]
    worker: Read[str | None] = Field(default=None, description="the person here who looks after it, by id")
    flags: Read[list[str]] = Field(default_factory=list)
    group: list[Related]
    conversations: list[ConversationOfCase]
    drafts: list[DraftOfCase]
    consents: list[ConsentOfCase]
    denials: list[DenialOfCase]
    asylum_holds: list[AsylumHoldOfCase]
    linked_questions: list[QuestionOfCase]
    legal_holds: list[LegalHoldOfCase]
    case_holds: list[CaseHoldOfCase]
    files: list[FileOfCase]
    statuses: list[StatusOfCase] = Field(description="every note, newest first; nothing overwrites")
    roles: list[RoleOfCase] = Field(description="every note, newest first")
    blocks: list[BlockOfCase] = Field(description="who must not see the case now")
    changes: list[ChangeOfCase]

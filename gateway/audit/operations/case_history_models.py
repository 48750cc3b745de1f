"""What the history of a case for an auditor takes and answers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.audit.case_history import Kind, Verdict
from gateway.audit.operations.log import LogVerified, Mark
from gateway.delivery.operations.message_models import Direction
from gateway.operations.ids import CaseId
from gateway.operations.models import Answer, Count, Day, Fault, Next, OneOf, Time, Type


class Reference(Answer):
    """Under which reference a peer knows the case."""

    peer: str
    reference: str


class CaseToAudit(Answer):
    """A case as an auditor knows it: by its number and references, never by what people call the person."""

    id: CaseId
    number: str | None = Field(description="the number that the case has in the case system")
    references: list[Reference]
    at: Time


class CasesToAudit(Answer):
    """A page of open cases, newest first."""

    cases: list[CaseToAudit]
    next: Next | None


class ActedBy(Answer):
    """Who acted. `name`: of the person, or the label of the token; null where this node may not or cannot say."""

    kind: Annotated[str, OneOf(*Kind)]
    name: str | None


class AboutMessage(Answer):
    """Which message an act or a look is about, without what it says. Nulls where its content was erased or is
    damaged.
    """

    direction: Direction
    peer: str
    kind: Type | None


class Basis(Answer):
    """On what a message rests."""

    consent: Time | None = Field(description="when the consent was recorded here on which it relies")
    legal_basis: list[str] = Field(description="codes of the list legal_basis")
    transfer_basis: str | None = Field(description="a code of the list transfer_basis")
    vital_interest: bool = Field(description="without consent, because a life was in danger")


class Act(Answer):
    """One thing that was done, and the entry of the log that says so."""

    at: Time
    event: str = Field(description="see docs/audit-events.md")
    status: str | None = Field(description="of receipts, or of a message that went no further")
    message: AboutMessage | None
    by: list[ActedBy] = Field(description="who acted here; nobody where a rule or a peer did it")
    basis: Basis | None
    entry: Count | None = Field(description="its number in the log; null where several of one second may be meant")
    covered: Annotated[str, OneOf("witnessed", "signed", "open")] | None


class Look(Answer):
    """That somebody here was shown something of the case, for the first time on that day."""

    at: Time
    what: str = Field(description="message, draft, file/N, conversation, case, contact, consent or evidence")
    message: AboutMessage | None
    by: ActedBy


class ErasedWhere(Answer):
    """How much of the case a place has had and has erased."""

    place: Annotated[str, OneOf("here", "case_system", "peer", "backups")]
    peer: str | None
    messages: Count = Field(description="that came there")
    erased: Count
    at: Time | None = Field(description="of the last of them")
    until: Time | None = Field(description="of backups: when the last one ends that opens what was erased")


class SignedHead(Mark):
    """The newest checkpoint, by which a printed history can be held against an export of the log."""

    root: str = Field(description="of the tree, base64url as in the export")


class HeldCase(Answer):
    """Why something of the case may not be erased."""

    ground: str = Field(description="a code of the list kept_ground")
    until: Day


class CaseHistory(CaseToAudit):
    """What was done in a case, by whom, on which basis, who saw it, what was erased where, and what proves it."""

    now: Time = Field(description="when this was read and the log examined")
    verdict: Annotated[str, OneOf(*Verdict)]
    broken_at: Fault | None = Field(description="the first bad place of the log")
    missing: Count = Field(description="messages of the case of which the log has no entry")
    acts: list[Act]
    looks: list[Look]
    more_looks: bool = Field(description="whether there are older ones than these")
    erased: list[ErasedWhere]
    holds: list[HeldCase]
    log: LogVerified
    checkpoint: SignedHead | None
    fingerprint: str = Field(description="of the key by which this node is known")

"""The audit log for auditors and operators: how it stands, whether it holds, the pages of its export."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.audit import reader
from gateway.audit.log import AuditLog
from gateway.database.engine import Store
from gateway.foundation.ids import NodeId
from gateway.identity.own_identity import OwnIdentity
from gateway.operations.models import DIGITS, Answer, Asked, Count, Fault, Nothing, Time
from gateway.operations.registry import About, operation
from gateway.operations.roles import CHECKS, LOOKS, PROTECTS
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, OperationResult

Position = Annotated[int, Field(ge=0, le=2**53 - 1), DIGITS]


class ExportPage(Asked):
    """Which lines; without `after` the head of the export."""

    after: Position | None = None
    upto: Position = 0


class Witness(Answer):
    """A peer that cosigned a checkpoint."""

    peer: str
    node: NodeId
    at: Time


class Witnessed(Answer):
    """The newest checkpoint that enough peers cosigned."""

    size: Count
    by: list[Witness]


class Standing(Answer):
    """How far the log goes, and how far it is witnessed."""

    origin: str
    entries: Count
    witnessed: Witnessed | None
    partly_witnessed: Witnessed | None = Field(
        description="where it is not: the checkpoint with most witnesses, who are fewer than needed"
    )
    quorum: Count


class Mark(Answer):
    """A checkpoint."""

    size: Count
    at: Time


class LogShown(Standing):
    """How the log stands."""

    checkpoint: Mark | None
    halted: str | None


class LogVerified(Standing):
    """Whether the log holds."""

    ok: bool
    checkpoints: Count
    newest: Count | None
    findings: list[Fault]


class Exported(Answer):
    """A page of the export."""

    lines: list[str]
    upto: Count
    next: Count | None


class AuditOperations:
    """Operations on the audit log."""

    def __init__(self, *, store: Store, own: OwnIdentity, peers: PeerRegistry, log: AuditLog, clock: Clock) -> None:
        self._store = store
        self._own = own
        self._peers = peers
        self._log = log
        self._clock = clock

    @operation(
        "audit.show",
        "entries, checkpoints and witnesses of the log",
        roles=LOOKS | PROTECTS,
        about=About.NODE,
        answer=LogShown,
    )
    async def show(self, _asked: Nothing) -> OperationResult:
        """Entries, checkpoints and witnesses."""
        return OperationResult(
            value=await reader.show(reader.of_running(self._store, self._own, self._peers, self._log, self._clock))
        )

    @operation(
        "audit.verify", "examine every entry of the log", roles=LOOKS | PROTECTS, about=About.NODE, answer=LogVerified
    )
    async def verify(self, _asked: Nothing) -> OperationResult:
        """Every entry examined."""
        return OperationResult(
            value=await reader.verify(reader.of_running(self._store, self._own, self._peers, self._log, self._clock))
        )

    @operation(
        "audit.export", "a page of lines for an auditor", roles=CHECKS | PROTECTS, about=About.NODE, answer=Exported
    )
    async def export(self, asked: ExportPage) -> OperationResult:
        """One page of the export; without `after` its head."""
        return OperationResult(
            value=await reader.export(
                reader.of_running(self._store, self._own, self._peers, self._log, self._clock), asked.after, asked.upto
            )
        )

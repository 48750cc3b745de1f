"""The audit log for auditors and operators: how it stands, whether it holds, the pages of its export."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.audit import reader
from gateway.audit.log import AuditLog
from gateway.database.engine import Store
from gateway.identity.own_identity import OwnIdentity
from gateway.operations.arguments import Arguments, number, only
from gateway.operations.table import Operation
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, OperationResult

MOST = 2**53 - 1


class AuditOperations:
    """Operations on the audit log."""

    def __init__(self, *, store: Store, own: OwnIdentity, peers: PeerRegistry, log: AuditLog, clock: Clock) -> None:
        self._store = store
        self._own = own
        self._peers = peers
        self._log = log
        self._clock = clock

    def by_name(self) -> Mapping[str, Operation]:
        """The operations by their names."""
        return {
            "audit.show": self.show,
            "audit.verify": self.verify,
            "audit.export": self.export,
        }

    async def show(self, arguments: Arguments) -> OperationResult:
        """Entries, checkpoints and witnesses."""
        only(arguments)
        return OperationResult(
            value=await reader.show(reader.of_running(self._store, self._own, self._peers, self._log, self._clock))
        )

    async def verify(self, arguments: Arguments) -> OperationResult:
        """Every entry examined."""
        only(arguments)
        return OperationResult(
            value=await reader.verify(reader.of_running(self._store, self._own, self._peers, self._log, self._clock))
        )

    async def export(self, arguments: Arguments) -> OperationResult:
        """One page of the export; without `after` its head."""
        only(arguments, "after", "upto")
        after = number(arguments, "after", otherwise=0, most=MOST) if "after" in arguments else None
        upto = number(arguments, "upto", otherwise=0, most=MOST)
        return OperationResult(
            value=await reader.export(
                reader.of_running(self._store, self._own, self._peers, self._log, self._clock), after, upto
            )
        )

"""How the node stands, for its operator, its auditor and its metrics: `gateway.administration.status_metrics` in JSON,
and whether it does its work.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.administration import status_metrics
from gateway.administration.status_metrics import Figures, PeerFigures, StatusMetrics
from gateway.administration.status_store import Pile
from gateway.audit.log import AuditLog
from gateway.database.engine import Store
from gateway.errors import Code
from gateway.identity.identity import Identity
from gateway.operations.arguments import Arguments, only
from gateway.operations.table import Operation
from gateway.peers.registry import PeerRegistry
from gateway.ports import Adapter, Clock, Json, OperationResult


class StatusOperations:
    """Operations that show the status of the node."""

    def __init__(
        self,
        *,
        store: Store,
        identity: Identity,
        peers: PeerRegistry,
        log: AuditLog,
        status_metrics: StatusMetrics,
        adapter: Adapter | None,
        clock: Clock,
    ) -> None:
        self._store = store
        self._identity = identity
        self._peers = peers
        self._log = log
        self._status_metrics = status_metrics
        self._adapter = adapter
        self._clock = clock

    def by_name(self) -> Mapping[str, Operation]:
        """The operations by their names."""
        return {
            "node.status": self.status,
            "node.ready": self.ready,
        }

    async def status(self, arguments: Arguments) -> OperationResult:
        """Queues by peer, what failed and why, hand-over, erasing, log, storage and alarms; no content."""
        only(arguments)
        return OperationResult(value=self._status(await self._status_metrics.read()))

    async def ready(self, arguments: Arguments) -> OperationResult:
        """Whether messages can come and go; why not, by code."""
        only(arguments)
        await self._store.read(lambda connection: connection.exec_driver_sql("select 1").all())
        faults = [] if self._log.halted is None else [self._log.halted]
        if not self._identity.keys.may_speak:
            faults.append(Code.NO_KEY)
        if self._identity.own.clock_is_back(self._clock.now()):
            faults.append(Code.CLOCK)
        return OperationResult(value={"ready": not faults, "why": [str(fault) for fault in faults]})

    def _status(self, found: Figures) -> dict[str, Json]:
        erasing, log, content, adapter = found.erasing, found.log, found.content, self._adapter
        return {
            "at": found.at,
            "peers": [_peer(one) for one in found.peers],
            "failed": [
                {
                    "kind": one.kind.partition(".")[2],
                    "peer": self._name(one.peer),
                    "reason": one.reason,
                    **_pile(one.pile),
                }
                for one in found.failed
            ],
            "hand_over": {
                "adapter": None if adapter is None else adapter.describe().kind,
                "messages": _pile(found.to_hand_over),
                "news": _pile(found.news),
                "drafts": found.drafts,
            },
            "webhooks": [*found.webhooks],
            "content": {
                "damaged": content.damaged,
                "epoch": content.epoch,
                "epoch_made": content.epoch_made,
                "rotating": content.rotating,
            },
            "storage": {
                "database": found.disk.database,
                "log": found.disk.log,
                "free": found.disk.free,
                "files": found.files.count,
                "file_bytes": found.files.size,
                "coming": found.files.coming,
            },
            "backup": found.backup,
            "erasing": {
                "looked": erasing.looked,
                "next": None if erasing.looked is None else erasing.looked + status_metrics.DAY,
                "erased": [{"reason": reason, "count": count} for reason, count in sorted(erasing.erased.items())],
                "left": erasing.left,
                "requests": erasing.requests.open,
                "overdue": erasing.requests.overdue,
                "holds": erasing.holds,
            },
            "audit": {
                "entries": log.entries,
                "checkpoint": _mark(log.checkpoint),
                "witnessed": _mark(log.witnessed),
                "halted": None if log.halted is None else str(log.halted),
            },
            "alarms": [{"kind": kind, **_pile(pile)} for kind, pile in found.alarms.items()],
        }

    def _name(self, node: str | None) -> str | None:
        peer = None if node is None else self._peers.get(node)
        return node if peer is None else peer.name


def _peer(one: PeerFigures) -> dict[str, Json]:
    peer = one.peer
    return {
        "name": peer.name,
        "state": str(peer.state),
        "delivery": one.delivery,
        "held": one.held,
        "queued": _pile(one.queued),
        "unreceived": _pile(one.unreceived),
        "undelivered": _pile(one.undelivered),
        "failing_since": peer.failing_since,
        "attempts": peer.attempts,
        "next_try": peer.next_try or None,
        "contact": one.contact,
    }


def _pile(pile: Pile) -> dict[str, Json]:
    return {"count": pile.count, "oldest": pile.oldest}


def _mark(mark: tuple[int, int] | None) -> dict[str, Json] | None:
    return None if mark is None else {"size": mark[0], "at": mark[1]}

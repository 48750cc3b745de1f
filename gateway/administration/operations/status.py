"""How the node stands, for its operator, its auditor and its metrics: `gateway.administration.status_metrics` in JSON,
and whether it does its work.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.administration import status_metrics, status_store
from gateway.administration.status_metrics import Figures, PeerFigures, StatusMetrics
from gateway.audit.log import AuditLog
from gateway.database.durability import DurabilityProbe
from gateway.errors import Code
from gateway.federation.client import FederationClient
from gateway.foundation.chores import HOUR
from gateway.foundation.ids import NodeId
from gateway.identity.identity import Identity
from gateway.maintenance.mode import MaintenanceMode
from gateway.operations.models import Answer, Count, Nothing, OneOf, Time
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import EVERYBODY, FOCAL_POINT, LOOKS
from gateway.peers.confirmed_time import ConfirmedTime
from gateway.peers.registry import PeerRegistry
from gateway.peers.scope import listens
from gateway.ports import Adapter, Clock, Json, OperationResult


class Pile(Answer):
    """So many, and since when the oldest is there."""

    count: Count
    oldest: Time | None


class PeerStanding(Answer):
    """What waits for a peer, and how the way to it is."""

    name: str
    state: str
    delivery: Annotated[str, OneOf("idle", "waiting", "failing", "held", "announced")] = Field(
        description="held: people have to agree first; announced: people work on it, and it is asked again at next_try"
    )
    held: str | None = Field(description="why it is held")
    queued: Pile
    unreceived: Pile = Field(description="sent an hour ago or longer, without any receipt")
    undelivered: Pile = Field(description="received by the peer, and taken by nobody there for a day")
    failing_since: Time | None
    attempts: Count
    next_try: Time | None
    contact: Time | None = Field(description="when it was last heard of")


class Failed(Pile):
    """Messages that failed for one reason."""

    kind: Annotated[str, OneOf("failed", "rejected", "held")]
    peer: str | None
    reason: str | None = Field(description="a code")


class HandOver(Answer):
    """What waits for the case system and for people."""

    adapter: str | None
    messages: Pile
    news: Pile = Field(description="that the case system has not taken")
    drafts: Count = Field(description="that wait for a person")


class WebhookStanding(Answer):
    """A system that is told what happens."""

    name: str
    url: str
    waiting: Count
    oldest: Time | None
    attempts: Count


class ContentStanding(Answer):
    """Sealed content."""

    damaged: Count = Field(description="open alarms about things that do not open")
    key_place: str = Field(description="where the secret of the key store lies: file, tpm or pkcs11")
    epoch: Count
    epoch_made: Time
    rotating: bool = Field(description="something is still under an older storage epoch")


class KeyServiceUse(Answer):
    """What the key service was asked for since it began."""

    use: str = Field(description="sign, open (messages of peers) or unwrap (what is stored)")
    per_minute: Count = Field(description="what is more is refused for a while")
    done: Count
    refused: Count


class Storage(Answer):
    """What the disk holds."""

    database: Count = Field(description="bytes")
    log: Count = Field(description="bytes of the write-ahead log")
    free: Count = Field(description="bytes beside the database")
    files: Count
    file_bytes: Count
    coming: Count = Field(description="files on their way in")


class ErasedFor(Answer):
    """What was erased for one reason."""

    reason: str
    count: Count


class Erasing(Answer):
    """What retention has done, and what is left."""

    looked: Time | None = Field(description="the day on which retention looked last")
    next: Time | None
    erased: list[ErasedFor] = Field(description="since that day began")
    left: Count = Field(description="erased here, and not answered by the case system yet")
    requests: Count
    overdue: Count
    holds: Count


class LogMark(Answer):
    """How far the log was signed or witnessed."""

    size: Count
    at: Time


class LogStanding(Answer):
    """The audit log."""

    entries: Count
    checkpoint: LogMark | None
    witnessed: LogMark | None
    halted: str | None


class AlarmKind(Pile):
    """Open alarms of one kind."""

    kind: str


class NodeStatus(Answer):
    """How the node stands."""

    at: Time
    stopped: str | None = Field(description="why it takes nothing in and sends nothing, a code")
    maintenance: Time | None = Field(description="until when people work on it, where that is why")
    peers: list[PeerStanding]
    failed: list[Failed]
    hand_over: HandOver
    webhooks: list[WebhookStanding]
    content: ContentStanding
    key_service: list[KeyServiceUse] = Field(description="as it was a minute ago at most; empty without such a process")
    storage: Storage
    backup: Time | None = Field(description="when the last one was made here")
    erasing: Erasing
    audit: LogStanding
    alarms: list[AlarmKind]


class Readiness(Answer):
    """Whether the node can durably accept, and whether it sends."""

    ready: bool = Field(description="what it answers is on the disk, its keys can be used, and it may accept")
    why: list[str] = Field(description="codes of what stops it")
    maintenance: Time | None = Field(description="until when people work on it")
    sending: bool = Field(description="nothing keeps it from sending, and no peer was away for an hour")
    sending_why: list[str] = Field(description="codes of what does")


class StatusOperations:
    """Operations that show the status of the node."""

    def __init__(
        self,
        *,
        identity: Identity,
        maintenance: MaintenanceMode,
        peers: PeerRegistry,
        log: AuditLog,
        status_metrics: StatusMetrics,
        probe: DurabilityProbe,
        time: ConfirmedTime,
        client: FederationClient,
        adapter: Adapter | None,
        clock: Clock,
    ) -> None:
        self._identity = identity
        self._maintenance = maintenance
        self._peers = peers
        self._log = log
        self._status_metrics = status_metrics
        self._probe = probe
        self._adapter = adapter
        self._time = time
        self._client = client
        self._clock = clock

    @operation(
        "node.status",
        "queues, failures, storage, log",
        roles=LOOKS | FOCAL_POINT,
        about=About.NODE,
        answer=NodeStatus,
    )
    async def status(self, _asked: Nothing) -> OperationResult:
        """Queues by peer, what failed and why, hand-over, erasing, log, storage and alarms; no content."""
        return OperationResult(value=self._status(await self._status_metrics.read()))

    @operation(
        "node.ready",
        "whether it can durably accept, and whether it sends",
        roles=EVERYBODY,
        about=About.NODE,
        answer=Readiness,
        units=Units.FREE,
    )
    async def ready(self, _asked: Nothing) -> OperationResult:
        """Whether the node can durably accept, and whether it sends; why not, by code.

        What keeps it from sending does not make it unready: a balancer would take every worker out because a peer is
        away.
        """
        unready, silent, now = list[Code](), list[Code](), self._clock.now()
        if not await self._probe.holds():
            unready.append(Code.DISK)
        if self._identity.own.waits_for_roots:
            unready.append(Code.ROOTS_DUE)
        elif not self._identity.keys.may_speak:
            unready.append(Code.NO_KEY)
        if self._maintenance.seconds_left():
            unready.append(Code.MAINTENANCE)
        if self._accepts_nothing():
            unready.append(Code.LINK_RESET_REQUIRED)
        elif not all(self._peers.speaks(peer.node) for peer in self._peers.all() if listens(peer.state)):
            silent.append(Code.LINK_RESET_REQUIRED)
        if self._log.halted is not None:
            silent.append(self._log.halted)
        if self._time.standing().held:
            silent.append(Code.CLOCK)
        if self._client.proxy_fault is not None:
            silent.append(self._client.proxy_fault)
        if any(peer.failing_since is not None and now - peer.failing_since >= HOUR for peer in self._peers.all()):
            silent.append(Code.UNREACHABLE)
        silent = [*unready, *silent]
        return OperationResult(
            value={
                "ready": not unready,
                "why": [str(fault) for fault in unready],
                "maintenance": self._until(),
                "sending": not silent,
                "sending_why": [str(fault) for fault in silent],
            }
        )

    def _stopped(self) -> str | None:
        """Why nothing is taken in and nothing sent, as a code."""
        if self._identity.own.waits_for_roots:
            return str(Code.ROOTS_DUE)
        return str(Code.MAINTENANCE) if self._maintenance.seconds_left() else None

    def _until(self) -> int | None:
        found = self._maintenance.current()
        return None if found is None else found.until

    def _accepts_nothing(self) -> bool:
        """Whether people have to begin every link anew before anything of a peer is taken (nrm1 5.8, 5.15)."""
        links = [peer for peer in self._peers.all() if listens(peer.state)]
        return bool(links) and not any(self._peers.hears(peer.node) for peer in links)

    def _status(self, found: Figures) -> dict[str, Json]:
        erasing, log, content, adapter = found.erasing, found.log, found.content, self._adapter
        return {
            "at": found.at,
            "stopped": self._stopped(),
            "maintenance": self._until(),
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
                "key_place": content.key_place,
                "epoch": content.epoch,
                "epoch_made": content.epoch_made,
                "rotating": content.rotating,
            },
            "key_service": [
                {"use": one.use, "per_minute": one.per_minute, "done": one.done, "refused": one.refused}
                for one in found.key_service
            ],
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

    def _name(self, node: NodeId | None) -> str | None:
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


def _pile(pile: status_store.Pile) -> dict[str, Json]:
    return {"count": pile.count, "oldest": pile.oldest}


def _mark(mark: tuple[int, int] | None) -> dict[str, Json] | None:
    return None if mark is None else {"size": mark[0], "at": mark[1]}

"""Who the workers of this node are, and what each does for all."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field

from gateway.cluster import rules, store
from gateway.cluster.store import Worker
from gateway.database.engine import Store
from gateway.foundation.ids import NodeId
from gateway.operations.models import Answer, Count, Nothing, Time
from gateway.operations.registry import About, operation
from gateway.operations.roles import FOCAL_POINT, LOOKS
from gateway.peers.registry import PeerRegistry
from gateway.ports import Json, OperationResult


class WorkerShown(Answer):
    """One process of this node, by what it last said of itself."""

    id: str
    here: bool = Field(description="whether it is the one that answers")
    host: str
    version: str
    since: Time
    seen: Count = Field(description="seconds since it was seen")
    away: bool = Field(description="what it led, others lead by now")
    ahead: int = Field(description="seconds by which its clock is ahead of the database's; above 60 it leads nothing")
    leads: list[str] = Field(description="what it does for all; `send NAME` is sending to that peer")


class WorkersShown(Answer):
    """Every worker; none where the rows of the node are in a file, which one process has open."""

    workers: list[WorkerShown]


class WorkerOperations:
    """Operations on workers."""

    def __init__(self, *, rows: Store, peers: PeerRegistry, here: Callable[[], str | None]) -> None:
        """`here` is the id of this worker, None where there are none."""
        self._store = rows
        self._peers = peers
        self._here = here

    @operation(
        "node.workers",
        "the workers of this node, and what each leads",
        roles=LOOKS | FOCAL_POINT,
        about=About.NODE,
        answer=WorkersShown,
    )
    async def workers(self, _asked: Nothing) -> OperationResult:
        """Every process of this node: its machine, its version, when it was seen, and what it does for all."""
        shown: list[Json] = [self._shown(worker) for worker in await self._store.read(store.workers)]
        return OperationResult(value={"workers": shown})

    def _shown(self, worker: Worker) -> dict[str, Json]:
        return {
            "id": worker.id,
            "here": worker.id == self._here(),
            "host": worker.host,
            "version": worker.version,
            "since": worker.since // 1_000,
            "seen": worker.away // 1_000,
            "away": worker.away > rules.LIFE,
            "ahead": round(worker.off / 1_000),
            "leads": [self._named(what) for what in worker.leads],
        }

    def _named(self, what: str) -> str:
        duty, _, node = what.partition(" ")
        peer = self._peers.get(NodeId(node)) if node else None
        return what if peer is None else f"{duty} {peer.name}"

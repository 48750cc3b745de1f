"""Is the way to a peer whole: the steps of a ping, and a test message through the whole chain."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from gateway.database.engine import Store
from gateway.delivery.outbound.submission import Submission
from gateway.errors import Code, RefusedError
from gateway.foundation.config import Config
from gateway.foundation.ids import UnitId
from gateway.messages.machines.delivery import Outgoing
from gateway.messages.probe import KIND, TYPE, End, Leg, done, header, over
from gateway.messages.store import messages, receipts
from gateway.messages.store.messages import MessageRow
from gateway.messages.store.receipts import ReceiptRow
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.operations.registry import About, operation
from gateway.operations.roles import RUNS
from gateway.peers.registry import Peer, PeerRegistry
from gateway.peers.scope import Direction
from gateway.ports import Clock, Json, OperationResult
from gateway.trust.operations.models import OnePeer, OneProbe, Pinged, Probed, Probing
from gateway.trust.ping import Pinger
from keys.documents.envelope import Status
from schemas.roles import broaden_role

PATIENCE = 10.0
"""Seconds that one question about a probe may wait for news."""


class PingOperations:
    """Operations that try the way to a peer."""

    def __init__(
        self,
        *,
        store: Store,
        peers: PeerRegistry,
        pinger: Pinger,
        submission: Submission,
        config: Config,
        wakeups: Wakeups,
        events: EventStream,
        clock: Clock,
    ) -> None:
        self._store = store
        self._peers = peers
        self._pinger = pinger
        self._submission = submission
        self._config = config
        self._wakeups = wakeups
        self._events = events
        self._clock = clock

    @operation("peer.ping", "check the way to a peer step by step", roles=RUNS, about=About.PEER, answer=Pinged)
    async def ping(self, asked: OnePeer) -> OperationResult:
        """The way to a peer step by step; see `gateway.trust.ping`."""
        peer = self._peers.find(asked.id)
        steps = await self._pinger.ping(peer)
        listed: list[Json] = [
            {
                "step": step.step,
                "ok": step.ok,
                "detail": step.detail,
                "fix": step.fix,
                "ms": step.ms,
                "code": None if step.code is None else str(step.code),
            }
            for step in steps
        ]
        return OperationResult(value={"name": peer.name, "ok": steps[-1].ok, "steps": listed})

    @operation(
        "peer.probe",
        "send a test message the whole way",
        roles=RUNS,
        about=About.PEER,
        answer=Probing,
        creates=True,
        takes_in=True,
    )
    async def probe(self, asked: OnePeer) -> OperationResult:
        """Send the test message through the whole chain; `peer.probed` tells how far it has come."""
        peer = self._peers.find(asked.id)
        now = self._clock.now()
        sender, recipient = self._ends(peer, now)
        request: dict[str, Json] = {
            "type": TYPE,
            "to": peer.node,
            "header": header(sender, recipient, now=now),
            "content": {"asked_at": now},
        }
        submitted = await self._submission.submit(request, key=None)
        value = submitted.value
        if not isinstance(value, dict):
            raise RuntimeError("a submission is answered by an object")
        self._wakeups.peer_called(peer.node)
        return OperationResult(value={"id": value["id"], "name": peer.name, "legs": [*Leg]}, created=True)

    def _ends(self, peer: Peer, now: int) -> tuple[End, End]:
        """A unit and role of each side that the scope lets through; the first pair where it lets none."""
        ours = [
            End(unit=UnitId(unit.id), role=broaden_role(role)) for unit in self._config.units for role in unit.roles
        ]
        theirs = [End(unit=unit.id, role=broaden_role(role)) for unit in peer.descriptor.units for role in unit.roles]
        pairs = [(a, b) for a in ours for b in theirs]
        if not pairs:
            raise RefusedError(Code.OUT_OF_SCOPE, "the peer's descriptor lists no unit; nothing was sent")
        standing = peer.standing(now)
        fitting = (
            pair for pair in pairs if standing.outside(TYPE, Direction.SEND, header=header(*pair, now=now)) is None
        )
        return next(fitting, pairs[0])

    @operation("peer.probed", "how far a test message has come", roles=RUNS, about=About.PEER, answer=Probed)
    async def probed(self, asked: OneProbe) -> OperationResult:
        """Show how far a probe has come. With `seen` legs known to the caller it waits a little for more."""
        id, seen = asked.id, asked.seen
        happenings = self._events.happenings
        row, told = await self._look(id)
        if len(done(Outgoing(row.state))) <= seen and not over(Outgoing(row.state)):
            await self._events.wait_for_more(happenings, PATIENCE)
            row, told = await self._look(id)
        state = Outgoing(row.state)
        legs: list[Json] = [{"leg": str(leg), "detail": _detail(leg, row, told)} for leg in done(state)]
        delivered = len(legs) == len(Leg)
        return OperationResult(
            value={
                "id": id,
                "state": row.state,
                "reason": row.reason,
                "legs": legs,
                "over": over(state),
                "ok": delivered,
            }
        )

    async def _look(self, id: str) -> tuple[MessageRow, Sequence[ReceiptRow]]:
        def query(c: Connection) -> tuple[MessageRow | None, Sequence[ReceiptRow]]:
            rows = [row for row in messages.find(c, id, direction=messages.OUT) if row.kind == KIND]
            told = receipts.of_message(c, receipts.RECEIVED, rows[0].peer, id) if rows else []
            return (rows[0] if rows else None), told

        row, told = await self._store.read(query)
        if row is None:
            raise RefusedError(Code.NOT_FOUND, "no such test message", hint="trm peer ping NAME --full sends one")
        return row, told


def _detail(leg: Leg, row: MessageRow, told: Sequence[ReceiptRow]) -> Json:
    """A word of proof for each leg: numbers and what the peer signed. Times are those of the peer's clock."""
    at = {receipt.status: receipt.at for receipt in told}
    match leg:
        case Leg.SUBMISSION:
            return "passed scope, gates and schema; on disk"
        case Leg.SEALING:
            return f"numbered {row.n}, signed and sealed for this peer"
        case Leg.SENDING:
            return "answered by the peer over the pinned connection"
        case Leg.ACCEPTANCE:
            return _signed("received", at.get(str(Status.RECEIVED)))
        case Leg.HAND_OVER:
            return _signed("delivered", at.get(str(Status.DELIVERED)))
        case Leg.RECEIPT:
            return "the peer's signed receipt was verified and stored"


def _signed(word: str, at: int | None) -> str:
    if at is None:
        return f"included in a later receipt than `{word}`"
    return f"the peer signed `{word}` at {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"

"""The end of messages that were not delivered in their time, and what a person must hear of the outbox."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.engine import Store
from gateway.errors import Code
from gateway.foundation.chores import DAY, HOUR, MINUTE, Chore
from gateway.foundation.ids import NodeId
from gateway.messages import state_transitions
from gateway.messages.machines.delivery import Outgoing, OutgoingEvent, allows
from gateway.messages.machines.numbering import GAP_PATIENCE
from gateway.messages.state_transitions import Change
from gateway.messages.store import links, local, messages
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.peers.confirmed_time import ConfirmedTime
from gateway.peers.registry import PeerRegistry
from gateway.peers.scope import PeerState
from gateway.ports import Clock

EXPIRE_BATCH = 500
UNDELIVERED_ALARM = 72 * HOUR
SUBMISSION_MEMORY = 30 * DAY
"""How long an idempotency key is remembered: longer than any message lives."""


class Expiry:
    """Ends messages whose life is over."""

    def __init__(
        self,
        *,
        store: Store,
        peers: PeerRegistry,
        time: ConfirmedTime,
        wakeups: Wakeups,
        events: EventStream,
        clock: Clock,
    ) -> None:
        self._store = store
        self._time = time
        self._peers = peers
        self._wakeups = wakeups
        self._events = events
        self._clock = clock

    def chores(self) -> Sequence[Chore]:
        """End what is over."""
        return (Chore("expire", MINUTE, self.expire),)

    async def expire(self) -> None:
        """Messages whose life is over, or whose peer was revoked before they departed, fail with a code that their
        sender is told; 72 hours undelivered tells a person. No life ends by a clock that is not confirmed.
        """
        confirmed, now = await self._time.is_confirmed(), self._clock.now()
        since = {peer.node: peer.failing_since for peer in self._peers.all()}
        revoked = [peer.node for peer in self._peers.all() if peer.state is PeerState.REVOKED]
        late = [node for node, began in since.items() if began is not None and now - began >= UNDELIVERED_ALARM]

        def move(connection: Connection) -> set[NodeId]:
            over = messages.expired(connection, now, EXPIRE_BATCH, but=str(Outgoing.VOIDING)) if confirmed else []
            rows = messages.get(connection, over)
            changes = [
                Change(row=row, event=OutgoingEvent.EXPIRE, reason=Code.EXPIRED)
                for row in rows.values()
                if allows(Outgoing(row.state), OutgoingEvent.EXPIRE)
            ]
            lost = messages.never_sealed(connection, revoked, str(Outgoing.QUEUED), EXPIRE_BATCH) if revoked else []
            changes += [
                Change(row=row, event=OutgoingEvent.REFUSE, reason=Code.NOT_ACTIVE)
                for ref, row in messages.get(connection, lost).items()
                if ref not in rows
            ]
            state_transitions.advance(connection, changes, at=now)
            for peer in late:
                if messages.queued_for(connection, peer):
                    journal.raise_alarm(connection, at=now, kind="peer.undelivered", peer=peer)
            for peer in links.peers_with_gaps(connection, now - GAP_PATIENCE):
                journal.raise_alarm(connection, at=now, kind="peer.gap", peer=peer)
            if confirmed:
                local.forget_submissions(connection, now - SUBMISSION_MEMORY)
            return {change.row.peer for change in changes}

        touched = await self._store.move(move)
        for node in touched:
            self._wakeups.outgoing(node).set()
        if touched:
            self._wakeups.handover.set()
            await self._events.happened()
